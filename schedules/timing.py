"""When a schedule fires: pure functions over `Timing`. Times are aware; instants are UTC with zero microseconds.

Where a timing has a calendar, its instants are those that the ledger has rows for: closed ones are among them, and so
are those to which their runs move. `closing` tells which do not run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise, takewhile

from schedules import effects, fires, rhythm, sentences, shifts
from schedules.calendars.closures import Closing
from schedules.clock import ClockChange, TimingError, clock_changes, zone
from schedules.rhythm import Timing, expression, step
from schedules.shifts import closing, origins

__all__ = [
    "ClockChange",
    "Closed",
    "Closing",
    "Difference",
    "Effect",
    "Preview",
    "Stretch",
    "Timing",
    "TimingError",
    "apart",
    "check",
    "clock_changes",
    "closing",
    "diff",
    "instants",
    "next_instant",
    "next_run",
    "occurrences",
    "origins",
    "preview",
    "runs",
    "sentence",
    "smallest_gap",
    "stretch",
    "ticks",
    "zone",
]

SECOND = timedelta(seconds=1)
CHANGES_LOOKED_AT = 20
MOST_CLOSED = 500  # instants that a preview looks at for closed ones


@dataclass(frozen=True, slots=True)
class Stretch:
    """Instants in a row: the first, the last, how many, and the newest open ones of them (oldest first).

    `closed` of them do not run, as the calendar is closed.
    """

    first: datetime
    last: datetime
    count: int
    newest: tuple[datetime, ...]
    closed: int = 0


@dataclass(frozen=True, slots=True)
class Effect:
    """A clock change ahead, and a sentence on what it does to a schedule."""

    change: ClockChange
    sentence: str


@dataclass(frozen=True, slots=True)
class Closed:
    """An instant that does not run, and why."""

    at: datetime
    closing: Closing


@dataclass(frozen=True, slots=True)
class Preview:
    """What an editor shows of a timing: when it fires in words, the next instants that run, the closed ones before
    the last of them, the next clock changes."""

    sentence: str
    instants: tuple[datetime, ...]
    effects: tuple[Effect, ...]
    closed: tuple[Closed, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """What an edit of a timing does to the instants that run up to `until`, each list in order."""

    added: tuple[datetime, ...]
    removed: tuple[datetime, ...]
    kept: tuple[datetime, ...]
    until: datetime


def check(timing: Timing, after: datetime) -> None:
    """Refuse a timing that cannot be read or never fires; raises TimingError.

    `start`, `end` and the calendar are left out of account.
    """
    zone(timing.zone)
    if timing.kind == "interval":
        step(timing)
    elif timing.kind == "cron" and fires.following(expression(timing), timing.zone, after) is None:
        raise TimingError(
            f"It never fires: the clocks of {timing.zone} leave out each of these times. Write another hour."
        )


def instants(timing: Timing, after: datetime) -> Iterator[datetime]:
    """Yield the UTC instants strictly after `after`, in order, as long as there are any; raises TimingError.

    An interval without an anchor is counted from `after`, as if it were created then.
    """
    return rhythm.instants(timing, after) if timing.calendar is None else shifts.instants(timing, after)


def next_instant(timing: Timing, after: datetime) -> datetime | None:
    """Return the first instant strictly after `after`, or None; raises TimingError."""
    return rhythm.following(timing, after) if timing.calendar is None else shifts.following(timing, after)


def next_run(timing: Timing, after: datetime) -> datetime | None:
    """Return the first instant strictly after `after` that runs, or None; raises TimingError."""
    return rhythm.following(timing, after) if timing.calendar is None else shifts.next_open(timing, after)


def runs(timing: Timing, after: datetime) -> Iterator[datetime]:
    """Yield the instants strictly after `after` that run, in order; under a calendar as far as ten years ahead.

    Raises TimingError.
    """
    return rhythm.instants(timing, after) if timing.calendar is None else shifts.runs(timing, after)


def occurrences(timing: Timing, after: datetime, until: datetime, limit: int) -> list[datetime]:
    """Return the instants in (after, until], at most the first `limit`; raises TimingError."""
    return list(islice(takewhile(until.__ge__, instants(timing, after)), limit))


def apart(timing: Timing, found: Sequence[datetime]) -> tuple[list[datetime], list[Closed]]:
    """Return those of the instants that run, and those that do not."""
    why = [(at, closing(timing, at)) for at in found]
    return [at for at, shut in why if shut is None], [Closed(at, shut) for at, shut in why if shut is not None]


def ticks(timing: Timing, since: int, until: int) -> Sequence[int]:
    """Return the instants in (since, until] in order, fast; all are seconds as `schedules.clock` counts them.

    For simulations over many instants. Raises TimingError.
    """
    return rhythm.ticks(timing, since, until) if timing.calendar is None else shifts.ticks(timing, since, until)


def stretch(timing: Timing, first: datetime, until: datetime, newest: int) -> Stretch:
    """Return the instants from `first` (itself an instant) to `until`, both included; raises TimingError.

    The work grows with the years in between, their closed stretches and `newest`, never with the number of instants.
    """
    if timing.calendar is not None:
        return _stretch(timing, first, until, newest)
    wanted = max(newest, 1)
    number = rhythm.count(timing, first, until)
    ending = list(islice(rhythm.latest(timing, first, until), wanted))[::-1] if number else []
    if number < wanted:
        ending.insert(0, first)
    return Stretch(first, ending[-1], number + 1, tuple(ending) if newest > 0 else ())


def _stretch(timing: Timing, first: datetime, until: datetime, newest: int) -> Stretch:
    begin = first - SECOND
    until = until if timing.end is None else min(until, timing.end)
    until = max(first, until)
    number, closed = shifts.counts(timing, begin, until)
    ending = list(islice(shifts.latest_open(timing, begin, until), newest))[::-1]
    return Stretch(first, shifts.last(timing, begin, until), number, tuple(ending), closed)


def smallest_gap(timing: Timing, after: datetime) -> timedelta:
    """Return the smallest distance between two instants, clock changes ahead included; raises TimingError.

    What fires at most once gives timedelta.max. `start`, `end` and the calendar are left out of account.
    """
    if timing.kind == "interval":
        return step(timing)
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
    running = tuple(islice(runs(timing, after), count))
    return Preview(sentence(timing), running, tuple(found), tuple(_closed(timing, after, running)))


def _closed(timing: Timing, after: datetime, running: Sequence[datetime]) -> Iterator[Closed]:
    """Yield the closed instants before the last that runs, as far as a short look goes."""
    if timing.calendar is None:
        return
    until = running[-1] if running else after + timedelta(days=366)
    yield from apart(timing, occurrences(timing, after, until, MOST_CLOSED))[1]


def diff(old: Timing, new: Timing, after: datetime, until: datetime, *, limit: int = 10_000) -> Difference:
    """Compare the instants of two timings that run in (after, until]; raises TimingError.

    Of each at most `limit` are looked at; if that does not reach, the result's `until` is how far it does.
    """
    before, now = (list(islice(takewhile(until.__ge__, runs(timing, after)), limit + 1)) for timing in (old, new))
    for found in (before, now):
        if len(found) > limit:
            until = min(until, found[limit - 1])
    was, will = ({instant for instant in found if instant <= until} for found in (before, now))
    added, removed, kept = (tuple(sorted(group)) for group in (will - was, was - will, was & will))
    return Difference(added, removed, kept, until)


def sentence(timing: Timing) -> str:
    """Say in English when it fires, in the time of its zone, and by which calendar; raises TimingError."""
    said = _sentence(timing)
    if timing.calendar is None or timing.kind == "manual":
        return said
    moves = {"next": "later", "previous": "earlier"}.get(timing.calendar_rule)
    rule = f"moved {moves} while" if moves else "not while"
    return f"{said}; {rule} {timing.calendar.name} is closed"


def _sentence(timing: Timing) -> str:
    clock = zone(timing.zone)
    at = None if timing.at is None else timing.at.astimezone(clock)
    if timing.kind == "cron":
        said = sentences.cron_sentence(expression(timing))
    elif timing.kind == "interval":
        said = sentences.interval_sentence(step(timing))
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
