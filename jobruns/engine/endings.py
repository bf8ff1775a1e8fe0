"""Record how runs ended: a batch in one transaction, fenced, with the counters and retries that follow from it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from jobruns import notify
from jobruns.engine import authority, dependants, settling, sql
from jobruns.engine.delays import retry_delay
from jobruns.models import JobRun
from jobruns.runner import Ending
from schedules.models import Schedule

log = structlog.get_logger(__name__)

SMOOTHING = 0.2  # share of the newest run in the moving average of durations


def record(endings: Sequence[Ending], owner: str) -> set[int]:
    """Store the endings of runs that `owner` still holds, with counters, retries and completions; return their ids.

    A run whose lease went to somebody else is left as it is: its result is dropped with a log line.
    """
    if not endings:
        return set()
    with transaction.atomic():
        endings, doubts = authority.judged(endings)
        schedules = _lock_schedules(endings)
        accepted = _finish(endings, owner)
        tallies = _tally([one for one in endings if one.run_id in accepted], schedules)
        _count(tallies)
        _retry(tallies)
        kinds = {one.run_id: tally.kinds[one.run_id] for tally in tallies for one in tally.endings}
        settling.settle(kinds, _tried_again(tallies))  # before a schedule is suspended: after that it tells nothing
        authority.suspend(
            (tally.schedule_id, doubts[one.run_id])
            for tally in tallies
            for one in tally.endings
            if one.run_id in doubts
        )
        _tell_dependants(tallies)
        _complete(tallies)
        notify.ended([told for tally in tallies for told in tally.told()], JobRun.objects.in_bulk)
    if logging.getLogger(__name__).isEnabledFor(logging.DEBUG):
        _tell(accepted)
    for one in endings:
        if one.run_id not in accepted:
            log.warning("result dropped, the run was given to another owner", run_id=one.run_id, owner=owner)
    return accepted


def _tell(run_ids: set[int]) -> None:
    columns = ("pk", "schedule_id", "correlation_id", "status")
    for run_id, schedule_id, correlation_id, status in JobRun.objects.filter(pk__in=run_ids).values_list(*columns):
        log.debug(
            "run recorded",
            run_id=run_id,
            schedule_id=schedule_id,
            correlation_id=correlation_id,
            status=status,
        )


@dataclass(slots=True)
class Tally:
    """What a batch means for one schedule."""

    schedule_id: int
    max_retries: int
    retry_delay_seconds: int
    retry_backoff: str
    may_retry: bool
    exhausted: bool
    usual_seconds: float | None
    failures_in_a_row: int
    has_children: bool
    kinds: dict[int, str] = field(default_factory=dict)  # run id → job type
    runs: dict[int, tuple[int, str]] = field(default_factory=dict)  # run id → attempt, idempotency key
    endings: list[Ending] = field(default_factory=list)
    failed_before: list[int] = field(default_factory=list)  # attempts that had failed in a row, for each ending
    retries: list[tuple[int, datetime]] = field(default_factory=list)
    successes: int = 0
    failures: int = 0

    def add(self, one: Ending) -> None:
        """Count an ending and plan the retry that it asks for."""
        self.endings.append(one)
        self.failed_before.append(self.failures_in_a_row)
        if one.status == "success":
            self.successes += 1
            self.failures_in_a_row = 0
            before = one.seconds if self.usual_seconds is None else self.usual_seconds
            self.usual_seconds = before + SMOOTHING * (one.seconds - before)
        elif one.status == "failed":
            self.failures += 1
            self.failures_in_a_row += 1
            self._plan_retry(one)

    def told(self) -> Iterator[notify.Ended]:
        """Yield the endings as those who are to hear of them need them."""
        retries = dict(self.retries)
        for one, failed_before in zip(self.endings, self.failed_before, strict=True):
            retry_at = retries.get(one.run_id)
            yield notify.Ended(one.run_id, self.schedule_id, one.status, one.attempt, failed_before, retry_at)

    def _plan_retry(self, one: Ending) -> None:
        attempt, key = self.runs[one.run_id]
        if not (self.may_retry and one.retry and attempt <= self.max_retries):
            return
        delay = retry_delay(self.retry_delay_seconds, self.retry_backoff, attempt=attempt, key=key)
        wait = max(delay, timedelta(seconds=min(one.retry_after, 3600)))
        self.retries.append((one.run_id, one.finished_at + wait))


RUN_COLUMNS = "id, schedule_id, attempt, idempotency_key, job_type"
SCHEDULES = """
SELECT s.id, s.max_retries, s.retry_delay_seconds, s.retry_backoff, s.status, s.schedule_type, s.next_run_at,
    s.usual_seconds, s.consecutive_failures
