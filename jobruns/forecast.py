"""What will become of an instant that is not settled yet, by the policy that will settle it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jobruns import parentage
from jobruns.engine import trace
from jobruns.engine.due import parents_of, view_of
from jobruns.engine.policy import Active, Decision, Pause, View, decide
from jobruns.models import JobRun
from schedules.models import Schedule
from schedules.tables import moment
from schedules.timing import stretch

USUAL = timedelta(seconds=1)  # of a schedule that never succeeded yet


@dataclass(frozen=True, slots=True)
class Expected:
    """What `decide` makes of an instant, and its trace; `over` if the schedule has had all its runs by then."""

    sentences: tuple[str, ...]
    decision: Decision | None = None
    over: bool = False


def ahead(schedule: Schedule, at: datetime, now: datetime, *, before: datetime | None) -> Expected:
    """Foretell an instant ahead, settled when it comes; `before` is the instant before it.

    A run in between is taken to last as long as runs of the schedule usually do.
    """
    view = replace(view_of(schedule), due=at, pause=None)
    earlier = _instants_between(schedule, view, at)
    said = [f"It lies ahead: {moment(at, schedule.timezone)}."]
    if view.fires_left is not None:
        said.append(f"Of {schedule.max_runs} runs it may have, {max(view.fires_left, 0)} are left.")
        if view.fires_left <= earlier:
            return Expected((*said, f"The {earlier} instants before this one use them up."), over=True)
        view = replace(view, fires_left=view.fires_left - earlier)
    said += parentage.foreseen(schedule, at, before)
    active, guess = _active(schedule, at, now, before)
    [one] = decide(view, at, active).decisions
    told = trace.told(view, one, at, active)
    return Expected((*said, guess, *told, _result(schedule, one)), one)


def overdue(schedule: Schedule, at: datetime, now: datetime) -> Expected:
    """Say what an instant that is due, but not settled, would become if it were settled now."""
    view = view_of(schedule, parents_of([schedule.pk]).get(schedule.pk))
    counted = Counter((run.trigger == "backfill", run.status) for run in _not_done(schedule))
    active = Active(counted[False, "running"], counted[False, "pending"], counted[True, "running"])
    first = moment(view.due, schedule.timezone)
    said = [
        f"It is due, but not settled yet: a scheduler that runs does it within seconds. The first one due is {first}."
    ]
    for one in decide(view, now, active).decisions:
        if (one.since or one.scheduled_for) <= at <= one.scheduled_for:
            told = trace.told(view, one, now, active)
            return Expected((*said, *told, _result(schedule, one)), one)
    return Expected((*said, "The instants before it use up the runs that are left."), over=True)


def paused(schedule: Schedule, at: datetime) -> Expected:
    """Say what becomes of an instant in a pause that is not over."""
    started = schedule.pause_started_at or schedule.status_changed_at or at
    why = f": {schedule.status_reason.rstrip('.')}" if schedule.status_reason else ""
    said = [f"It has been paused since {moment(started, schedule.timezone)}{why}."]
    until = schedule.paused_until
    if until is None:
        said.append("It fires no more until somebody resumes it, who says what becomes of the instants in between.")
        return Expected(tuple(said))
    said.append(f"It resumes by itself at {moment(until, schedule.timezone)}.")
    view = replace(view_of(schedule), due=at, pause=None)
    if at <= until:
        view = replace(view, pause=Pause(started, until, schedule.pause_catchup))
        if schedule.pause_catchup != "none":
            said.append(f"Of the instants in between, it runs {schedule.get_pause_catchup_display().lower()}.")
            return Expected(tuple(said))
    one = decide(view, max(at, until), Active()).decisions[0]
    return Expected((*said, _result(schedule, one)), one)


def _instants_between(schedule: Schedule, view: View, at: datetime) -> int:
    """Return how many instants that run and are not yet settled come before `at`."""
    if view.fires_left is None or schedule.next_run_at is None or schedule.next_run_at >= at:
        return 0
    found = stretch(view.timing, schedule.next_run_at, at - timedelta(microseconds=1), 0)
    return found.count - found.closed


def _active(schedule: Schedule, at: datetime, now: datetime, before: datetime | None) -> tuple[Active, str]:
    """Guess what will not be done at `at`: what usually takes longer than the time that is left."""
    usual = USUAL if schedule.usual_seconds is None else timedelta(seconds=schedule.usual_seconds)
    known = f"a run usually takes {trace.seconds(usual)}" if schedule.usual_seconds is not None else "none ran yet"
    if before is not None and before > now:
        going = Active(running=int(before + usual > at))
        return going, f"The instant before it lies {trace.seconds(at - before)} earlier, and {known}."
    regular = [run for run in _not_done(schedule) if run.trigger != "backfill"]
    ends = [(run.started_at or max(run.available_at, now)) + usual for run in regular]
    going = Active(running=sum(end > at for end in ends))
    return going, f"{len(ends)} of it run or wait now, and {known}."


def _not_done(schedule: Schedule) -> Sequence[JobRun]:
    runs: Sequence[JobRun] = list(schedule.runs.active().only("status", "trigger", "started_at", "available_at"))
    return runs


def _result(schedule: Schedule, one: Decision) -> str:
    if one.status == "pending":
        start = moment(one.available_at, schedule.timezone)
        return f"So it runs, at {start} if a slot is free; its priority is {schedule.priority} of 10."
    return f"So it is {one.status}: {JobRun.Reason(one.reason).label}."
