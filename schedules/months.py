"""The month grid of a schedule's future: how often and when it fires on each day of its own zone. Pure."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schedules.timing import Timing, next_instant, occurrences, stretch

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Day:
    """A cell: `times` are the first few fires, `count` all of them; `past` days show none."""

    date: date
    count: int
    times: tuple[datetime, ...]
    other: bool
    past: bool
    today: bool


def grid(timing: Timing, month: date, now: datetime) -> list[list[Day]]:
    """Return the weeks of `month`, Monday first, each with its seven days; raises TimingError."""
    zone = ZoneInfo(timing.zone)
    weeks = calendar.Calendar().monthdatescalendar(month.year, month.month)
    return [[_day(timing, one, month, now.astimezone(zone)) for one in week] for week in weeks]


def month_named(text: str, today: date) -> date:
    """Return the first day of the month "2027-03", or of this month if `text` names none."""
    try:
        return datetime.strptime(text, "%Y-%m").date()
    except ValueError:
        return today.replace(day=1)


def neighbours(month: date) -> tuple[date, date]:
    """Return the first days of the months before and after."""
    return (month - timedelta(days=1)).replace(day=1), (month + timedelta(days=31)).replace(day=1)


def _day(timing: Timing, one: date, month: date, now: datetime) -> Day:
    zone = ZoneInfo(timing.zone)
    begin = datetime.combine(one, time.min, zone)
    end = datetime.combine(one + timedelta(days=1), time.min, zone) - timedelta(seconds=1)
    past = one < now.date()
    count, times = (0, ()) if past else _fires(timing, max(begin - timedelta(seconds=1), now), end)
    return Day(one, count, times, other=one.month != month.month, past=past, today=one == now.date())


def _fires(timing: Timing, after: datetime, until: datetime) -> tuple[int, tuple[datetime, ...]]:
    first = next_instant(timing, after)
    if first is None or first > until:
        return 0, ()
    zone = ZoneInfo(timing.zone)
    times = tuple(one.astimezone(zone) for one in occurrences(timing, after, until, SHOWN))
    return stretch(timing, first, until, 0).count, times
