"""When a schedule fires: pure functions over `Timing`. Times are aware; instants are UTC with zero microseconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile

from schedules import cron, effects, fires, sentences
from schedules.clock import ClockChange, TimingError, clock_changes, moment, seconds, zone
from schedules.nominal import Expression

__all__ = [
    "ClockChange",
    "Difference",
    "Effect",
    "Preview",
    "Stretch",
    "Timing",
    "TimingError",
    "check",
    "clock_changes",
    "diff",
    "instants",
    "next_instant",
    "occurrences",
    "preview",
    "sentence",
    "smallest_gap",
    "stretch",
    "ticks",
    "zone",
]

SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)
CHANGES_LOOKED_AT = 20
LONGEST_INTERVAL = 31_536_000  # seconds


@dataclass(frozen=True, slots=True)
class Timing:
    """When a schedule fires. Times are aware; `seed` spreads Jenkins' H.

    `kind` is cron, interval, one_time, immediate or manual. Intervals are counted from `anchor`, the first fire being
    one interval after it. Nothing fires before `start` or after `end`; at both something may.
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


@dataclass(frozen=True, slots=True)
class Stretch:
    """Instants in a row: the first, the last, how many, and the newest of them (oldest first)."""

    first: datetime
    last: datetime
    count: int
    newest: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """A clock change ahead, and a sentence on what it does to a schedule."""

    change: ClockChange
    sentence: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What an editor shows of a timing: when it fires in words, the next instants, the next clock changes."""

    sentence: str
    instants: tuple[datetime, ...]
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What an edit of a timing does to the instants up to `until`, each list in order."""

    added: tuple[datetime, ...]
    removed: tuple[datetime, ...]
    kept: tuple[datetime, ...]
    until: datetime


def check(timing: Timing, after: datetime) -> None:
    """Refuse a timing that cannot be read or never fires; raises TimingError.

    `start` and `end` are left out of account.
    """
    zone(timing.zone)
    if timing.kind == "interval":
        _step(timing)
    elif timing.kind == "cron" and fires.following(expression(timing), timing.zone, after) is None:
        raise TimingError(
            f"It never fires: the clocks of {timing.zone} leave out each of these times. Write another hour."
        )


def instants(timing: Timing, after: datetime) -> Iterator[datetime]:
    """Yield the UTC instants strictly after `after`, in order, as long as there are any; raises TimingError.

    An interval without an anchor is counted from `after`, as if it were created then.
    """
    after = _not_before_start(timing, after)
    found = _unbounded(timing, after)
    return found if timing.end is None else takewhile(timing.end.__ge__, found)


def next_instant(timing: Timing, after: datetime) -> datetime | None:
    """Return the first instant strictly after `after`, or None; raises TimingError."""
    if timing.kind != "cron":
        return next(instants(timing, after), None)
    # Remembered without what differs from schedule to schedule, so that those which share an expression share this.
    found = fires.following(expression(timing), timing.zone, _not_before_start(timing, after))
    return None if found is None or (timing.end is not None and found > timing.end) else found


def occurrences(timing: Timing, after: datetime, until: datetime, limit: int) -> list[datetime]:
    """Return the instants in (after, until], at most the first `limit`; raises TimingError."""
    return list(islice(takewhile(until.__ge__, instants(timing, after)), limit))


