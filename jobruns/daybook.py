"""What a schedule's calendar has to do with an instant, told to a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from jobruns.engine.trace import CLOSED
from jobruns.models import JobRun
from schedules.models import Schedule
from schedules.tables import moment
from schedules.timing import closing, origins


def told(schedule: Schedule, at: datetime, row: JobRun | None) -> Iterator[str]:
    """Yield sentences on the calendar at `at`, whose row is `row`, if any; raises TimingError.

    They go by the calendar as it is now, and say so where it has been changed since the row was written.
    """
    calendar = schedule.calendar
    if calendar is None:
        return
    shut = closing(schedule.timing, at)
    if shut is not None and not (row is not None and row.reason in CLOSED and row.scheduled_for == at):
        yield shut.sentence
    for origin in origins(schedule.timing, at):
        yield f"It stands for the instant of {moment(origin, schedule.timezone)}, when the calendar was closed."
    if row is not None and calendar.updated_at > row.queued_at:
        then = calendar.versions.filter(created_at__lte=row.queued_at).first()
        was = f"version {then.number} then, {calendar.version} now" if then else "it had another calendar then"
        yield f"The calendar {calendar.name} has been changed since: {was}."
