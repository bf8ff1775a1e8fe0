"""How a run stands, for people: one word, one glyph, one colour, and the reason beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from jobruns.history import LATE
from jobruns.models import JobRun
from schedules.models import Schedule
from schedules.moments import span


@dataclass(frozen=True, slots=True)
class State:
    """`key` names glyph and colour; `word` is what stands beside the glyph."""

    key: str
    word: str


def state_of(run: JobRun) -> State:
    """Return how `run` stands: its status, or what a success means when it came late or raised an alert."""
    if run.status == JobRun.Status.SUCCESS:
        if verdict_of(run) == "ALERT":
            return State("alert", _("Alert"))
        if lateness(run):
            return State("late", _("Late, ok"))
    if run.status == JobRun.Status.SKIPPED and run.reason == JobRun.Reason.HOLIDAY:
        return State("skipped", _("Holiday"))
    if run.status == JobRun.Status.SKIPPED and run.reason == JobRun.Reason.BLACKOUT:
        return State("skipped", _("Maintenance"))
    return State(run.status, run.get_status_display())


def schedule_state(schedule: Schedule, last: JobRun | None) -> State:
    """Return how `schedule` stands: paused, suspended or completed itself, else as its last run does."""
    if schedule.status != Schedule.Status.ACTIVE:
        return State(schedule.status if schedule.status != "completed" else "plan", schedule.get_status_display())
    return state_of(last) if last else State("plan", _("Not run yet"))


def verdict_of(run: Any) -> str:
    """Return what the run's result says of its status, in lists and on the run's own page; empty if nothing."""
    if hasattr(run, "verdict"):
        return run.verdict or ""
    return str(run.result.get("status", ""))


def lateness(run: JobRun) -> float:
    """Return how many seconds after it could have a scheduled run started, if that is late; else 0."""
    if run.trigger != JobRun.Trigger.SCHEDULE or run.started_at is None:
        return 0
    waited = run.started_at - run.available_at
    return waited.total_seconds() if waited > LATE else 0


def why(run: JobRun) -> str:
    """Say in a few words what happened: the run's own sentence, or the reason it has none."""
    said = run.said if hasattr(run, "said") else (run.summary or run.error)
    progress = run.progress if run.status == JobRun.Status.RUNNING else {}
    if progress:
        return progress_words(progress)
    if said:
        return str(said).splitlines()[0]
    if run.reason:
        return str(run.get_reason_display()).capitalize() + "."
    if run.status == JobRun.Status.PENDING and run.trigger == JobRun.Trigger.BACKFILL:
        return _("Waits for its turn in the backfill.")
    if run.status == JobRun.Status.PENDING:
        return _("Waits for a free slot.")
    return ""


def trouble_words(run: JobRun) -> str:
    """Say the trouble of a run in one short line: "Failed: …", "11 min late"."""
    state = state_of(run)
    if state.key == "late":
        return _("%(span)s late") % {"span": span(lateness(run))}
    reason = why(run)
    return f"{state.word}: {reason}" if reason else state.word


def progress_words(progress: dict[str, Any]) -> str:
    """Say how far a run is: "61 %, 14,220 of 23,300 images"."""
    done, total, text = progress.get("done"), progress.get("total"), str(progress.get("text") or "")
    if not isinstance(done, int):
        return text
    if isinstance(total, int) and total > 0:
        return f"{min(done / total, 1) * 100:.0f}\u2009%, {done:,} of {total:,} {text}".strip()
    return f"{done:,} {text}".strip()
