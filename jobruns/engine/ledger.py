"""Write the ledger: settle due instants, a handful of statements for a batch of any size.

`fire_due` inserts the rows of due instants and advances their schedules in one transaction, so that a crash leaves
both or neither. Any number of processes may call it at once.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from jobruns.engine import sql
from jobruns.engine.policy import IDLE, Active, Decision, Pause, Verdict, View, decide
from jobruns.models import JobRun
from schedules.models import Schedule
from schedules.timing import Timing, TimingError

log = structlog.get_logger(__name__)

BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Settled:
    """What one call of `fire_due` did: schedules settled, rows written, rows that wait to be run."""

    schedules: int = 0
    rows: int = 0
    pending: int = 0


def fire_due(limit: int = BATCH) -> Settled:
    """Settle the due instants of up to `limit` schedules, the longest overdue first; locked ones are passed over."""
    if not Schedule.objects.due(sql.now()).exists():
        return Settled()
    with transaction.atomic():
        now = sql.now()
        views = _lock_due(now, limit)
        if not views:
            return Settled()
        verdicts = _decide(views, now)
        _make_way([(view.schedule_id, verdict.replaces) for view, verdict in verdicts if verdict.replaces], now)
        rows = _insert(verdicts, now)
        _advance(verdicts)
    pending = sum(one.status == "pending" for _, verdict in verdicts for one in verdict.decisions)
    return Settled(schedules=len(views), rows=rows, pending=pending)


DUE_COLUMNS = (
    "id",
    "schedule_type",
    "cron_expression",
    "interval_seconds",
    "scheduled_at",
    "anchor_at",
    "timezone",
    "start_at",
    "end_at",
    "environment",
    "name",
    "next_run_at",
    "overlap_policy",
    "max_instances",
    "misfire_policy",
    "misfire_grace_seconds",
    "catchup_limit",
    "jitter_seconds",
    "max_runs",
    "fire_count",
    "pause_started_at",
    "pause_ended_at",
    "pause_catchup",
)


def _lock_due(now: datetime, limit: int) -> list[View]:
    due = Schedule.objects.due(now)[:limit]
    if sql.is_postgres():
        due = due.select_for_update(skip_locked=True, no_key=True)
    return [view_of(row) for row in due.values_list(*DUE_COLUMNS, named=True)]


def view_of(row: Any) -> View:
    """Return what a decision needs to know, from a schedule or a row of its DUE_COLUMNS."""
    timing = Timing(
        kind=row.schedule_type,
        cron=row.cron_expression,
        interval_seconds=row.interval_seconds or 0,
        at=row.scheduled_at,
        anchor=row.anchor_at if row.schedule_type == "interval" else None,
        zone=row.timezone,
        start=row.start_at,
        end=row.end_at,
        seed=Schedule.seed_of(row.environment, row.name, row.cron_expression),
    )
    pause = None
    if row.pause_started_at and row.pause_ended_at:
        pause = Pause(row.pause_started_at, row.pause_ended_at, row.pause_catchup)
    return View(
        schedule_id=row.id,
        timing=timing,
        due=row.next_run_at,
        overlap=row.overlap_policy,
        max_instances=row.max_instances,
        misfire=row.misfire_policy,
        grace=timedelta(seconds=row.misfire_grace_seconds),
        catchup_limit=row.catchup_limit,
        jitter_seconds=row.jitter_seconds,
        fires_left=None if row.max_runs is None else row.max_runs - row.fire_count,
        pause=pause,
    )


def _decide(views: list[View], now: datetime) -> list[tuple[View, Verdict]]:
    """Return a verdict for every schedule; one whose timing can no longer be read is suspended and left out."""
    active = _active([view.schedule_id for view in views])
    verdicts = []
    for view in views:
        try:
            verdicts.append((view, decide(view, now, active.get(view.schedule_id, IDLE))))
        except TimingError as broken:
            log.error(
                "schedule suspended, its timing cannot be read", schedule_id=view.schedule_id, error=str(broken)
            )
            Schedule.objects.get(pk=view.schedule_id).suspend(reason=f"Its timing cannot be read: {broken}"[:500])
    return verdicts


def _active(schedule_ids: list[int]) -> dict[int, Active]:
    condition, parameters = sql.any_of("schedule_id", schedule_ids)
    counts: dict[int, Counter[str]] = {}
    for schedule_id, status, is_backfill, count in sql.fetch(
        f"SELECT schedule_id, status, trigger = 'backfill', count(*) FROM jobruns_jobrun "
        f"WHERE status IN ('pending', 'running') AND {condition} GROUP BY 1, 2, 3",
        parameters,
    ):
        counts.setdefault(schedule_id, Counter())[f"backfill {status}" if is_backfill else status] = count
    return {
        found: Active(count["running"], count["pending"], count["backfill running"])
        for found, count in counts.items()
    }


def _make_way(replaced: list[tuple[int, str]], now: datetime) -> None:
    """Cancel what waits and stop what runs of the schedules whose policy says that a new run replaces it."""
    for how in ("asked", "forced"):
        runs = JobRun.objects.regular().filter(schedule_id__in=[found for found, wanted in replaced if wanted == how])
        runs.filter(status="pending").update(
            status="cancelled", reason="overlap", finished_at=now, summary="A newer run took its place."
        )
        runs.filter(status="running").update(
            cancellation=how, reason="overlap", cancelled_by="the run that takes its place"
        )


ROW_COLUMNS = {
    "schedule_id": "bigint",
    "scheduled_for": "timestamptz",
    "status": "text",
    "reason": "text",
    "summary": "text",
    "available_at": "timestamptz",
    "finished_at": "timestamptz",
    "coalesced_from": "timestamptz",
    "coalesced_count": "integer",
    "correlation_id": "text",
    "idempotency_key": "text",
}
INSERT = """
INSERT INTO jobruns_jobrun (
    schedule_id, schedule_name, schedule_version, job_type, environment, params, scheduled_for, attempt, trigger,
    triggered_by, status, reason, cancellation, cancelled_by, priority, timeout_seconds, queued_at, available_at,
    finished_at, owner, coalesced_from, coalesced_count, correlation_id, idempotency_key, summary, error, traceback,
    metrics, attributes, result, progress)
