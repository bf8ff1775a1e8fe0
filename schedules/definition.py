"""What a schedule says, apart from how it stands: the fields that an edit changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from schedules.lifecycle import ENGINE_COLUMNS

if TYPE_CHECKING:
    from schedules.models import Schedule

APART = {
    *ENGINE_COLUMNS,
    *("id", "owner", "created_by", "updated_by", "created_at", "updated_at", "callback_encrypted"),
}


class Defined(models.Model):
    """What is told of a schedule's definition."""

    class Meta:
        abstract = True

    def definition(self) -> dict[str, Any]:
        """Return every field that an edit may change; the calendar by its name, parents under `depends_on`."""
        columns = [field for field in self._meta.concrete_fields if field.name not in APART]
        found = {field.name: getattr(self, field.attname) for field in columns}
        schedule: Schedule = self  # type: ignore[assignment]  # only Schedule inherits this
        found["calendar"] = schedule.calendar.name if schedule.calendar is not None else None
        parents = schedule.dependencies.select_related("parent") if schedule.pk else []
        found["depends_on"] = [
            {"schedule": one.parent.name, "schedule_id": one.parent_id, "on": one.on} for one in parents
        ]
        return found