FROM schedules_schedule s
WHERE {chosen}
ORDER BY s.id {lock}
"""


def _lock_schedules(endings: Iterable[Ending]) -> dict[int, Tally]:
    """Lock the schedules and those that depend on them in the order of their ids, so that two recorders cannot wait
    for each other."""
    condition, ids = sql.any_of("id", [one.run_id for one in endings])
    runs = sql.fetch(f"SELECT {RUN_COLUMNS} FROM jobruns_jobrun WHERE {condition}", ids)
    own = {schedule_id for _, schedule_id, *_ in runs}
    children = dependants.children_of(own)
    condition, ids = sql.any_of("s.id", own.union(*children.values()))
    found = {}
    for schedule_id, retries, delay, backoff, status, kind, next_at, usual, failures in sql.fetch(
        SCHEDULES.format(chosen=condition, lock=sql.lock_rows()), ids
    ):
        found[schedule_id] = Tally(
            schedule_id=schedule_id,
            max_retries=retries,
            retry_delay_seconds=delay,
            retry_backoff=backoff,
            may_retry=status not in {"deleted", "suspended"},
            exhausted=status == "active" and next_at is None and kind != "manual",
            usual_seconds=usual,
            failures_in_a_row=failures,
            has_children=schedule_id in children,
        )
    for run_id, schedule_id, attempt, key, job_type in runs:
        if schedule_id in found:  # else somebody has just deleted it, and its runs with it
            found[schedule_id].runs[run_id] = (attempt, key)
            found[schedule_id].kinds[run_id] = job_type
    return found


ENDING_COLUMNS = {
    "id": "bigint",
    "attempt": "integer",
    "status": "text",
    "reason": "text",
    "started_at": "timestamptz",
    "finished_at": "timestamptz",
    "summary": "text",
    "error": "text",
    "traceback": "text",
    "metrics": "jsonb",
    "attributes": "jsonb",
    "result": "jsonb",
}
FINISH = """
UPDATE jobruns_jobrun AS r
SET status = d.status, reason = d.reason, started_at = d.started_at, finished_at = d.finished_at,
    lease_expires_at = NULL, summary = d.summary, error = d.error, traceback = d.traceback, metrics = d.metrics,
    attributes = d.attributes, result = d.result, progress = '{{}}'
FROM {rows}
WHERE r.id = d.id AND r.attempt = d.attempt AND r.owner = %s AND r.status = 'running'
RETURNING {id}
"""


def _finish(endings: Iterable[Ending], owner: str) -> set[int]:
    rows = [
        [
            one.run_id,
            one.attempt,
            one.status,
            one.reason,
            one.started_at,
            one.finished_at,
            one.summary,
            one.error,
            one.traceback,
            one.metrics,
            one.attributes,
            one.result,
        ]
        for one in endings
    ]
    table, parameters = sql.table("d", ENDING_COLUMNS, rows)
    statement = FINISH.format(rows=table, id="r.id" if sql.is_postgres() else "id")
    return {run_id for (run_id,) in sql.fetch(statement, [*parameters, owner])}


def _tally(accepted: Iterable[Ending], schedules: dict[int, Tally]) -> list[Tally]:
    owners = {run_id: tally for tally in schedules.values() for run_id in tally.runs}
    for one in sorted(accepted, key=lambda ending: ending.finished_at):
        owners[one.run_id].add(one)
    return [tally for tally in schedules.values() if tally.endings]


COUNT_COLUMNS = {
    "id": "bigint",
    "successes": "integer",
    "failures": "integer",
    "in_a_row": "integer",
    "usual": "double precision",
    "last_at": "timestamptz",
    "last_id": "bigint",
    "last_status": "text",
}
COUNT = """
UPDATE schedules_schedule AS s
SET total_runs = s.total_runs + d.successes + d.failures, successful_runs = s.successful_runs + d.successes,
    failed_runs = s.failed_runs + d.failures, consecutive_failures = d.in_a_row, usual_seconds = d.usual,
    last_run_at = d.last_at, last_run_id = d.last_id, last_status = d.last_status
FROM {rows} WHERE s.id = d.id
"""


def _count(tallies: Iterable[Tally]) -> None:
    rows: list[list[Any]] = []
    for tally in tallies:
        last = tally.endings[-1]
        rows.append(
            [
                tally.schedule_id,
                tally.successes,
                tally.failures,
                tally.failures_in_a_row,
                tally.usual_seconds,
                last.started_at,
                last.run_id,
                last.status,
            ]
        )
    if rows:
        table, parameters = sql.table("d", COUNT_COLUMNS, rows)
        sql.run(COUNT.format(rows=table), parameters)


RETRY = """
INSERT INTO jobruns_jobrun (
    schedule_id, schedule_name, schedule_version, job_type, environment, params, scheduled_for, attempt, retry_of_id,
    trigger, triggered_by, status, reason, cancellation, cancelled_by, priority, timeout_seconds, queued_at,
    available_at, owner, coalesced_count, correlation_id, idempotency_key, summary, error, traceback, metrics,
    attributes, result, progress, parent, on_behalf_of)
SELECT r.schedule_id, r.schedule_name, r.schedule_version, r.job_type, r.environment, r.params, r.scheduled_for,
    r.attempt + 1, r.id, CASE WHEN r.trigger = 'backfill' THEN r.trigger ELSE 'retry' END, r.triggered_by,
    'pending', '', '', '', r.priority, r.timeout_seconds, r.finished_at,
    d.available_at, '', 1, r.correlation_id, r.idempotency_key, '', '', '', '{{}}', '{{}}', '{{}}', '{{}}',
    r.parent, r.on_behalf_of
FROM {rows} JOIN jobruns_jobrun r ON r.id = d.id
WHERE true ON CONFLICT DO NOTHING
"""


def _retry(tallies: Iterable[Tally]) -> None:
    rows = [list(planned) for tally in tallies for planned in tally.retries]
    if rows:
        table, parameters = sql.table("d", {"id": "bigint", "available_at": "timestamptz"}, rows)
        sql.run(RETRY.format(rows=table), parameters)


def _tell_dependants(tallies: Iterable[Tally]) -> None:
    """Fire what waits for runs that are not tried again."""
    tried_again = _tried_again(tallies)
    heard = [one.run_id for tally in tallies if tally.has_children for one in tally.endings]
    last = [run_id for run_id in heard if run_id not in tried_again]
    if last:
        dependants.hear(last)


def _tried_again(tallies: Iterable[Tally]) -> set[int]:
    return {run_id for tally in tallies for run_id, _ in tally.retries}


def _complete(tallies: Iterable[Tally]) -> None:
    """Complete schedules that will not fire again and have nothing left to run."""
    if exhausted := [tally.schedule_id for tally in tallies if tally.exhausted]:
        Schedule.objects.complete_exhausted(exhausted)
