"""Sums over runs: counts, durations and delays as small numbers that can be added up; pure.

Durations go into buckets that grow by 4 %, so a percentile read from them is off by 2 % at most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import floor, log
from typing import NamedTuple

GROWTH = 1.04
ERRORS_KEPT = 20  # different error texts of one hour
ERROR_LENGTH = 300
MICROSECOND = timedelta(microseconds=1)


class RunFacts(NamedTuple):
    """What the sums need of a run, in the order of COLUMNS."""

    pk: int
    schedule_id: int
    environment: str
    queued_at: datetime
    status: str
    reason: str
    trigger: str
    available_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: str


COLUMNS = RunFacts._fields


@dataclass(slots=True)
class Sums:
    """What some runs come to. Durations are of successes, lags of fires that started; both in microseconds."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)  # "status:reason"
    durations: Counter[int] = field(default_factory=Counter)  # bucket → successes
    lags: Counter[int] = field(default_factory=Counter)  # bucket → fires
    errors: Counter[str] = field(default_factory=Counter)
    duration_total: int = 0
    duration_min: int | None = None
    duration_max: int | None = None
    lag_total: int = 0
    last_started_at: datetime | None = None

    def add(self, run: RunFacts) -> None:
        """Count one run."""
        self.counts[run.status] += 1
        if run.reason:
            self.reasons[f"{run.status}:{run.reason}"] += 1
        if run.started_at is not None:
            self.last_started_at = _latest(self.last_started_at, run.started_at)
            if run.trigger == "schedule":
                lag = max((run.started_at - run.available_at) // MICROSECOND, 0)
                self.lag_total += lag
                self.lags[bucket(lag)] += 1
            if run.status == "success" and run.finished_at is not None:
                self._took((run.finished_at - run.started_at) // MICROSECOND)
        if run.status == "failed" and run.error:
            self.errors[run.error[:ERROR_LENGTH]] += 1

    def _took(self, duration: int) -> None:
        self.durations[bucket(duration)] += 1
        self.duration_total += duration
        self.duration_min = duration if self.duration_min is None else min(self.duration_min, duration)
        self.duration_max = duration if self.duration_max is None else max(self.duration_max, duration)

    def merge(self, other: Sums) -> None:
        """Add other sums to these."""
        for name in ("counts", "reasons", "durations", "lags", "errors"):
            getattr(self, name).update(getattr(other, name))
        self.duration_total += other.duration_total
        self.lag_total += other.lag_total
        known = [value for value in (self.duration_min, other.duration_min) if value is not None]
        self.duration_min = min(known, default=None)
        known = [value for value in (self.duration_max, other.duration_max) if value is not None]
        self.duration_max = max(known, default=None)
        if other.last_started_at is not None:
            self.last_started_at = _latest(self.last_started_at, other.last_started_at)

    def percentile(self, percent: int) -> float | None:
        """Return the nearest rank of the durations in microseconds, off by 2 % at most; None without any."""
        rank = -(-sum(self.durations.values()) * percent // 100)
        seen = 0
        for place in sorted(self.durations):
            seen += self.durations[place]
            if seen >= rank:
                return min(max(middle(place), self.duration_min or 0), self.duration_max or 0)
        return None


def of(runs: Iterable[RunFacts]) -> Sums:
    """Return the sums of some runs."""
    found = Sums()
    for run in runs:
        found.add(run)
    return found


def bucket(value: int) -> int:
    """Return the place of a number of microseconds, 0 for less than one."""
    return 0 if value < 1 else 1 + floor(log(value) / log(GROWTH))


def middle(place: int) -> float:
    """Return the number of microseconds in the middle of a bucket."""
    return 0.0 if place == 0 else GROWTH ** (place - 0.5)


def _latest(before: datetime | None, other: datetime) -> datetime:
    return other if before is None else max(before, other)
