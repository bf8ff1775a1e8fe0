"""What one may ask of schedules; views, API and commands ask here and filter nowhere else."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connections, models

if TYPE_CHECKING:
    from schedules.models import Schedule  # noqa: F401


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def existing(self) -> ScheduleQuerySet:
        """Return schedules that were not deleted."""
        return self.exclude(status="deleted")

    def tagged(self, *tags: str) -> ScheduleQuerySet:
        """Return schedules that carry every one of `tags`."""
        if connections[self.db].vendor == "postgresql":
            return self.filter(tags__contains=list(tags))
        return self.extra(  # noqa: S610 - SQLite has no JSON containment; the words are parameters
            where=["EXISTS (SELECT 1 FROM json_each(schedules_schedule.tags) WHERE value = %s)"] * len(tags),
            params=list(tags),
        )

    def due(self, now: datetime) -> ScheduleQuerySet:
        """Return active schedules with an instant at or before `now`, the longest overdue first."""
        return self.filter(next_run_at__lte=now).order_by("next_run_at", "id")

    def upcoming(self) -> ScheduleQuerySet:
        """Return schedules with an instant ahead, the next first."""
        return self.filter(next_run_at__isnull=False).order_by("next_run_at", "id")

    def failing(self) -> ScheduleQuerySet:
        """Return schedules whose last run failed, those that failed most often in a row first."""
        return self.existing().filter(consecutive_failures__gt=0).order_by("-consecutive_failures", "id")

    def held(self) -> ScheduleQuerySet:
        """Return schedules that do not fire because they are paused or suspended, the latest first."""
        return self.filter(status__in=["paused", "suspended"]).order_by("-status_changed_at", "id")

    def to_resume(self, now: datetime) -> ScheduleQuerySet:
        """Return paused schedules whose pause has run out at `now`."""
        return self.filter(status="paused", paused_until__lte=now)

    def resume_ended_pauses(self, now: datetime) -> int:
        """Resume schedules whose pause has run out at `now`, from that moment on; return how many."""
        ended = list(self.to_resume(now)[:500])
        for schedule in ended:
            schedule.resume(by="", missed=schedule.pause_catchup, at=schedule.paused_until)
        return len(ended)
