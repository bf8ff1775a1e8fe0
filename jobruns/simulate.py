"""Run schedules forward without running anything: what load the days ahead bring; pure.

Instants come from the evaluator that fires, overlaps are judged by the engine's policy, and slots are given as the
engine claims: by priority, then by time. A run takes as long as runs of its schedule usually do. All are idle at
first, nothing fails, and a scheduler is always up.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from jobruns.line import Line, Work
from jobruns.meter import Meter
from schedules.calendars.closures import Closures
from schedules.clock import seconds
from schedules.timing import Timing, next_instant, stretch, ticks

DAY = 86_400
WORST = 10
NAMED = 10
TICK = timedelta(microseconds=1)

__all__ = ["Burden", "Minute", "Report", "Work", "fires_ahead", "simulate"]


@dataclass(frozen=True, slots=True)
class Minute:
    """A minute in which much happens: `due` counts the schedules with an instant in it, `names` are the first."""

    at: datetime
    started: int
    skipped: int
    wait_seconds: float
    busy_percent: float
    due: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Burden:
    """What became of the instants of one schedule that waited or skipped."""

    schedule_id: int
    name: str
    fires: int
    skipped: int
    wait_seconds: float
    longest_wait_seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """The load of `days` from `start`. `fires` are instants; each is a run, or skipped: overlap, holiday or blackout.

    `load` has a (minutes, runs started, percent of slots busy) for each stretch of minutes that are alike.
    """

    start: datetime
    until: datetime
    slots: int
    schedules: int
    fires: int
    runs: int
    skipped: dict[str, int]
    replaced: int
    waited: int
    wait_seconds: float
    longest_wait_seconds: float
    busy_percent: float
    load: tuple[tuple[int, int, int], ...]
    worst_minutes: tuple[Minute, ...]
    burdened: tuple[Burden, ...]


def simulate(
    works: Sequence[Work],
    *,
    start: datetime,
    days: int,
    slots: int,
    progress: Callable[[int, int], None] = lambda done, days: None,
) -> Report:
    """Run `works` forward from the minute of `start`; `progress(done, days)` is told after each day.

    A run that is put off beyond the end is not counted as started. Raises TimingError.
    """
    works = sorted(works, key=lambda work: (-work.priority, work.view.schedule_id))
    start = start.replace(second=0, microsecond=0)
    meter = Meter(days * DAY // 60)
    line = Line(works, slots, start, meter)
    fires, closed = [0] * len(works), Counter[str]()
    for day in range(days):
        closed += _follow(line, seconds(start), day * DAY, fires)
        progress(day + 1, days)
    fires = [count - over for count, over in zip(fires, line.over, strict=True)]
    busy = meter.busy_seconds()
    return Report(
        start=start,
        until=start + timedelta(days=days),
        slots=slots,
        schedules=len(works),
        fires=sum(fires),
        runs=sum(fires) - sum(line.skipped) - closed.total(),
        skipped={"overlap": sum(line.skipped), "holiday": closed["holiday"], "blackout": closed["blackout"]},
        replaced=line.replaced,
        waited=line.waited,
        wait_seconds=round(sum(line.waits), 3),
        longest_wait_seconds=round(max(line.longest, default=0.0), 3),
        busy_percent=round(100 * sum(busy) / (60 * slots * len(busy)), 2),
        load=tuple(_alike(meter, busy, slots)),
        worst_minutes=tuple(_worst(works, meter, busy, start, slots)),
        burdened=tuple(_burdened(line, fires)),
    )


def fires_ahead(works: Sequence[Work], *, start: datetime, days: int) -> int:
    """Return how many instants a simulation would follow, without following them; raises TimingError."""
    total, until = 0, start + timedelta(days=days)
    for work in works:
        first = next_instant(work.view.timing, start - TICK)
        if first is not None and first < until:
            total += stretch(work.view.timing, first, until - TICK, 0).count
    return total


def _follow(line: Line, origin: int, begin: int, fires: list[int]) -> Counter[str]:
    """Follow one day, which begins `begin` seconds after `origin`; count its instants in `fires`.

    Returns how many of them a calendar closes, by the reason.
    """
    closed: Counter[str] = Counter()
    due: defaultdict[int, list[int]] = defaultdict(list)
    since = origin + begin - 1
    for place, work in enumerate(line.works):
        found = ticks(work.view.timing, since, since + DAY)
        fires[place] += len(found)
        if work.view.timing.calendar is not None:
            found = _open(work.view.timing.calendar, found, closed)
        for at in found:
            due[at - origin].append(place)
    line.advance(due, begin + DAY)
    return closed


def _open(calendar: Closures, found: Sequence[int], closed: Counter[str]) -> list[int]:
    """Return the instants at which the calendar is open, and count the others in `closed`."""
    opened = []
    for at in found:
        if calendar.is_open(at):
            opened.append(at)
        else:
            closed["blackout" if calendar.is_open_day(at) else "holiday"] += 1
    return opened


def _alike(meter: Meter, busy: Sequence[float], slots: int) -> list[tuple[int, int, int]]:
    rows = ((starts, round(100 * taken / (60 * slots))) for starts, taken in zip(meter.starts, busy, strict=True))
    return [(sum(1 for _ in same), *row) for row, same in groupby(rows)]


def _worst(works: Sequence[Work], meter: Meter, busy: Sequence[float], start: datetime, slots: int) -> list[Minute]:
    """Return the minutes that waits, then skips, then busy slots make the worst; quiet ones are left out."""

    def badness(minute: int) -> tuple[float, int, float, int]:
        return meter.waits[minute], meter.skips[minute], busy[minute], -minute

    found = []
    for minute in sorted(range(meter.minutes), key=badness, reverse=True)[:WORST]:
        if not busy[minute] and not meter.skips[minute]:
            break
        since = seconds(start) + minute * 60 - 1
        names = [work.name for work in works if _runs_in(work.view.timing, since)]
        found.append(
            Minute(
                at=start + timedelta(minutes=minute),
                started=meter.starts[minute],
                skipped=meter.skips[minute],
                wait_seconds=round(meter.waits[minute], 3),
                busy_percent=round(100 * busy[minute] / (60 * slots), 2),
                due=len(names),
                names=tuple(names[:NAMED]),
            )
        )
    return found


def _runs_in(timing: Timing, since: int) -> bool:
    """Tell whether an instant that runs lies in the minute after `since`."""
    return any(timing.calendar is None or timing.calendar.is_open(at) for at in ticks(timing, since, since + 60))


def _burdened(line: Line, fires: Sequence[int]) -> list[Burden]:
    """Return the schedules that skip most, then those that wait longest in all."""
    places = [place for place in range(len(fires)) if line.skipped[place] or line.waits[place]]
    places.sort(key=lambda place: (-line.skipped[place], -line.waits[place], place))
    return [
        Burden(
            schedule_id=line.works[place].view.schedule_id,
            name=line.works[place].name,
            fires=fires[place],
            skipped=line.skipped[place],
            wait_seconds=round(line.waits[place], 3),
            longest_wait_seconds=round(line.longest[place], 3),
        )
        for place in places[:WORST]
    ]
