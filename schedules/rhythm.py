"""The nominal instants of a timing: pure arithmetic, whatever a calendar makes of them.

Times are aware; instants are UTC with zero microseconds. `schedules.timing` is what others ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from schedules import cron, fires
from schedules.calendars.closures import Closures
from schedules.clock import TimingError, moment, seconds, zone
from schedules.nominal import Expression

TICK = timedelta(microseconds=1)
LONGEST_INTERVAL = 31_536_000  # seconds


@dataclass(frozen=True, slots=True)
class Timing:
    """When a schedule fires. Times are aware; `seed` spreads Jenkins' H.

    `kind` is cron, interval, one_time, immediate or manual. Intervals are counted from `anchor`, the first fire being
    one interval after it. Nothing fires before `start` or after `end`; at both something may. Where `calendar` is
    closed an instant does not run; `calendar_rule` (skip, next or previous) says where its run moves.
    """

    kind: str
    cron: str = ""
    interval_seconds: int = 0
    at: datetime | None = None
    anchor: datetime | None = None
    zone: str = "UTC"
    start: datetime | None = None
    end: datetime | None = None
    seed: str = ""
    calendar: Closures | None = None
    calendar_rule: str = "skip"


def instants(timing: Timing, after: datetime) -> Iterator[datetime]:
    """Yield the nominal instants strictly after `after`, in order; raises TimingError."""
    after = not_before_start(timing, after)
    found = _unbounded(timing, after)
    return found if timing.end is None else takewhile(timing.end.__ge__, found)


def following(timing: Timing, after: datetime) -> datetime | None:
    """Return the first nominal instant strictly after `after`, or None; raises TimingError."""
    if timing.kind != "cron":
        return next(instants(timing, after), None)
    # Remembered without what differs from schedule to schedule, so that those which share an expression share this.
    found = fires.following(expression(timing), timing.zone, not_before_start(timing, after))
    return None if found is None or (timing.end is not None and found > timing.end) else found


def ticks(timing: Timing, since: int, until: int) -> Sequence[int]:
    """Return the nominal instants in (since, until] in order; all are seconds as `schedules.clock` counts them."""
    low = since if timing.start is None else max(since, seconds(timing.start - TICK))
    high = until if timing.end is None else min(until, seconds(timing.end))
    if timing.kind == "cron":
        return fires.ticks(expression(timing), timing.zone, low, high)
    if timing.kind == "interval" and timing.anchor is not None:
        length, anchor = timing.interval_seconds, seconds(timing.anchor)
        return range(anchor + length * max(1, (low - anchor) // length + 1), high + 1, length)
    return [seconds(found) for found in takewhile(moment(high).__ge__, _unbounded(timing, moment(low)))]


def count(timing: Timing, after: datetime, until: datetime) -> int:
    """Return how many nominal instants lie in (after, until]; the work grows with the years only."""
    after, until = not_before_start(timing, after), _not_after_end(timing, until)
    if until <= after:
        return 0
    if timing.kind == "cron":
        return fires.count(expression(timing), timing.zone, after, until)
    if timing.kind == "interval":
        begin = following(timing, after)
        return 0 if begin is None or begin > until else (until - begin) // step(timing) + 1
    return sum(1 for _ in takewhile(until.__ge__, instants(timing, after)))


def latest(timing: Timing, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the nominal instants in (after, until], the newest first."""
    after, until = not_before_start(timing, after), _not_after_end(timing, until)
    if timing.kind == "cron":
        yield from fires.latest(expression(timing), timing.zone, after, until)
    elif timing.kind == "interval":
        number, begin = count(timing, after, until), following(timing, after)
        if begin is not None:
            yield from (begin + place * step(timing) for place in reversed(range(number)))
    else:
        yield from reversed(list(takewhile(until.__ge__, instants(timing, after))))


def expression(timing: Timing) -> Expression:
    """Return the cron expression of the timing as read, H written out; raises TimingError, also for its zone."""
    zone(timing.zone)
    return cron.parse(timing.cron, timing.seed)


def step(timing: Timing) -> timedelta:
    """Return the length of an interval; raises TimingError."""
    if not 1 <= timing.interval_seconds <= LONGEST_INTERVAL:
        raise TimingError(f"An interval has between 1 and {LONGEST_INTERVAL} seconds (a year).")
    return timedelta(seconds=timing.interval_seconds)


def not_before_start(timing: Timing, after: datetime) -> datetime:
    """Return the moment after which something may fire, `after` or just before the start."""
    if timing.start is None or after >= timing.start:
        return after
    return timing.start - TICK


def _not_after_end(timing: Timing, until: datetime) -> datetime:
    return until if timing.end is None else min(until, timing.end)


def _unbounded(timing: Timing, after: datetime) -> Iterator[datetime]:
    if timing.kind == "cron":
        return fires.fires(expression(timing), timing.zone, after)
    if timing.kind == "interval":
        return _beats(timing, after)
    if timing.kind in ("one_time", "immediate") and timing.at is not None:
        at = timing.at.astimezone(UTC).replace(microsecond=0)
        return iter([at] if at > after else [])
    return iter(())


def _beats(timing: Timing, after: datetime) -> Iterator[datetime]:
    length = step(timing)
    anchor = (timing.anchor or after).astimezone(UTC).replace(microsecond=0)
    number = max(1, (after - anchor) // length + 1)
    while True:
        try:
            beat = anchor + number * length
        except OverflowError:  # the end of the calendar
            return
        yield beat
        number += 1
