"""The systems that are validated; the environment of each decides who sees what is known of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models, transaction

from integrations import audit
from integrations.access import OfEnvironments
from jobtypes.compliance.models.refusals import refuse_no_object, refuse_odd_texts

LISTED = 20  # names in a sentence


class SystemQuerySet(OfEnvironments, models.QuerySet["System"]):
    def in_environment(self, environment: str) -> SystemQuerySet:
        """Return the systems of an environment, by name."""
        return self.filter(environment=environment).order_by("name")

    def called(self, names: Iterable[str]) -> SystemQuerySet:
        """Return the systems of these names; none named means all."""
        chosen = list(names)
        return self.filter(name__in=chosen) if chosen else self

    def named(self, name: str) -> System:
        """Return the system of that name; raises DoesNotExist with a sentence that lists what there is."""
        found = self.filter(name=name).first() if "\0" not in name else None
        if found is None:
            known = ", ".join(self.order_by("name").values_list("name", flat=True)[:LISTED]) or "none yet"
            raise self.model.DoesNotExist(f"There is no system {name!r}. Systems: {known}.")
        return found

    def missing(self, names: Iterable[str]) -> list[str]:
        """Return which of these names no system has, in their order; one query."""
        chosen = list(dict.fromkeys(names))
        there = set(self.filter(name__in=chosen).values_list("name", flat=True))
        return [name for name in chosen if name not in there]


class System(models.Model):
    """Something that has to show evidence: an application, a cluster, a site."""

    name = models.CharField(max_length=255, unique=True)
    description = models.TextField(max_length=1000, validators=[MaxLengthValidator(1000)], blank=True, default="")
    environment = models.CharField(
        max_length=50, help_text="Such as edge or IL2. It decides which users see the system and its evidence."
    )
    attributes = models.JSONField(default=dict, blank=True, help_text="A JSON object of facts of your own.")
    version = models.PositiveIntegerField(default=1, editable=False)
    created_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    updated_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SystemQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(fields=["environment", "name"], name="system_of_environment")]

    if TYPE_CHECKING:
        evidence: Any
        results: Any
        waivers: Any

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse what is no system; raises ValidationError by field."""
        refuse_odd_texts(self, ["name", "environment"])
        refuse_no_object("attributes", self.attributes)

    def store(self, *, by: str) -> None:
        """Check and save it as a new version; raises ValidationError by field."""
        with transaction.atomic():
            new, before = self._state.adding, dict[str, Any]()
            if new:
                self.created_by = by
            else:
                stored = System.objects.select_for_update().get(pk=self.pk)
                self.version, before = stored.version + 1, stored.recorded()
            self.updated_by = by
            self.full_clean()
            self.save()
            audit.record("create" if new else "update", self, by=by, before=before, after=self.recorded())

    def remove(self, *, by: str) -> None:
        """Delete it; raises ValidationError, code "conflict", where something is kept of it."""
        with transaction.atomic():
            System.objects.select_for_update().get(pk=self.pk)
            if held := self.held_by():
                raise ValidationError(held, code="conflict")
            audit.record("delete", self, by=by, before=self.recorded())
            self.delete()

    def held_by(self) -> str:
        """Say what keeps it from being deleted; empty if nothing does."""
        if self.results.exists() or self.evidence.exists():
            return (
                f"{self.name} has evidence or results, and they are kept for the auditor. "
                "Put it into another environment, such as retired, and it is validated no more."
            )
        if self.waivers.exists():
            return f"Waivers name {self.name}. Take it out of them first: a waiver that names no system is for all."
        return ""

    def recorded(self) -> dict[str, Any]:
        """Return what the audit trail tells of it."""
        return {name: getattr(self, name) for name in ("name", "description", "environment", "attributes")}
