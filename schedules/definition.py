"""What a schedule says, apart from how it stands: the fields that an edit changes, kept with each edit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import User
from django.db import models, transaction

from integrations import audit
from schedules.lifecycle import ENGINE_COLUMNS
from schedules.versions import ScheduleVersion, values_of

if TYPE_CHECKING:
    from schedules.models import Schedule

APART = {
    *ENGINE_COLUMNS,
    *("id", "owner", "created_by", "updated_by", "created_at", "updated_at", "callback_encrypted"),
}


class Defined(models.Model):
    """A schedule's definition and what was edited in it."""

    class Meta:
        abstract = True

    if TYPE_CHECKING:
        versions: Any

    def definition(self) -> dict[str, Any]:
        """Return every field that an edit may change; the calendar by its name, parents under `depends_on`."""
        columns = [field for field in self._meta.concrete_fields if field.name not in APART]
        found = {field.name: getattr(self, field.attname) for field in columns}
        schedule = self._schedule()
        found["calendar"] = schedule.calendar.name if schedule.calendar is not None else None
        parents = schedule.dependencies.select_related("parent") if schedule.pk else []
        found["depends_on"] = [
            {"schedule": one.parent.name, "schedule_id": one.parent_id, "on": one.on} for one in parents
        ]
        return found

    def note_edit(self, before: Mapping[str, Any], *, by: str, act: str) -> None:
        """Write an edit into the audit trail and keep the definition as a new version."""
        schedule, after = self._schedule(), self.definition()
        audit.record(act, schedule, by=by, before=before, after=after)
        if before and not self.versions.exists():  # it came here without an edit
            ScheduleVersion.keep(schedule, before, by=schedule.created_by, number=schedule.version - 1)
        ScheduleVersion.keep(schedule, after, by=by, number=schedule.version)

    def roll_back(self, number: int, *, by: User, reason: str = "") -> None:
        """Store the definition of an earlier version again: an edit like any other, as a new version.

        Raises ScheduleVersion.DoesNotExist, and ValidationError by field where that definition is refused now.
        """
        kept = self.versions.get(number=number)
        schedule = self._schedule()
        with transaction.atomic(), audit.because(reason or f"Back to version {number}."):
            schedule.owner = by
            values, parents = values_of(schedule, kept.definition)
            for name, value in values.items():
                setattr(schedule, name, value)
            schedule.store(by=by.get_username(), depends_on=parents, act="rollback")

    def _schedule(self) -> Schedule:
        return self  # type: ignore[return-value]  # only Schedule inherits this