def ticks(timing: Timing, since: int, until: int) -> Sequence[int]:
    """Return the instants in (since, until] in order, fast; all are seconds as `schedules.clock` counts them.

    For simulations over many instants. Raises TimingError.
    """
    low = since if timing.start is None else max(since, seconds(timing.start - TICK))
    high = until if timing.end is None else min(until, seconds(timing.end))
    if timing.kind == "cron":
        return fires.ticks(expression(timing), timing.zone, low, high)
    if timing.kind == "interval" and timing.anchor is not None:
        step, anchor = timing.interval_seconds, seconds(timing.anchor)
        return range(anchor + step * max(1, (low - anchor) // step + 1), high + 1, step)
    return [seconds(found) for found in takewhile(moment(high).__ge__, _unbounded(timing, moment(low)))]


def stretch(timing: Timing, first: datetime, until: datetime, newest: int) -> Stretch:
    """Return the instants from `first` (itself an instant) to `until`, both included; raises TimingError.

    The work grows with the years in between and with `newest`, never with the number of instants.
    """
    until = until if timing.end is None else min(until, timing.end)
    after = max(first, _not_before_start(timing, first))
    wanted = max(newest, 1)
    number, ending = 0, []
    if timing.kind == "cron":
        read = expression(timing)
        number = fires.count(read, timing.zone, after, until)
        ending = list(islice(fires.latest(read, timing.zone, after, until), wanted))[::-1]
    elif timing.kind == "interval" and until > after:
        step = _step(timing)
        begin = next_instant(timing, after)
        if begin is not None and begin <= until:
            number = (until - begin) // step + 1
            ending = [begin + n * step for n in range(max(0, number - wanted), number)]
    if number < wanted:
        ending.insert(0, first)
    return Stretch(first, ending[-1], number + 1, tuple(ending) if newest > 0 else ())


def smallest_gap(timing: Timing, after: datetime) -> timedelta:
    """Return the smallest distance between two instants, clock changes ahead included; raises TimingError.

    What fires at most once gives timedelta.max. `start` and `end` are left out of account.
    """
    if timing.kind == "interval":
        return _step(timing)
    if timing.kind != "cron":
        return timedelta.max
    read = expression(timing)
    smallest = read.smallest_gap()
    for change in clock_changes(timing.zone, after, CHANGES_LOOKED_AT):
        before = next(fires.latest(read, timing.zone, change.at - timedelta(days=2), change.at - SECOND), None)
        around = [] if before is None else [before]
        around += islice(fires.fires(read, timing.zone, change.at - SECOND), 2)
        smallest = min([smallest, *(b - a for a, b in pairwise(around))])
    return smallest


def preview(timing: Timing, after: datetime, count: int, *, changes: int = 2) -> Preview:
    """Return the next `count` instants after `after`, and what the next clock changes do; raises TimingError."""
    found: list[Effect] = []
    if timing.kind in ("cron", "interval"):
        for change in clock_changes(timing.zone, after, changes):
            said = "Intervals go by elapsed time: no fire is lost, none is doubled."
            if timing.kind == "cron":
                said = effects.effect(expression(timing), change)
            found.append(Effect(change, said))
    return Preview(sentence(timing), tuple(islice(instants(timing, after), count)), tuple(found))


def diff(old: Timing, new: Timing, after: datetime, until: datetime, *, limit: int = 10_000) -> Difference:
    """Compare the instants of two timings in (after, until]; raises TimingError.

    Of each at most `limit` are looked at; if that does not reach, the result's `until` is how far it does.
    """
    before, now = (occurrences(timing, after, until, limit + 1) for timing in (old, new))
    for found in (before, now):
        if len(found) > limit:
            until = min(until, found[limit - 1])
    was, will = ({instant for instant in found if instant <= until} for found in (before, now))
    added, removed, kept = (tuple(sorted(group)) for group in (will - was, was - will, was & will))
    return Difference(added, removed, kept, until)


def sentence(timing: Timing) -> str:
    """Say in English when it fires, in the time of its zone; raises TimingError."""
    clock = zone(timing.zone)
    at = None if timing.at is None else timing.at.astimezone(clock)
    if timing.kind == "cron":
        said = sentences.cron_sentence(expression(timing))
    elif timing.kind == "interval":
        said = sentences.interval_sentence(_step(timing))
    elif timing.kind == "manual":
        return "Only by hand"
    elif timing.kind == "immediate":
        return "Once, when it is created" if at is None else f"Once, at its creation on {sentences.day_and_time(at)}"
    else:
        return "Once" if at is None else f"Once, on {sentences.day_and_time(at)}"
    if timing.start is not None:
        said += f", from {sentences.day_and_time(timing.start.astimezone(clock))}"
    if timing.end is not None:
        said += f", until {sentences.day_and_time(timing.end.astimezone(clock))}"
    return said


def expression(timing: Timing) -> Expression:
    """Return the cron expression of the timing as read, H written out; raises TimingError, also for its zone."""
    zone(timing.zone)
    return cron.parse(timing.cron, timing.seed)


def _unbounded(timing: Timing, after: datetime) -> Iterator[datetime]:
    if timing.kind == "cron":
        return fires.fires(expression(timing), timing.zone, after)
    if timing.kind == "interval":
        return _ticks(timing, after)
    if timing.kind in ("one_time", "immediate") and timing.at is not None:
        at = timing.at.astimezone(UTC).replace(microsecond=0)
        return iter([at] if at > after else [])
    return iter(())


def _ticks(timing: Timing, after: datetime) -> Iterator[datetime]:
    step = _step(timing)
    anchor = (timing.anchor or after).astimezone(UTC).replace(microsecond=0)
    number = max(1, (after - anchor) // step + 1)
    while True:
        try:
            tick = anchor + number * step
        except OverflowError:  # the end of the calendar
            return
        yield tick
        number += 1


def _step(timing: Timing) -> timedelta:
    if not 1 <= timing.interval_seconds <= LONGEST_INTERVAL:
        raise TimingError(f"An interval has between 1 and {LONGEST_INTERVAL} seconds (a year).")
    return timedelta(seconds=timing.interval_seconds)


def _not_before_start(timing: Timing, after: datetime) -> datetime:
    if timing.start is None or after >= timing.start:
        return after
    return timing.start - TICK
