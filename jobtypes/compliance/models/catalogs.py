"""Catalogs of controls, and what own requirements a control or a family has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, RegexValidator
from django.db import models, transaction
from django.db.models import Q

from integrations import audit
from integrations.access import Common
from jobtypes.compliance.models.refusals import SHA256, refuse_no_texts, refuse_odd_texts
from jobtypes.compliance.oscal import spelled


class CatalogQuerySet(Common, models.QuerySet["Catalog"]):
    def missing(self, keys: Iterable[str]) -> list[str]:
        """Return which of these keys no catalog has, in their order; one query."""
        chosen = list(dict.fromkeys(keys))
        there = set(self.filter(key__in=map(spelled, chosen)).values_list("key", flat=True))
        return [key for key in chosen if spelled(key) not in there]

    def named(self, key: str) -> Catalog:
        """Return the catalog of that key; raises DoesNotExist with a sentence that lists what there is."""
        found = self.filter(key=spelled(key)).first() if "\0" not in key else None
        if found is None:
            known = ", ".join(self.order_by("key").values_list("key", flat=True)[:20]) or "none yet"
            raise self.model.DoesNotExist(f"There is no catalog {key!r}. Catalogs: {known}.")
        return found

    def counted(self) -> CatalogQuerySet:
        """Return catalogs with the numbers of their controls: `base`, `enhancements` and `withdrawn`."""
        listed = Q(controls__dropped_at=None)
        adds = Q(controls__depth__gt=0) | Q(controls__control_id__contains=".")
        return self.annotate(
            base=models.Count("controls", filter=listed & ~adds),
            enhancements=models.Count("controls", filter=listed & adds),
            withdrawn=models.Count("controls", filter=listed & Q(controls__withdrawn=True)),
        )


class Catalog(models.Model):
    """A catalog or a baseline as `loadcatalog` read it."""

    class Reading(models.TextChoices):
        CATALOG = "catalog", "Catalog"
        PLAIN = "plain", "Profile, the ids as listed"
        RESOLVED = "resolved", "Profile, resolved"

    key = models.CharField(max_length=100, unique=True, help_text="Schedules refer to it by this word.")
    title = models.CharField(max_length=500, blank=True, default="")
    version = models.CharField(max_length=100, blank=True, default="", help_text="As the document says.")
    framework = models.CharField(max_length=100, blank=True, default="")
    baseline = models.CharField(max_length=100, blank=True, default="")
    reading = models.CharField(max_length=8, choices=Reading, default=Reading.CATALOG)
    sha256 = models.CharField(max_length=64, validators=[RegexValidator(SHA256)], help_text="Of the file.")
    loaded_at = models.DateTimeField()

    objects = CatalogQuerySet.as_manager()

    class Meta:
        ordering = ["key"]

    if TYPE_CHECKING:
        controls: Any

    def __str__(self) -> str:
        return self.key

    def clean(self) -> None:
        """Write the key in its one spelling; raises ValidationError by field."""
        self.key = spelled(self.key)
        refuse_odd_texts(self, ["key", "title", "version", "framework", "baseline"])

    def remove(self, *, by: str) -> None:
        """Delete it with its controls; raises ValidationError, code "conflict", where results name them."""
        with transaction.atomic():
            Catalog.objects.select_for_update().get(pk=self.pk)
            named = Q(results__isnull=False) | Q(findings__isnull=False)
            if self.assessments.exists() or self.controls.filter(named).exists():
                raise ValidationError(
                    f"There are results by {self.key}, and they are kept for the auditor. "
                    "Take it out of the schedules that name it instead.",
                    code="conflict",
                )
            audit.record("delete", self, by=by, before=self.recorded())
            self.delete()

    def recorded(self) -> dict[str, Any]:
        """Return what the audit trail tells of it."""
        names = ("key", "title", "version", "framework", "baseline", "reading", "sha256")
        return {name: getattr(self, name) for name in names}


class ControlQuerySet(Common, models.QuerySet["Control"]):
    def listed(self) -> ControlQuerySet:
        """Return the controls that their catalogs still have."""
        return self.filter(dropped_at=None)

    def of_catalogs(self, keys: Iterable[str]) -> ControlQuerySet:
        """Return the controls that the catalogs of these keys have, with their catalogs, in the order of the file."""
        return (
            self.listed()
            .filter(catalog__key__in=list(map(spelled, keys)))
            .select_related("catalog")
            .order_by("catalog", "position")
        )

    def enhanced(self, rule: str) -> ControlQuerySet:
        """Return the controls that `include` (all), `exclude` (no id with a dot) or `as_listed` (depth 0) leaves."""
        if rule == "exclude":
            return self.exclude(control_id__contains=".")
        return self.filter(depth=0) if rule == "as_listed" else self

    def in_force(self) -> ControlQuerySet:
        """Return the controls that were not withdrawn."""
        return self.filter(withdrawn=False)

    def called(self, control_ids: Iterable[str]) -> ControlQuerySet:
        """Return the controls of these ids, in whatever case they are written; none named means all."""
        chosen = [one.upper() for one in control_ids]
        return self.filter(control_id__in=chosen) if chosen else self

    def missing(self, control_ids: Iterable[str], catalogs: Iterable[str]) -> list[str]:
        """Return which of these ids none of the catalogs of these keys has, in their order; one query."""
        chosen = list(dict.fromkeys(one.upper() for one in control_ids))
        if not chosen:
            return []
        listed = self.listed().filter(catalog__key__in=list(catalogs), control_id__in=chosen)
        there = set(listed.values_list("control_id", flat=True))
        return [one for one in chosen if one not in there]


class Control(models.Model):
    """One control of one catalog. It stays when its catalog drops it, since results name it."""

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="controls", db_index=False)
    control_id = models.CharField(max_length=100, help_text="In upper case, such as AC-2.1.")
    label = models.CharField(max_length=100, blank=True, default="", help_text="As it is printed, such as AC-2(1).")
    title = models.CharField(max_length=500, blank=True, default="")
    family = models.CharField(max_length=100, db_index=True, help_text="Its id before the first hyphen.")
    text = models.TextField(blank=True, default="")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children")
    depth = models.PositiveSmallIntegerField(default=0)
    position = models.PositiveIntegerField(default=0, help_text="In the file.")
    withdrawn = models.BooleanField(default=False)
    dropped_at = models.DateTimeField(null=True, blank=True, help_text="When a newer file had it no more.")

    objects = ControlQuerySet.as_manager()

    class Meta:
        ordering = ["catalog", "position"]
        constraints = [
            models.UniqueConstraint(fields=["catalog", "control_id"], name="a_control_once_in_a_catalog"),
        ]

    if TYPE_CHECKING:
        catalog_id: int
        parent_id: int | None
        results: Any
        findings: Any

    def __str__(self) -> str:
        return self.control_id


class ControlRequirementQuerySet(Common, models.QuerySet["ControlRequirement"]):
    pass


class ControlRequirement(models.Model):
    """What a control, or a family, requires here; it beats what Carillon knows."""

    trail_kind = "control-requirement"

    control_id = models.CharField(max_length=100, blank=True, default="", help_text="Such as AC-2; or name a family.")
    family = models.CharField(max_length=100, blank=True, default="", help_text="Such as AC; or name a control.")
    required_all = models.JSONField(default=list, blank=True, help_text="Types of evidence that must all be there.")
    required_any = models.JSONField(default=list, blank=True, help_text="Types of which one must be there.")
    remediation = models.TextField(max_length=2000, validators=[MaxLengthValidator(2000)], blank=True, default="")
    created_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    updated_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ControlRequirementQuerySet.as_manager()

    class Meta:
        ordering = ["family", "control_id"]
        verbose_name = "requirement of a control"
        verbose_name_plural = "requirements of controls"
        constraints = [
            models.UniqueConstraint(fields=["control_id", "family"], name="one_requirement_of_a_control"),
            models.CheckConstraint(
                condition=Q(control_id="", family__gt="") | Q(control_id__gt="", family=""),
                name="a_requirement_of_a_control_or_a_family",
                violation_error_message="Name a control or a family, one of them.",
            ),
        ]

    def __str__(self) -> str:
        return self.control_id or self.family

    def clean(self) -> None:
        """Write ids in upper case; raises ValidationError by field."""
        self.control_id, self.family = self.control_id.upper(), self.family.upper()
        refuse_odd_texts(self, ["control_id", "family"])
        for name in ("required_all", "required_any"):
            refuse_no_texts(name, getattr(self, name))
        if not self.required_all and not self.required_any:
            raise ValidationError("Require at least one type of evidence; without any, every control would pass.")

    def store(self, *, by: str) -> None:
        """Check and save it; raises ValidationError by field."""
        with transaction.atomic():
            new, before = self._state.adding, dict[str, Any]()
            if new:
                self.created_by = by
            else:
                before = ControlRequirement.objects.select_for_update().get(pk=self.pk).recorded()
            self.updated_by = by
            self.full_clean()
            self.save()
            audit.record("create" if new else "update", self, by=by, before=before, after=self.recorded())

    def remove(self, *, by: str) -> None:
        """Delete it: what Carillon knows holds again."""
        with transaction.atomic():
            audit.record("delete", self, by=by, before=self.recorded())
            self.delete()

    def recorded(self) -> dict[str, Any]:
        """Return what the audit trail tells of it."""
        names = ("control_id", "family", "required_all", "required_any", "remediation")
        return {name: getattr(self, name) for name in names}
