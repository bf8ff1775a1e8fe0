"""Write the rows of schedules that follow others: a run, or the reason why there is none."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobruns.engine import sql
from jobruns.engine.policy import Decision
from schedules.models import Schedule
from schedules.wakeup import wake_schedulers

MOST_RESULT = 65_536  # characters of a parent's result that its dependants keep


@dataclass(frozen=True, slots=True)
class Ended:
    """The last attempt at an instant of a parent, or at what was asked of it; `result` is JSON text."""

    run_id: int
    schedule_id: int
    schedule_name: str
    status: str
    scheduled_for: datetime
    finished_at: datetime
    correlation_id: str
    result: str


@dataclass(frozen=True, slots=True)
class Follower:
    """What becomes of a child after `ended`; `others` name the runs of its other parents that count as well."""

    child: Schedule
    ended: Ended
    decision: Decision
    others: tuple[dict[str, Any], ...]


ROW_COLUMNS = {
    "schedule_id": "bigint",
    "scheduled_for": "timestamptz",
    "triggered_by": "text",
    "status": "text",
    "reason": "text",
    "summary": "text",
    "available_at": "timestamptz",
    "finished_at": "timestamptz",
    "correlation_id": "text",
    "idempotency_key": "text",
    "parent": "jsonb",
}
INSERT = """
INSERT INTO jobruns_jobrun (
    schedule_id, schedule_name, schedule_version, job_type, environment, params, scheduled_for, attempt, trigger,
    triggered_by, status, reason, cancellation, cancelled_by, priority, timeout_seconds, queued_at, available_at,
    finished_at, owner, coalesced_count, correlation_id, idempotency_key, summary, error, traceback,
    metrics, attributes, result, progress, parent)
SELECT s.id, s.name, s.version, s.job_type, s.environment, s.params, d.scheduled_for, 1, 'dependency',
    d.triggered_by, d.status, d.reason, '', '', s.priority, s.timeout_seconds, %s, d.available_at,
    d.finished_at, '', 1, d.correlation_id, d.idempotency_key, d.summary, '', '',
    '{{}}', '{{}}', '{{}}', '{{}}', d.parent
FROM {rows} JOIN schedules_schedule s ON s.id = d.schedule_id
WHERE true ORDER BY d.scheduled_for, s.id
ON CONFLICT DO NOTHING
"""
COUNT = "UPDATE schedules_schedule AS s SET fire_count = s.fire_count + d.fired FROM {rows} WHERE s.id = d.id"


def insert(rows: Sequence[Follower], now: datetime) -> int:
    """Write the rows, count those that are to run, wake the schedulers for them; return how many were written."""
    if not rows:
        return 0
    table, parameters = sql.table("d", ROW_COLUMNS, [_columns(row, now) for row in rows])
    written = sql.run(INSERT.format(rows=table), [sql.moment(now), *parameters])
    fired = Counter(row.child.pk for row in rows if row.decision.status == "pending")
    if fired:
        table, parameters = sql.table("d", {"id": "bigint", "fired": "integer"}, list(fired.items()))
        sql.run(COUNT.format(rows=table), parameters)
        wake_schedulers()
    return written


def _columns(row: Follower, now: datetime) -> list[Any]:
    one, ended, pending = row.decision, row.ended, row.decision.status == "pending"
    return [
        row.child.pk,
        ended.scheduled_for,
        ended.schedule_name[:150],
        one.status,
        one.reason,
        "" if pending else one.why,
        one.available_at or now,
        None if pending else now,
        ended.correlation_id,
        f"carillon-{row.child.pk}-after-{ended.run_id}",
        json.dumps(_followed(row)),
    ]


def _followed(row: Follower) -> dict[str, Any]:
    """Return what a run keeps of the run that it follows; with several parents also of the others."""
    ended = row.ended
    said: dict[str, Any] = {
        "schedule_id": ended.schedule_id,
        "schedule_name": ended.schedule_name,
        "run_id": ended.run_id,
        "status": ended.status,
        "result": _kept(ended.result),
    }
    return {**said, "others": row.others} if row.others else said


def _kept(result: str) -> Any:
    if len(result) > MOST_RESULT:
        return {"cut": f"{len(result)} characters are more than the {MOST_RESULT} that are kept here."}
    return json.loads(result)
