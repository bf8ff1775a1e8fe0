"""Run the instants of a stretch of the past, each as a row of its own, beside what the engine fires.

The rows wait in line behind the schedule's regular runs and never turn one of those away.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from integrations import audit
from jobruns.engine.ledger import idempotency_key
from jobruns.models import JobRun, new_correlation_id
from schedules.models import Schedule
from schedules.tables import moment
from schedules.timing import Timing, TimingError, closing, next_instant, occurrences, stretch
from schedules.wakeup import wake_schedulers

MOST = 1_000  # instants at once, and runs of one schedule's backfills that wait
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the past, both ends included. With `rerun`, what succeeded already runs once more."""

    start: datetime
    end: datetime
    rerun: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One instant: whether it runs, and why (not). `again` says that a run of it succeeded or goes on."""

    at: datetime
    will_run: bool
    why: str
    again: bool = False
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Backfill:
    """What a backfill did, or would do; then `correlation_id` is empty and `run_id` of each step None."""

    schedule: Schedule
    span: Span
    steps: tuple[Step, ...]
    correlation_id: str = ""

    @property
    def will_run(self) -> int:
        """Return how many instants run."""
        return sum(step.will_run for step in self.steps)

    @property
    def left_out(self) -> int:
        """Return how many instants do not."""
        return len(self.steps) - self.will_run


def plan(schedule: Schedule, span: Span, now: datetime) -> Backfill:
    """Say what a backfill of `span` would do to each instant, oldest first; writes nothing.

    Raises ValidationError: by field for a span that is refused, with code "conflict" where the schedule cannot run.
    """
    schedule.runs.accepted({})
    instants = _instants(schedule, span, now)
    attempts: defaultdict[datetime, list[JobRun]] = defaultdict(list)
    for run in schedule.runs.at_instants(instants).only("status", "reason", "trigger", "scheduled_for"):
        attempts[run.scheduled_for].append(run)
    steps = (_closed(schedule.timing, at) or _step(schedule, at, attempts[at], span) for at in instants)
    return Backfill(schedule, span, tuple(steps))


def carry_out(schedule: Schedule, span: Span, *, by: str, correlation_id: str = "") -> Backfill:
    """Write a waiting run for each instant of `span` that is to run, under the schedule's lock; return what was done.

    Two equal requests at once write each run once. Raises ValidationError as `plan` does, and with code "conflict"
    where too many of the schedule's backfills wait already; then nothing is written.
    """
    with transaction.atomic():
        now = timezone.now()
        locked = Schedule.objects.select_for_update(no_key=True).get(pk=schedule.pk)
        planned = plan(locked, span, now)
        waiting = locked.runs.backfills().filter(status="pending").count()
        if waiting and waiting + planned.will_run > MOST:
            raise ValidationError(
                f"{waiting:,} runs of backfills of {locked.name} wait already; at most {MOST:,} may. "
                "Let them end, or withdraw them.",
                code="conflict",
            )
        correlation_id = correlation_id or new_correlation_id()
        mark = secrets.token_hex(6)
        wanted = [step for step in planned.steps if step.will_run]
        rows = JobRun.objects.bulk_create(_row(locked, step, now, by, correlation_id, mark) for step in wanted)
        told = {"from": span.start, "to": span.end, "runs": len(rows), "correlation_id": correlation_id}
        audit.record("backfill", locked, by=by, after=told)
        wake_schedulers()
    ids = {row.scheduled_for: row.pk for row in rows}
    steps = tuple(
        Step(step.at, step.will_run, step.why, step.again, ids.get(step.at) if step.will_run else None)
        for step in planned.steps
    )
    return Backfill(locked, span, steps, correlation_id)


def withdraw(schedule: Schedule, correlation_id: str, *, by: str) -> tuple[int, int]:
    """Cancel what waits of one backfill; return how many that were, and how many of it run and go on.

    Raises ValidationError on `correlation_id` where the schedule has no such backfill.
    """
    rows = schedule.runs.backfills().filter(correlation_id=correlation_id)
    if not rows.exists():
        raise ValidationError({"correlation_id": [f"{schedule.name} has no backfill of this id."]})
    with transaction.atomic():
        withdrawn = rows.withdraw(by=by, why="the backfill was withdrawn.")
        Schedule.objects.complete_exhausted([schedule.pk])
        audit.record("withdraw", schedule, by=by, after={"runs": withdrawn, "correlation_id": correlation_id})
    return withdrawn, rows.running().count()


def going_on(schedule: Schedule) -> list[dict[str, Any]]:
    """Return the schedule's backfills that are not done: correlation_id, triggered_by, pending and running."""
    rows = schedule.runs.backfills().active().order_by("correlation_id").values("correlation_id", "triggered_by")
    counted = {name: Count("pk", filter=Q(status=name)) for name in ("pending", "running")}
    return list(rows.annotate(**counted))


