"""Maintenance windows that stop what runs: as long as one is open, runs are asked to stop, and what waits waits on.

Doing it twice, or in several processes at once, does no more than doing it once.
"""

from __future__ import annotations

import time
from datetime import datetime

import structlog
from django.db.models import Q

from jobruns.models import JobRun
from schedules.calendars.closures import Closures
from schedules.clock import moment, seconds
from schedules.models import Calendar

log = structlog.get_logger(__name__)

LOOK_AGAIN = 10.0  # seconds for which the calendars that have such windows are remembered


class Blackouts:
    """Looks for open windows. Where no calendar has one that stops runs, that costs one query in ten seconds."""

    def __init__(self) -> None:
        self.looked_at = float("-inf")
        self.calendars: dict[int, Closures] = {}

    def hold(self, now: datetime) -> None:
        """Stop what runs on calendars with an open window, and hold what waits until it closes."""
        if time.monotonic() - self.looked_at >= LOOK_AGAIN:
            self.looked_at = time.monotonic()
            self.calendars = Calendar.objects.stopping().ready_all()
        for number, calendar in self.calendars.items():
            end = calendar.stop_end(seconds(now))
            if end is not None:
                _hold(number, calendar, now, moment(end))


def _hold(number: int, calendar: Closures, now: datetime, end: datetime) -> None:
    """Stop and hold the runs of schedules on a calendar, but for those that somebody asked for in the window."""
    opened = moment(calendar.stop_start(seconds(now)))
    on_purpose = Q(trigger__in=["manual", "api"], queued_at__gte=opened)
    runs = JobRun.objects.filter(schedule__calendar=number).exclude(on_purpose)
    name = f"the maintenance window {calendar.stop_names(seconds(now))}"
    stopped = runs.filter(status="running", cancellation="").update(
        cancellation="asked", reason="blackout", cancelled_by=name[:150]
    )
    held = runs.filter(status="pending", available_at__lt=end).update(available_at=end, reason="blackout")
    if stopped or held:
        log.info("maintenance window open", calendar=calendar.name, stopped=stopped, held=held, until=end.isoformat())
