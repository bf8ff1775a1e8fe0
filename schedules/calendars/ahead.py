"""What of a calendar is closed next, for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from schedules.calendars.closures import Closures
from schedules.clock import DAY, seconds, wall_time

SHOWN = 8
DAYS = 366


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A day that closes though its weekday is open, and what closes it."""

    date: date
    name: str


def closed_ahead(calendar: Closures, now: datetime) -> list[ClosedDay]:
    """Return the first days from today on, in the calendar's zone, that are closed by their date."""
    today = wall_time(calendar.definition.timezone, seconds(now)) // DAY
    named = {one.date.toordinal(): one.name for one in calendar.definition.closed_dates}
    days = (day for day in range(today, today + DAYS) if day in named and calendar.closed_day(day) is not None)
    return [ClosedDay(date.fromordinal(day), named[day]) for day, _ in zip(days, range(SHOWN), strict=False)]
