"""Write the ledger: settle due instants, a handful of statements for a batch of any size.

`fire_due` inserts the rows of due instants and advances their schedules in one transaction, so that a crash leaves
both or neither. Any number of processes may call it at once. Schedules that are alike in all that a decision depends
on share one: the policy is asked once for them, and what it said travels to the database once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from django.db import transaction

from jobruns import notify
from jobruns.engine import sql
from jobruns.engine.due import Columns, active_runs, calendars_of, lock_due, parents_of, view_from
from jobruns.engine.parents import Parents
from jobruns.engine.policy import IDLE, Active, Decision, Verdict, decide
from jobruns.models import JobRun
from schedules.models import Schedule
from schedules.timing import TimingError

log = structlog.get_logger(__name__)

BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Settled:
    """What one call of `fire_due` did: schedules settled, rows written, rows that wait to be run."""

    schedules: int = 0
    rows: int = 0
    pending: int = 0


class Alike(NamedTuple):
    """A verdict and the schedules that share it."""

    verdict: Verdict
    schedule_ids: list[int]


def fire_due(limit: int = BATCH) -> Settled:
    """Settle the due instants of up to `limit` schedules, the longest overdue first; locked ones are passed over."""
    if not Schedule.objects.due(sql.now()).exists():
        return Settled()
    with transaction.atomic():
        now = sql.now()
        due = lock_due(now, limit)
        if not due:
            return Settled()
        settled = _decide(due, now)
        _make_way(settled, now)
        rows = _insert(settled, now)
        _advance(settled)
        _tell_missed(settled)
    pending = sum(len(ids) * _pending(verdict) for verdict, ids in settled)
    return Settled(schedules=len(due), rows=rows, pending=pending)


def _decide(due: dict[int, Columns], now: datetime) -> list[Alike]:
    """Return the verdicts on all schedules; those whose timing can no longer be read are suspended and left out."""
    active, parents, calendars = active_runs(due), parents_of(due), calendars_of(due.values())
    alike: dict[tuple[Columns, Active, Parents | None], list[int]] = {}
    for schedule_id, columns in due.items():
        key = (columns, active.get(schedule_id, IDLE), parents.get(schedule_id))
        alike.setdefault(key, []).append(schedule_id)
    settled = []
    for (columns, going, needed), ids in alike.items():
        try:
            settled.append(Alike(decide(view_from(columns, calendars, needed), now, going), ids))
        except TimingError as broken:
            _suspend(ids, str(broken))
    return settled


def _tell_missed(settled: list[Alike]) -> None:
    missed = {}
    for verdict, ids in settled:
        gone = [one for one in verdict.decisions if one.status == "missed" and one.reason != "coalesced"]
        if gone:
            told = gone[-1].scheduled_for, sum(one.count for one in gone), gone[-1].why
            missed.update(dict.fromkeys(ids, told))
    if missed:
        notify.missed(missed)


def _suspend(schedule_ids: Iterable[int], why: str) -> None:
    for schedule in Schedule.objects.filter(pk__in=schedule_ids):
        log.error("schedule suspended, its timing cannot be read", schedule_id=schedule.pk, error=why)
        schedule.suspend(reason=f"Its timing cannot be read: {why}"[:500])


def _make_way(settled: list[Alike], now: datetime) -> None:
    """Cancel what waits and stop what runs of the schedules whose policy says that a new run replaces it."""
    for how in ("asked", "forced"):
        replaced = [found for verdict, ids in settled if verdict.replaces == how for found in ids]
        if not replaced:
            continue
        JobRun.objects.regular().filter(schedule_id__in=replaced).make_way(how=how, now=now)


# A verdict, and a schedule that it holds for, by the verdict's place in the batch.
HOLDS_COLUMNS = {"schedule_id": "bigint", "verdict": "integer"}


def _holds(settled: list[Alike]) -> list[tuple[int, int]]:
    return [(found, place) for place, (_, ids) in enumerate(settled) for found in ids]


DECISION_COLUMNS = {
    "verdict": "integer",
    "scheduled_for": "timestamptz",
    "stamp": "text",
    "status": "text",
    "reason": "text",
    "summary": "text",
    "available_at": "timestamptz",
    "finished_at": "timestamptz",
    "coalesced_from": "timestamptz",
    "coalesced_count": "integer",
}
INSERT = """
WITH d AS MATERIALIZED (SELECT * FROM {decisions})
INSERT INTO jobruns_jobrun (
    schedule_id, schedule_name, schedule_version, job_type, environment, params, scheduled_for, attempt, trigger,
    triggered_by, status, reason, cancellation, cancelled_by, priority, timeout_seconds, queued_at, available_at,
    finished_at, owner, coalesced_from, coalesced_count, correlation_id, idempotency_key, summary, error, traceback,
    metrics, attributes, result, progress)
