"""Instants under a calendar: which of them are closed, and where their runs move; pure.

Under the rules next and previous a closed instant has a target: the instant at which its run happens. The instants of
a timing are its nominal ones and these targets; each of them becomes one row. Targets are always open.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from heapq import merge

from schedules import rhythm
from schedules.calendars.closures import FARTHEST, Closing, Closures, wall_text
from schedules.clock import DAY, clock_time, moment, seconds, wall_time
from schedules.rhythm import Timing

CHUNK = 7 * DAY
LONGEST_LOOK, ENOUGH = 64 * DAY, 500
HORIZON = 10 * 366 * DAY  # how far an open instant is looked for
TICK = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)


def closing(timing: Timing, at: datetime) -> Closing | None:
    """Return why an instant does not run, the sentence saying where its run moves; None if it does run."""
    if timing.calendar is None:
        return None
    tick = seconds(at)
    found = timing.calendar.closing(tick)
    if found is None or timing.calendar_rule == "skip":
        return found
    to = target(timing, tick)
    if to is not None:
        said = f"Its run moves to {wall_text(timing.zone, to)}, the rule being {timing.calendar_rule}."
    elif found.reason == "blackout" and timing.calendar_rule == "previous":
        said = "A run is not moved to before a maintenance window."
    else:
        said = f"No time within {FARTHEST} days that the schedule allows is open, so it does not run."
    return found._replace(sentence=f"{found.sentence} {said}")


def target(timing: Timing, at: int) -> int | None:
    """Return where the run of a closed instant happens, None if nowhere; seconds as `schedules.clock` counts them.

    A closed day moves it to the same time of the schedule's clock on the nearest open day, an open window to its end.
    """
    calendar = timing.calendar
    if calendar is None or timing.calendar_rule == "skip":
        return None
    moved: int | None = at
    if timing.calendar_rule == "previous":
        moved = None if calendar.is_open_day(at) else _same_time(calendar, timing.zone, at, -1)
        return moved if moved is not None and calendar.is_open(moved) and _allowed(timing, moved) else None
    while moved is not None and moved - at <= FARTHEST * DAY:
        if not calendar.is_open_day(moved):
            moved = _same_time(calendar, timing.zone, moved, 1)
        elif (end := calendar.window_end(moved)) is not None:
            moved = end
        else:
            return moved if _allowed(timing, moved) else None
    return None


def following(timing: Timing, after: datetime) -> datetime | None:
    """Return the first instant strictly after `after`, or None; raises TimingError."""
    nominal = rhythm.following(timing, after)
    since = seconds(after)
    until = since + (FARTHEST + 1) * DAY if nominal is None else seconds(nominal) - 1
    moved = next(_targets(timing, since, until), None)
    return nominal if moved is None else moment(moved)


def instants(timing: Timing, after: datetime) -> Iterator[datetime]:
    """Yield the instants strictly after `after`, in order, closed ones included; raises TimingError."""
    since = seconds(after)
    for nominal in rhythm.instants(timing, after):
        until = seconds(nominal)
        yield from map(moment, _targets(timing, since, until - 1))
        yield nominal
        since = until
    yield from map(moment, _targets(timing, since, max(since, seconds(after)) + (FARTHEST + 1) * DAY))


def ticks(timing: Timing, since: int, until: int) -> Sequence[int]:
    """Return the instants in (since, until] in order, in seconds."""
    return list(merge(rhythm.ticks(timing, since, until), _targets(timing, since, until)))


def counts(timing: Timing, after: datetime, until: datetime) -> tuple[int, int]:
    """Return how many instants lie in (after, until], and how many of them are closed.

    The work grows with the closed stretches in between, not with the instants, but for those that move.
    """
    calendar, low, high = timing.calendar, seconds(after), seconds(until)
    if calendar is None or high <= low:
        return rhythm.count(timing, after, until), 0
    closed = sum(
        rhythm.count(timing, moment(start - 1), moment(end - 1))
        for start, end in calendar.closed_intervals(low + 1, high + 1)
    )
    moved = sum(1 for _ in _targets(timing, low, high))
    return rhythm.count(timing, after, until) + moved, closed


def latest_open(timing: Timing, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the open instants in (after, until], the newest first."""
    high, low = seconds(until), seconds(after)
    while high > low:
        begin = max(low, (high - 1) // CHUNK * CHUNK)
        yield from merge(
            _open_part(timing, begin, high),
            map(moment, reversed(list(_targets(timing, begin, high)))),
            reverse=True,
        )
        high = begin


def last(timing: Timing, after: datetime, until: datetime) -> datetime:
    """Return the last instant in (after, until], closed or not; there must be one."""
    nominal = next(rhythm.latest(timing, after, until), after)
    moved = [*_targets(timing, seconds(after), seconds(until))]
    return max(nominal, moment(moved[-1])) if moved else nominal


def next_open(timing: Timing, after: datetime) -> datetime | None:
    """Return the first instant after `after` that is open, looking ten years ahead; raises TimingError."""
    calendar, since = timing.calendar, seconds(after)
    found = rhythm.following(timing, after)
    while found is not None and calendar is not None and (end := calendar.closed_end(seconds(found))) is not None:
        found = rhythm.following(timing, moment(end - 1)) if end < since + HORIZON else None
    until = seconds(found) - 1 if found is not None else since + (FARTHEST + 1) * DAY
    moved = next(_targets(timing, since, until), None)
    return found if moved is None else moment(moved)


def runs(timing: Timing, after: datetime) -> Iterator[datetime]:
    """Yield the open instants after `after` in order, as far as ten years ahead; raises TimingError."""
    calendar, low, length = timing.calendar, seconds(after), DAY
    last = low + HORIZON
    while calendar is not None and low < last:
        high, number = low + length, 0
        closed = [*calendar.closed_intervals(low + 1, high + 1), (high + 1, high + 1)]
        opened = low + 1
        for start, end in closed:
            for tick in merge(rhythm.ticks(timing, opened - 1, start - 1), _targets(timing, opened - 1, start - 1)):
                yield moment(tick)
                number += 1
            opened = end
        low, length = high, min(length * 2, LONGEST_LOOK) if number < ENOUGH else DAY


def origins(timing: Timing, at: datetime, most: int = 3) -> list[datetime]:
    """Return the closed instants, `most` at most and in order, whose run moved to `at`."""
    calendar, tick = timing.calendar, seconds(at)
    if calendar is None or timing.calendar_rule == "skip" or not calendar.is_open(tick):
        return []
    found = (source for source in _sources(timing, tick, tick + 1) if target(timing, source) == tick)
    return [moment(source) for source, _ in zip(found, range(most), strict=False)]


def _open_part(timing: Timing, low: int, high: int) -> Iterator[datetime]:
    """Yield the open nominal instants in (low, high], the newest first."""
    calendar, end = timing.calendar, high
    if calendar is not None:
        for closed, opened in reversed(list(calendar.closed_intervals(low + 1, high + 1))):
            yield from rhythm.latest(timing, moment(opened - 1), moment(end))
            end = closed - 1
    if end > low:
        yield from rhythm.latest(timing, moment(low), moment(end))


def _targets(timing: Timing, since: int, until: int) -> Iterator[int]:
    """Yield the targets in (since, until] that are no nominal instants, in order."""
    if timing.calendar is None or timing.calendar_rule == "skip" or until <= since:
        return
    for chunk in range((since + 1) // CHUNK, until // CHUNK + 1):
        found = _targets_of(timing, chunk)
        yield from found[bisect_right(found, since) : bisect_right(found, until)]


@lru_cache(maxsize=4096)
def _targets_of(timing: Timing, chunk: int) -> Sequence[int]:
    low, high = chunk * CHUNK, (chunk + 1) * CHUNK
    if timing.calendar is None or next(timing.calendar.closed_intervals(low, high), (0, 0)) == (low, high):
        return ()  # nothing is open, so nothing moves here
    moved = {to for source in _sources(timing, low, high) if (to := target(timing, source)) is not None}
    found = sorted(to for to in moved if low <= to < high)
    if not found:
        return ()
    nominal = rhythm.ticks(timing, low - 1, high - 1)
    return tuple(to for to in found if not _holds(nominal, to))


def _holds(ordered: Sequence[int], value: int) -> bool:
    place = bisect_left(ordered, value)
    return place < len(ordered) and ordered[place] == value


def _sources(timing: Timing, low: int, high: int) -> Iterator[int]:
    """Yield the closed nominal instants whose targets may lie in [low, high)."""
    calendar = timing.calendar
    if calendar is None:
        return
    begin, end = (
        (low, calendar.reach_ahead(high))
        if timing.calendar_rule == "previous"
        else (
            calendar.reach_back(low),
            high,
        )
    )
    for start, stop in calendar.closed_intervals(begin, end):
        yield from rhythm.ticks(timing, start - 1, stop - 1)


def _same_time(calendar: Closures, zone: str, at: int, direction: int) -> int | None:
    """Return the same time of the clock in `zone` on the nearest open day before or after `at`."""
    wall, days = wall_time(zone, at), 1
    while days <= FARTHEST:
        found = clock_time(zone, wall + direction * days * DAY)
        closed = calendar.closed_days(found)
        if closed is None:
            return found
        left = closed[1] - found if direction > 0 else found - closed[0]
        days += max(1, left // DAY - 1)  # one less than there are, as a day may have more than 24 hours
    return None


def _allowed(timing: Timing, at: int) -> bool:
    """Tell whether the schedule's start and end leave an instant in."""
    after_start = timing.start is None or at >= seconds(timing.start)
    return after_start and (timing.end is None or at <= seconds(timing.end))
