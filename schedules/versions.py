"""Every definition that a schedule ever had: who stored it, when, why, and by which way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models

from integrations import audit
from schedules import rules
from schedules.calendars.models import Calendar
from schedules.dependencies import Wanted

if TYPE_CHECKING:
    from schedules.models import Schedule


class ScheduleVersion(models.Model):
    """What a schedule said from one edit to the next. Its number is the schedule's `version` after the edit."""

    schedule = models.ForeignKey(
        "schedules.Schedule", on_delete=models.CASCADE, related_name="versions", db_index=False
    )
    number = models.PositiveIntegerField()
    definition = models.JSONField()
    reason = models.CharField(max_length=500, blank=True, default="")
    source = models.CharField(max_length=16, blank=True, default="")
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        verbose_name = "version of a schedule"
        verbose_name_plural = "versions of schedules"
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["schedule", "number"], name="one_row_per_schedule_version")]

    def __str__(self) -> str:
        return f"{self.schedule} version {self.number}"

    @property
    def one_before(self) -> ScheduleVersion | None:
        """Return the version that this one took the place of."""
        return ScheduleVersion.objects.filter(schedule=self.schedule_id, number__lt=self.number).first()

    @classmethod
    def keep(cls, schedule: Schedule, definition: Mapping[str, Any], *, by: str, number: int) -> None:
        """Keep a definition as the version of that number."""
        who = audit.current()
        name = who.actor[0] or by
        cls.objects.create(
            schedule=schedule,
            number=number,
            definition=_as_json(definition),
            reason=who.reason[:500],
            source=who.source or "internal",
            created_by=name[:150],
        )


def values_of(schedule: Schedule, definition: Mapping[str, Any]) -> tuple[dict[str, Any], list[Wanted]]:
    """Return what a stored definition sets, and the parents that it names; raises ValidationError on `calendar`.

    Fields that schedules have no more are left out, and the file that declared it: that is not undone.
    """
    known = {field.name for field in schedule._meta.concrete_fields} - {"source"}
    values = {name: value for name, value in definition.items() if name in known}
    for name in rules.MOMENTS:
        values[name] = datetime.fromisoformat(values[name]) if values.get(name) else None
    values["calendar"] = _calendar(schedule, values.get("calendar"))
    parents = [Wanted(schedule_id=one["schedule_id"], on=one["on"]) for one in definition.get("depends_on", [])]
    return values, parents


def _calendar(schedule: Schedule, name: Any) -> Calendar | None:
    if not name:
        return None
    seen = Calendar.objects.all() if schedule.owner is None else Calendar.objects.visible_to(schedule.owner)
    found = seen.filter(name=name).first()
    if found is None:
        raise ValidationError({"calendar": [f"There is no calendar {name!r} any more."]})
    return found


def _as_json(definition: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in definition.items()}
