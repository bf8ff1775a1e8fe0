"""When a schedule fires: pure functions over `Timing`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim


class TimingError(ValueError):
    """The timing cannot be read or never fires; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When a schedule fires. Times are aware; `seed` spreads Jenkins' H."""

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


def instants(timing: Timing, after: datetime) -> Iterator[datetime]:
    """Yield the UTC instants strictly after `after`, in order, without end."""
    if timing.kind == "cron":
        for found in CronSim(timing.cron, after.astimezone(ZoneInfo(timing.zone))):
            yield found.astimezone(UTC)
    elif timing.kind == "interval" and timing.anchor:
        step = timedelta(seconds=timing.interval_seconds)
        n = max(1, (after - timing.anchor) // step + 1)
        while True:
            yield timing.anchor + n * step
            n += 1
    elif timing.at and timing.at > after:
        yield timing.at


def next_instant(timing: Timing, after: datetime) -> datetime | None:
    """Return the first instant strictly after `after`, or None."""
    return next(instants(timing, after), None)


def stretch(timing: Timing, first: datetime, until: datetime, newest: int) -> Stretch:
    """Return the instants from `first` (itself an instant) to `until`, both included."""
    found = [first]
    for instant in instants(timing, first):
        if instant > until:
            break
        found.append(instant)
    return Stretch(found[0], found[-1], len(found), tuple(found[-newest:]))


def smallest_gap(timing: Timing) -> timedelta:
    """Return the smallest distance between two instants of the next year or so."""
    found = list(islice(instants(timing, datetime.now(UTC)), 100))
    return min((b - a for a, b in pairwise(found)), default=timedelta.max)


def sentence(timing: Timing) -> str:
    """Say in English when it fires."""
    return timing.cron or timing.kind