SELECT s.id, s.name, s.version, s.job_type, s.environment, s.params, d.scheduled_for, 1, 'schedule',
    '', d.status, d.reason, '', '', s.priority, s.timeout_seconds, %s, d.available_at,
    d.finished_at, '', d.coalesced_from, d.coalesced_count, {random_id}, 'carillon-' || s.id || '-' || d.stamp,
    d.summary, '', '', '{{}}', '{{}}', '{{}}', '{{}}'
FROM {holds} JOIN d ON d.verdict = h.verdict JOIN schedules_schedule s ON s.id = h.schedule_id
WHERE true ORDER BY d.scheduled_for, s.id
ON CONFLICT DO NOTHING
"""


def _insert(settled: list[Alike], now: datetime) -> int:
    decisions = [_row(place, one, now) for place, (verdict, _) in enumerate(settled) for one in verdict.decisions]
    if not decisions:
        return 0
    decided, said = sql.table("d", DECISION_COLUMNS, decisions)
    holds, who = sql.table("h", HOLDS_COLUMNS, _holds(settled))
    statement = INSERT.format(decisions=decided, holds=holds, random_id=sql.random_id())
    return sql.run(statement, [*said, sql.moment(now), *who])


def _row(place: int, one: Decision, now: datetime) -> list[Any]:
    pending = one.status == "pending"
    return [
        place,
        one.scheduled_for,
        stamp(one.scheduled_for),
        one.status,
        one.reason,
        "" if pending else one.why,
        one.available_at or now,
        None if pending else now,
        one.since,
        one.count,
    ]


def idempotency_key(schedule_id: int, scheduled_for: datetime) -> str:
    """Return the key of an instant: the same for every attempt, in every process, for ever."""
    return f"carillon-{schedule_id}-{stamp(scheduled_for)}"


def stamp(instant: datetime) -> str:
    """Return an instant as keys have it, such as 20260302T100000Z."""
    return f"{instant:%Y%m%dT%H%M%SZ}"


VERDICT_COLUMNS = {
    "verdict": "integer",
    "next_at": "timestamptz",
    "last": "timestamptz",
    "fired": "integer",
    "over": "integer",
}
ADVANCE = """
WITH d AS MATERIALIZED (SELECT * FROM {verdicts})
UPDATE schedules_schedule AS s
SET next_run_at = d.next_at, last_scheduled_for = coalesce(d.last, s.last_scheduled_for),
    fire_count = s.fire_count + d.fired, pause_started_at = NULL, pause_ended_at = NULL,
    status = CASE WHEN d.over = 1 THEN 'completed' ELSE s.status END
FROM {holds} JOIN d ON d.verdict = h.verdict WHERE s.id = h.schedule_id
"""


def _advance(settled: list[Alike]) -> None:
    verdicts = []
    for place, (verdict, _) in enumerate(settled):
        fired = _pending(verdict)
        last = verdict.decisions[-1].scheduled_for if verdict.decisions else None
        verdicts.append([place, verdict.next_at, last, fired, int(verdict.next_at is None and not fired)])
    if verdicts:
        decided, said = sql.table("d", VERDICT_COLUMNS, verdicts)
        holds, who = sql.table("h", HOLDS_COLUMNS, _holds(settled))
        sql.run(ADVANCE.format(verdicts=decided, holds=holds), [*said, *who])


def _pending(verdict: Verdict) -> int:
    return sum(one.status == "pending" for one in verdict.decisions)
