"""The phases of a run, from the moment it was due to its end, with the widths of their bar. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from jobruns.models import JobRun
from schedules.moments import span

LEAST, MOST = 15.0, 70.0  # percent: no phase is narrower than its label


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the bar: `kind` is waited, ran, runs, broke or unreached; `left` and `width` are percent."""

    kind: str
    word: str
    length: str
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Event:
    """A moment at the edge of a phase; `key` is the glyph of the list that phones show."""

    word: str
    at: datetime | None
    key: str
    left: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Phases:
    """The bar, its events, and its last event, which stands at the right end."""

    bars: list[Phase]
    events: list[Event]
    end: Event


def phases(run: JobRun, now: datetime, usual: float | None) -> Phases:
    """Return how the time of `run` was spent; a run that never started has one phase."""
    due = run.available_at if run.attempt > 1 else min(run.scheduled_for, run.queued_at)
    if run.trigger == JobRun.Trigger.BACKFILL and run.attempt == 1:
        due = run.queued_at
    first = Event(_named(run), due, "plan", 0)
    if run.started_at is None:
        word = {"pending": _("Waits"), "skipped": _("Skipped"), "missed": _("Missed")}.get(run.status, _("Cancelled"))
        end = Event(word, run.finished_at, run.status, 100)
        waited = span(((run.finished_at or now) - due).total_seconds()) if run.status == "pending" else ""
        return Phases([Phase("unreached", _("not started"), waited, 0, 100)], [first], end)
    waited_seconds = max((run.started_at - due).total_seconds(), 0)
    ran_seconds = max(((run.finished_at or now) - run.started_at).total_seconds(), 0)
    share = 100 * waited_seconds / max(waited_seconds + ran_seconds, 0.001)
    left = min(max(share, LEAST), MOST)
    kind = {"running": "runs", "success": "ran"}.get(run.status, "broke")
    normal = _("usually %(span)s") % {"span": span(usual)} if usual else ""
    bars = [
        Phase("waited", _("waited %(span)s") % {"span": span(waited_seconds)}, "", 0, left),
        Phase(kind, _("ran %(span)s") % {"span": span(ran_seconds)}, normal, left, 100 - left),
    ]
    words = {"running": _("Runs"), "success": _("Finished"), "failed": _("Failed"), "cancelled": _("Cancelled")}
    end = Event(words.get(run.status, run.get_status_display()), run.finished_at, run.status, 100, bars[1].word)
    return Phases(bars, [first, Event(_("Started"), run.started_at, "play", left, bars[0].word)], end)


def _named(run: JobRun) -> str:
    if run.attempt > 1:
        return _("Retry due")
    return _("Scheduled for") if run.trigger == JobRun.Trigger.SCHEDULE else _("Asked for")
