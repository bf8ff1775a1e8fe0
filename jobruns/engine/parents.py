"""What a schedule with timing of its own waits for, and whether that happened; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from schedules.timing import Timing, next_instant

ALWAYS = datetime.min.replace(tzinfo=UTC)
ASKED = {"success": "has succeeded", "failure": "has failed", "finished": "has ended"}
NOT = {"success": "has not succeeded", "failure": "has not failed", "finished": "has not ended"}


@dataclass(frozen=True, slots=True)
class Parent:
    """A schedule that another one waits for: `on` is success, failure or finished, `met_at` when it last ended so.

    `last` says what its last run did, as a clause.
    """

    name: str
    on: str
    met_at: datetime | None = None
    last: str = ""


@dataclass(frozen=True, slots=True)
class Parents:
    """All that a schedule waits for, each of them since the instant that was settled last; None before the first."""

    each: tuple[Parent, ...]
    settled: datetime | None = None

    def lacking(self, since: datetime) -> str:
        """Say which parent has not ended as asked after `since`, and what its last run did; "" if all have."""
        for parent in self.each:
            if parent.met_at is None or parent.met_at <= since:
                moment = "" if since == ALWAYS else f" since {since.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
                return f"{parent.name} {NOT[parent.on]}{moment}; {parent.last}."
        return ""

    def asked(self) -> str:
        """Say what must have happened."""
        return " and ".join(f"{parent.name} {ASKED[parent.on]}" for parent in self.each)


def reach(timing: Timing, instant: datetime) -> datetime:
    """Return how far back the first instant of a schedule looks: as far as the second lies ahead, else for ever."""
    following = next_instant(timing, instant)
    return ALWAYS if following is None else instant - (following - instant)
