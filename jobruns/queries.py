"""What one may ask of runs and processes; views, API and commands ask here and filter nowhere else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    from jobruns.models import JobRun, SchedulerProcess  # noqa: F401

FRESH = timedelta(seconds=15)


class JobRunQuerySet(models.QuerySet["JobRun"]):
    def active(self) -> JobRunQuerySet:
        """Return runs that wait or run."""
        return self.filter(status__in=["pending", "running"])

    def running(self) -> JobRunQuerySet:
        """Return runs that run now."""
        return self.filter(status="running")

    def ended(self) -> JobRunQuerySet:
        """Return runs that reached an ending, whichever."""
        return self.exclude(status__in=["pending", "running"])

    def overdue(self, now: datetime) -> JobRunQuerySet:
        """Return running runs whose lease has run out at `now`."""
        return self.filter(status="running", lease_expires_at__lt=now)


class SchedulerProcessQuerySet(models.QuerySet["SchedulerProcess"]):
    def alive(self, now: datetime | None = None) -> SchedulerProcessQuerySet:
        """Return processes whose firing loop gave a sign of life in the last 15 seconds."""
        return self.filter(stopped_at__isnull=True, heartbeat_at__gte=(now or timezone.now()) - FRESH)
