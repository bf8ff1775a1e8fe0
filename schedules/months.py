"""The month grid of a schedule's future: how often and when it runs on each day of its own zone, and which days are
closed. Pure."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from schedules.clock import seconds
from schedules.timing import Preview, Timing, next_instant, origins, runs, stretch

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Day:
    """A cell: `times` are the first few runs, `count` all of them; `past` days show none.

    `closed` names what closes the day, "" if it is open; `moved` are those of `times` that come from a closed day.
    """

    date: date
    count: int
    times: tuple[datetime, ...]
    other: bool
    past: bool
    today: bool
    closed: str = ""
    moved: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """An instant ahead: `closed` says shortly what closes it, "" if it runs; `moved` if it comes from another."""

    at: datetime
    local: datetime
    closed: str
    moved: bool


def listed(timing: Timing, ahead: Preview, most: int) -> list[Listed]:
    """Return the first of what a preview shows, closed instants among those that run."""
    closed, zone = {one.at: one.closing.label for one in ahead.closed}, ZoneInfo(timing.zone)
    found = sorted([*ahead.instants, *closed])[:most]
    return [Listed(at, at.astimezone(zone), closed.get(at, ""), bool(origins(timing, at, 1))) for at in found]


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
    noon = datetime.combine(one, time(12), zone)
    return Day(
        one,
        count,
        times,
        other=one.month != month.month,
        past=past,
        today=one == now.date(),
        closed="" if timing.calendar is None else timing.calendar.day_name(seconds(noon)),
        moved=tuple(at for at in times if origins(timing, at, 1)),
    )


def _fires(timing: Timing, after: datetime, until: datetime) -> tuple[int, tuple[datetime, ...]]:
    first = next_instant(timing, after)
    if first is None or first > until:
        return 0, ()
    zone = ZoneInfo(timing.zone)
    times = tuple(one.astimezone(zone) for one in islice(takewhile(until.__ge__, runs(timing, after)), SHOWN))
    found = stretch(timing, first, until, 0)
    return found.count - found.closed, times