SELECT s.id, s.name, s.version, s.job_type, s.environment, s.params, d.scheduled_for, 1, 'schedule',
    '', d.status, d.reason, '', '', s.priority, s.timeout_seconds, %s, d.available_at,
    d.finished_at, '', d.coalesced_from, d.coalesced_count, d.correlation_id, d.idempotency_key, d.summary, '', '',
    '{{}}', '{{}}', '{{}}', '{{}}'
FROM {rows} JOIN schedules_schedule s ON s.id = d.schedule_id
WHERE true ORDER BY d.scheduled_for, d.schedule_id
ON CONFLICT DO NOTHING
"""


def _insert(verdicts: list[tuple[View, Verdict]], now: datetime) -> int:
    rows = [_row(view.schedule_id, one, now) for view, verdict in verdicts for one in verdict.decisions]
    if not rows:
        return 0
    table, parameters = sql.table("d", ROW_COLUMNS, rows)
    return sql.run(INSERT.format(rows=table), [sql.moment(now), *parameters])


def _row(schedule_id: int, one: Decision, now: datetime) -> list[Any]:
    pending = one.status == "pending"
    return [
        schedule_id,
        one.scheduled_for,
        one.status,
        one.reason,
        "" if pending else one.why,
        one.available_at or now,
        None if pending else now,
        one.since,
        one.count,
        uuid.uuid4().hex,
        idempotency_key(schedule_id, one.scheduled_for),
    ]


def idempotency_key(schedule_id: int, scheduled_for: datetime) -> str:
    """Return the key of an instant: the same for every attempt, in every process, for ever."""
    return f"carillon-{schedule_id}-{scheduled_for:%Y%m%dT%H%M%SZ}"


ADVANCE_COLUMNS = {
    "id": "bigint",
    "next_at": "timestamptz",
    "last": "timestamptz",
    "fired": "integer",
    "over": "integer",
}
ADVANCE = """
UPDATE schedules_schedule AS s
SET next_run_at = d.next_at, last_scheduled_for = coalesce(d.last, s.last_scheduled_for),
    fire_count = s.fire_count + d.fired, pause_started_at = NULL, pause_ended_at = NULL,
    status = CASE WHEN d.over = 1 THEN 'completed' ELSE s.status END
FROM {rows} WHERE s.id = d.id
"""


def _advance(verdicts: list[tuple[View, Verdict]]) -> None:
    rows = []
    for view, verdict in verdicts:
        fired = sum(one.status == "pending" for one in verdict.decisions)
        last = verdict.decisions[-1].scheduled_for if verdict.decisions else None
        over = verdict.next_at is None and not fired
        rows.append([view.schedule_id, verdict.next_at, last, fired, int(over)])
    if rows:
        table, parameters = sql.table("d", ADVANCE_COLUMNS, rows)
        sql.run(ADVANCE.format(rows=table), parameters)
