"""Some days of believable history for the sample schedules, settled by the same policy that settles real instants."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction

from jobruns.demo import counters
from jobruns.demo.stories import Story, Teller
from jobruns.engine.delays import retry_delay
from jobruns.engine.ledger import idempotency_key
from jobruns.engine.policy import IDLE, Active, Decision, View, decide
from jobruns.models import JobRun, RunLogLine
from schedules.models import Schedule
from schedules.timing import next_instant

INSTANTS = 1_560  # of one schedule, at most: 26 hours of what fires every minute
DAYS = timedelta(days=14)  # at most
OUTAGE = (timedelta(hours=15), timedelta(hours=14))  # ago: no scheduler ran in between
LINES_SINCE = timedelta(hours=12)
OWNER = "demo-history"


def write(schedules: list[Schedule], tellers: dict[str, Teller], now: datetime) -> int:
    """Write the past of `schedules`, which must have no run yet, up to `now`; return the number of runs."""
    told = [row for schedule in schedules for row in _past(schedule, tellers[schedule.job_type], now)]
    told.sort(key=lambda row: row[0].queued_at)
    runs = [run for run, _ in told]
    with transaction.atomic():
        JobRun.objects.bulk_create(runs, batch_size=500)
        _link_retries(runs)
        RunLogLine.objects.bulk_create(
            (line for run, story in told if story for line in _lines(run, story, now)), batch_size=2_000
        )
        counters.recount([schedule.pk for schedule in schedules])
        _go_on([schedule.pk for schedule in schedules])
    return len(runs)


def _go_on(schedule_ids: list[int]) -> None:
    """Let the engine take over at the first instant that the past does not hold."""
    for schedule in Schedule.objects.upcoming().filter(pk__in=schedule_ids):
        if schedule.last_scheduled_for is not None:
            following = next_instant(schedule.timing, schedule.last_scheduled_for)
            Schedule.objects.filter(pk=schedule.pk).update(next_run_at=following)


def _past(schedule: Schedule, tell: Teller, now: datetime) -> Iterator[tuple[JobRun, Story | None]]:
    """Yield the rows of one schedule, each with the story of its run if it ran."""
    since = beginning(schedule, now)
    down, up = now - OUTAGE[0], now - OUTAGE[1]
    due, busy_until = next_instant(schedule.timing, since), since
    while due is not None and due < _end(schedule, now):
        moment = up if down <= due < up else due
        active = Active(running=1) if moment < busy_until else IDLE
        verdict = decide(_view(schedule, due), moment, active)
        for decision in verdict.decisions:
            chance = random.Random(f"{schedule.name} {decision.scheduled_for}")  # noqa: S311 - sample data
            if decision.status != "pending":
                yield _row(schedule, decision, moment), None
                continue
            for run, story in _attempts(schedule, decision, tell, moment, chance):
                if run.finished_at is None or run.finished_at > now:
                    return
                busy_until = run.finished_at
                yield run, story
        due = verdict.next_at


def beginning(schedule: Schedule, now: datetime) -> datetime:
    """Return from when on a schedule has a past."""
    first = next_instant(schedule.timing, now)
    second = first and next_instant(schedule.timing, first)
    return now - (min(DAYS, (second - first) * INSTANTS) if first and second else DAYS)


def _end(schedule: Schedule, now: datetime) -> datetime:
    """Return until when it fired: a paused one until its pause, and none within the last seconds."""
    return schedule.pause_started_at or now - timedelta(seconds=5)


def _view(schedule: Schedule, due: datetime) -> View:
    return View(
        schedule_id=schedule.pk,
        timing=schedule.timing,
        due=due,
        overlap=schedule.overlap_policy,
        max_instances=schedule.max_instances,
        misfire=schedule.misfire_policy,
        grace=timedelta(seconds=schedule.misfire_grace_seconds),
        catchup_limit=schedule.catchup_limit,
    )


def _attempts(
    schedule: Schedule, decision: Decision, tell: Teller, moment: datetime, chance: random.Random
) -> Iterator[tuple[JobRun, Story]]:
    """Yield the attempts at one instant, as far as the schedule retries."""
    run, story, attempt = _row(schedule, decision, moment), tell(schedule, decision.scheduled_for, chance), 1
    while True:
        run.attempt = attempt
        _tell(run, story, chance)
        yield run, story
        if story.then is None or attempt > schedule.max_retries:
            return
        ended, key = run.finished_at or moment, run.idempotency_key
        wait = retry_delay(schedule.retry_delay_seconds, schedule.retry_backoff, attempt=attempt, key=key)
        run = _row(schedule, decision, ended, correlation_id=run.correlation_id)
        run.trigger, run.available_at = "retry", ended + wait
        story, attempt = story.then, attempt + 1


def _row(schedule: Schedule, decision: Decision, moment: datetime, *, correlation_id: str = "") -> JobRun:
    return JobRun(
        schedule=schedule,
        schedule_name=schedule.name,
        job_type=schedule.job_type,
        environment=schedule.environment,
        params=schedule.params,
        scheduled_for=decision.scheduled_for,
        status=decision.status,
        reason=decision.reason,
        summary="" if decision.status == "pending" else decision.why,
        priority=schedule.priority,
        timeout_seconds=schedule.timeout_seconds,
        queued_at=moment,
        available_at=moment,
        finished_at=moment,
        coalesced_from=decision.since,
        coalesced_count=decision.count,
        correlation_id=correlation_id or uuid.uuid4().hex,
        idempotency_key=idempotency_key(schedule.pk, decision.scheduled_for),
    )


def _tell(run: JobRun, story: Story, chance: random.Random) -> None:
    """Fill in how an attempt went."""
    run.started_at = run.available_at + timedelta(seconds=chance.uniform(0.01, 0.12))
    run.finished_at = run.started_at + timedelta(seconds=story.seconds)
    run.owner = OWNER
    run.status, run.reason, run.summary, run.error = story.status, story.reason, story.summary, story.error
    run.metrics, run.result, run.cancelled_by = story.metrics, story.result, story.by


def _link_retries(runs: list[JobRun]) -> None:
    """Tell each retry which attempt it repeats."""
    attempts = {(run.idempotency_key, run.attempt): run for run in runs if run.started_at}
    retries = [run for run in runs if run.attempt > 1]
    for run in retries:
        run.retry_of = attempts[run.idempotency_key, run.attempt - 1]
    JobRun.objects.bulk_update(retries, ["retry_of"], batch_size=500)


def _lines(run: JobRun, story: Story, now: datetime) -> Iterator[RunLogLine]:
    """Yield the log of a run; of runs that went well only the recent ones have kept theirs."""
    if run.started_at is None or (run.status == "success" and run.started_at < now - LINES_SINCE):
        return
    for number, (level, text) in enumerate(story.lines, start=1):
        share = number / (len(story.lines) + 1)
        at = run.started_at + timedelta(seconds=story.seconds * share)
        yield RunLogLine(run=run, number=number, at=at, level=level, text=text)
