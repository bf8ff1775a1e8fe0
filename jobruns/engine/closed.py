"""Which of the instants that are due a calendar closes, in as few rows as can be; pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from schedules.timing import Closing, Stretch, Timing, closing, next_instant, stretch

EPSILON = timedelta(microseconds=1)


def before_kept(timing: Timing, due: Stretch, kept: int) -> Stretch | None:
    """Return the instants of `due` before its newest `kept` open ones, None if there are none."""
    if kept == 0:
        return due
    oldest = due.newest[-kept]
    return None if oldest <= due.first else stretch(timing, due.first, oldest - EPSILON, 0)


def closed_stretches(timing: Timing, due: Stretch, kept: int) -> list[Stretch]:
    """Return the stretches of closed instants between and after the newest `kept` open ones of `due`, in order; and
    the one before them if none of that is open."""
    found = []
    before = before_kept(timing, due, kept)
    if before is not None and before.closed == before.count:
        found.append(before)
    opened = due.newest[len(due.newest) - kept :]
    ends = [instant - EPSILON for instant in opened[1:]] + [due.last]
    for instant, end in zip(opened, ends, strict=kept > 0):
        first = next_instant(timing, instant)
        if first is not None and first <= end:
            found.append(stretch(timing, first, end, 0))
    return found


def why(timing: Timing, closed: Stretch) -> tuple[str, str]:
    """Return the reason (holiday or blackout) and the sentence for the row of a closed stretch: those of its last."""
    reason, sentence = _closing(timing, closed.last)
    if closed.count == 1:
        return reason, sentence
    return reason, f"The calendar was closed at each of these {closed.count} instants. At the last: {sentence}"


def _closing(timing: Timing, at: datetime) -> tuple[str, str]:
    found: Closing | None = closing(timing, at)
    if found is None:
        raise ValueError(f"{at} is open.")
    return found.reason, found.sentence
