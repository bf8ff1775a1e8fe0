"""What one may ask of schedules; views, API and commands ask here and filter nowhere else."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from schedules.models import Schedule  # noqa: F401


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def existing(self) -> ScheduleQuerySet:
        """Return schedules that were not deleted."""
        return self.exclude(status="deleted")

    def due(self, now: datetime) -> ScheduleQuerySet:
        """Return active schedules with an instant at or before `now`, the longest overdue first."""
        return self.filter(next_run_at__lte=now).order_by("next_run_at", "id")

    def upcoming(self) -> ScheduleQuerySet:
        """Return schedules with an instant ahead, the next first."""
        return self.filter(next_run_at__isnull=False).order_by("next_run_at", "id")

    def to_resume(self, now: datetime) -> ScheduleQuerySet:
        """Return paused schedules whose pause has run out at `now`."""
        return self.filter(status="paused", paused_until__lte=now)

    def resume_ended_pauses(self, now: datetime) -> int:
        """Resume schedules whose pause has run out at `now`, from that moment on; return how many."""
        ended = list(self.to_resume(now)[:500])
        for schedule in ended:
            schedule.resume(by="", missed=schedule.pause_catchup, at=schedule.paused_until)
        return len(ended)
