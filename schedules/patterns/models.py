"""Templates: partial schedules with parameters, every version kept; and where a schedule came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models, transaction
from django.db.models import Count, Q

from integrations import audit
from integrations.access import OfEnvironments, environments_of
from integrations.naming import has_control_characters
from schedules.patterns import definition, parameters, placeholders
from schedules.patterns.parameters import InvalidTemplate, Parameter

if TYPE_CHECKING:
    from integrations.access import Viewer


class TemplateQuerySet(OfEnvironments, models.QuerySet["Template"]):
    has_common = True

    def counted(self, user: Viewer) -> TemplateQuerySet:
        """Return templates with `instance_count`: how many schedules came from each that exist for this user."""
        places, there = environments_of(user), ~Q(origins__schedule__status="deleted")
        if places is not None:
            there &= Q(origins__schedule__environment__in=sorted(places))
        return self.annotate(instance_count=Count("origins", filter=there, distinct=True))


class Template(models.Model):
    """A named partial schedule with parameters. Changing it changes no schedule that was made from it."""

    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(max_length=1000, validators=[MaxLengthValidator(1000)], blank=True, default="")
    environment = models.CharField(
        max_length=50, blank=True, default="", help_text="Of the schedules made from it; any if empty."
    )
    definition = models.JSONField(default=dict, help_text="Fields of a schedule; texts may hold {{ name }}.")
    parameters = models.JSONField(default=list, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    updated_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TemplateQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    if TYPE_CHECKING:
        origins: Any
        versions: Any

    def __str__(self) -> str:
        return self.name

    @property
    def asks(self) -> list[Parameter]:
        """Return the parameters as they were read; raises InvalidTemplate."""
        return parameters.read(self.parameters)

    def clean(self) -> None:
        """Refuse what is no template; raises ValidationError by field, inner ones with dots."""
        for field in ("name", "environment"):
            value = getattr(self, field)
            if value != value.strip() or has_control_characters(value):
                raise ValidationError({field: ["Control characters and blanks at the ends are not allowed."]})
        try:
            asks = self.asks
        except InvalidTemplate as refused:
            named = {f"parameters.{where}".rstrip("."): texts for where, texts in refused.errors.items()}
            raise ValidationError(named) from None
        try:
            definition.check(self.definition, asks, self.environment)
        except InvalidTemplate as refused:
            raise ValidationError(refused.errors) from None
        self.parameters = [one.model_dump(exclude_defaults=True, mode="json") for one in asks]

    def store(self, *, by: str, why: str = "") -> None:
        """Check and save it as a new version; no schedule changes by it. Raises ValidationError by field."""
        with transaction.atomic():
            new, before = self._state.adding, dict[str, Any]()
            if new:
                self.created_by = self.created_by or by
            else:
                stored = Template.objects.select_for_update().get(pk=self.pk)
                self.version, before = stored.version + 1, stored.recorded()
            self.updated_by = by
            self.full_clean()
            self.save()
            self.versions.create(
                number=self.version,
                definition=self.definition,
                parameters=self.parameters,
                environment=self.environment,
                created_by=by,
                reason=why[:500],
            )
            told = self.recorded()
            audit.record("create" if new else "update", self, by=by, reason=why, before=before, after=told)

    def remove(self, *, by: str) -> None:
        """Delete it with its versions; raises ValidationError, code "conflict", while schedules came from it."""
        with transaction.atomic():
            if held := self.held_by():
                raise ValidationError(held, code="conflict")
            audit.record("delete", self, by=by, before=self.recorded())
            self.delete()

    def recorded(self) -> dict[str, Any]:
        """Return what the audit trail tells of it."""
        names = ("name", "description", "environment", "definition", "parameters")
        return {name: getattr(self, name) for name in names}

    def held_by(self) -> str:
        """Say which schedules keep it from being deleted; empty if none does."""
        found = self.origins.exclude(schedule__status="deleted").order_by("schedule__name")
        names = list(found.values_list("schedule__name", flat=True)[:21])
        if not names:
            return ""
        more = " and others" if len(names) > 20 else ""
        return f"{', '.join(names[:20])}{more} came from {self.name}. Delete these schedules first."


class TemplateVersion(models.Model):
    """What a template said from one change to the next: who changed it, when, and why."""

    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    definition = models.JSONField()
    parameters = models.JSONField()
    environment = models.CharField(max_length=50, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="one_row_per_template_version")]

    def __str__(self) -> str:
        return f"{self.template} version {self.number}"

    def values(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of its parameters, defaults included; raises InvalidTemplate by name."""
        return parameters.values(parameters.read(self.parameters), sent)

    def filled(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a schedule with `values` in place of the placeholders."""
        found: dict[str, Any] = placeholders.fill(self.definition, values)
        return {**found, "environment": self.environment} if self.environment else found


class Origin(models.Model):
    """The template that a schedule was made from, at which version, with which values.

    `made` is the schedule, field by field, as the template made it: what differs now was edited by hand.
    """

    schedule = models.OneToOneField("schedules.Schedule", on_delete=models.CASCADE, related_name="origin")
    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="origins")
    version = models.PositiveIntegerField()
    parameters = models.JSONField(default=dict)
    made = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.schedule} from {self.template} version {self.version}"

    @property
    def is_outdated(self) -> bool:
        """Tell whether the template has a newer version."""
        return self.version < self.template.version
