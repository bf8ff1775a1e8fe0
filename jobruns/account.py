"""What the ledger says of an instant, told to a person sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from jobruns.models import JobRun
from jobruns.parentage import follows
from jobruns.waiting import held_up
from schedules.models import Schedule
from schedules.moments import span
from schedules.tables import first_line, moment

ENDED = {
    JobRun.Status.SUCCESS: "succeeded",
    JobRun.Status.FAILED: "failed",
    JobRun.Status.CANCELLED: "was cancelled",
}
NOTICED = 1.0  # seconds of delay from which on it is told


def attempts(row: JobRun) -> Iterable[JobRun]:
    """Yield a run and its retries, in order."""
    found: JobRun | None = row
    while found is not None:
        yield found
        found = JobRun.objects.filter(retry_of=found.pk).first()


def told(schedule: Schedule, at: datetime, runs: Sequence[JobRun]) -> list[str]:
    """Say what became of the instant `at`: how it was settled, then how each attempt of `runs` went."""
    row = runs[0]
    said = [_settled(schedule, row)]
    if row.coalesced_from is not None:
        said.append(
            f"One row stands for {row.coalesced_count} instants in a row, from "
            f"{moment(row.coalesced_from, schedule.timezone)} to {moment(row.scheduled_for, schedule.timezone)}."
        )
    if row.status in (JobRun.Status.SKIPPED, JobRun.Status.MISSED):
        said.append(_not_run(row))
        if row.reason == JobRun.Reason.COALESCED and (stand_in := _stand_in(schedule, row)) is not None:
            said.append(
                f"The instant that stands for it is {moment(stand_in.scheduled_for, schedule.timezone)}: "
                f"run {stand_in.pk}, {stand_in.get_status_display().lower()}."
            )
        return said
    for run in runs:
        said += _attempt(schedule, run)
    return said


def backfilled(schedule: Schedule, run: JobRun) -> str:
    """Say how a run of a backfill stands."""
    asked = f"{run.triggered_by or 'Somebody'} asked for it again at {moment(run.queued_at, schedule.timezone)}"
    stands = run.get_status_display().lower() if run.is_active else _ending("it", run)
    return f"{asked}: run {run.pk} of a backfill, attempt {run.attempt}; {stands}".rstrip(".") + "."


def _settled(schedule: Schedule, row: JobRun) -> str:
    late = (row.queued_at - row.scheduled_for).total_seconds()
    at = f"It was settled at {moment(row.queued_at, schedule.timezone)} as run {row.pk}"
    if row.trigger == JobRun.Trigger.DEPENDENCY:
        return f"{at}, {follows(row)}."
    if late < NOTICED:
        return f"{at}, on time."
    if row.reason == JobRun.Reason.PAUSED:
        return f"{at}, {span(late)} after its time, when the pause was over."
    grace = schedule.misfire_grace_seconds
    within = f"within the grace of {grace} s" if late <= grace else f"beyond the grace of {grace} s"
    return f"{at}, {span(late)} after its time, {within}."


def _not_run(row: JobRun) -> str:
    reason = str(row.get_reason_display()) if row.reason else "no reason was noted"
    said = f"It was {row.get_status_display().lower()}: {reason}."
    return f"{said} {row.summary}".strip()


def _stand_in(schedule: Schedule, row: JobRun) -> JobRun | None:
    """Return the row of the next instant that was not coalesced itself."""
    later = schedule.runs.filter(trigger="schedule", scheduled_for__gt=row.scheduled_for)
    found: JobRun | None = later.exclude(reason=JobRun.Reason.COALESCED).order_by("scheduled_for").first()
    return found


def _attempt(schedule: Schedule, run: JobRun) -> list[str]:
    name = f"Attempt {run.attempt}" if run.attempt > 1 or run.status == JobRun.Status.FAILED else "It"
    said = []
    asked = run.attempt > 1 or run.trigger == JobRun.Trigger.DEPENDENCY
    put_off = (run.available_at - (run.queued_at if asked else run.scheduled_for)).total_seconds()
    if put_off >= NOTICED:
        spread = put_off <= schedule.jitter_seconds + NOTICED
        why = "its start is spread over time" if spread else "a maintenance window was open"
        why = "the rule for retries asks for it" if run.attempt > 1 else why
        said.append(f"{name} was put off by {span(put_off)}, as {why}.")
    if run.status == JobRun.Status.PENDING:
        waits = f"{name} waits: for {moment(run.available_at, schedule.timezone)}, a slot, or the run before."
        return [*said, held_up(run) or waits]
    if run.started_at is not None:
        waited = (run.started_at - max(run.available_at, run.queued_at)).total_seconds()
        after = f", after waiting {span(waited)} for a slot or the run before it" if waited >= NOTICED else ""
        said.append(f"{name} started at {moment(run.started_at, schedule.timezone)}{after}.")
    if run.status == JobRun.Status.RUNNING:
        return [*said, f"{name} still runs{', and was asked to stop' if run.cancellation else ''}."]
    return [*said, _ending(name, run)]


def _ending(name: str, run: JobRun) -> str:
    took = f" after {span(run.duration_seconds)}" if run.duration_seconds is not None else ""
    said = f"{name} {ENDED[JobRun.Status(run.status)]}{took}"
    if run.cancelled_by:
        said += f", as {run.cancelled_by} asked"
    if run.reason and run.reason != JobRun.Reason.REQUESTED:
        said += f": {run.get_reason_display()}"
    text = first_line(run.error or run.summary, 200)
    return f"{said}. {text}".strip()