def _instants(schedule: Schedule, span: Span, now: datetime) -> list[datetime]:
    if span.end < span.start:
        raise ValidationError({"to": ["It lies before from."]})
    if span.end > now:
        raise ValidationError({"to": ["It lies ahead; a backfill runs what is past."]})
    try:
        found = occurrences(schedule.timing, span.start - TICK, span.end, MOST + 1)
        if len(found) > MOST:
            raise ValidationError({"to": [_too_many(schedule, schedule.timing, found, span)]})
    except TimingError as broken:
        raise ValidationError(f"Its timing cannot be read: {broken}", code="conflict") from None
    return found


def _too_many(schedule: Schedule, timing: Timing, found: Sequence[datetime], span: Span) -> str:
    first = next_instant(timing, span.start - TICK) or found[0]
    count = stretch(timing, first, span.end, 0).count
    last = moment(found[MOST - 1], schedule.timezone)
    return f"This range has {count:,} instants; at most {MOST:,} run at once. The first {MOST:,} end at {last}."


def _closed(timing: Timing, at: datetime) -> Step | None:
    """Leave out an instant at which the calendar, as it is now, is closed."""
    shut = closing(timing, at)
    return None if shut is None else Step(at, False, shut.sentence)


def _step(schedule: Schedule, at: datetime, attempts: Sequence[JobRun], span: Span) -> Step:
    """Decide about one instant from the attempts at it, oldest first."""
    if schedule.next_run_at is not None and at >= schedule.next_run_at:
        return Step(at, False, "It is due, and the scheduler is about to settle it.")
    going = next((run for run in reversed(attempts) if run.is_active), None)
    if going is not None and (going.trigger == JobRun.Trigger.BACKFILL or not span.rerun):
        verb = "waits" if going.status == JobRun.Status.PENDING else "runs"
        return Step(at, False, f"Run {going.pk} of it {verb} already.")
    done = next((run for run in reversed(attempts) if run.status == JobRun.Status.SUCCESS), None)
    if done is not None and not span.rerun:
        return Step(at, False, f"Run {done.pk} of it succeeded.")
    if (other := going or done) is not None:
        word = "goes on" if going else "succeeded"
        return Step(at, True, f"Run {other.pk} of it {word}; it runs once more, as asked.", again=True)
    if not attempts:
        return Step(at, True, "It has no run.")
    last = attempts[-1]
    reason = f": {last.get_reason_display()}" if last.reason else ""
    return Step(at, True, f"Run {last.pk} of it was {last.get_status_display().lower()}{reason}.")


def _row(schedule: Schedule, step: Step, now: datetime, by: str, correlation_id: str, mark: str) -> JobRun:
    key = idempotency_key(schedule.pk, step.at)
    return JobRun(
        schedule=schedule,
        schedule_name=schedule.name,
        schedule_version=schedule.version,
        job_type=schedule.job_type,
        environment=schedule.environment,
        params=schedule.params,
        scheduled_for=step.at,
        available_at=now,
        queued_at=now,
        trigger=JobRun.Trigger.BACKFILL,
        triggered_by=by,
        priority=schedule.priority - 1,
        timeout_seconds=schedule.timeout_seconds,
        correlation_id=correlation_id,
        # The instant's own, so that a receiver takes no second delivery for new; of its own where that is wanted.
        idempotency_key=f"{key}-again-{mark}" if step.again else key,
    )
