"""Claim ready runs for one owner, so that each is executed by one process at a time."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from jobruns.engine import sql
from jobruns.models import JobRun
from jobruns.runner import Assignment

ASSIGNMENT_COLUMNS = """r.id, r.schedule_id, r.schedule_name, r.job_type, r.environment, r.params, r.scheduled_for,
    r.attempt, r.correlation_id, r.idempotency_key, r.timeout_seconds"""
READY = """
SELECT {columns}, s.usual_seconds, s.overlap_policy, s.max_instances,
    (SELECT count(*) FROM jobruns_jobrun a WHERE a.schedule_id = r.schedule_id AND a.status = 'running')
FROM jobruns_jobrun r JOIN schedules_schedule s ON s.id = r.schedule_id
WHERE r.status = 'pending' AND r.available_at <= %s
  AND (SELECT count(*) FROM jobruns_jobrun a WHERE a.schedule_id = r.schedule_id AND a.status = 'running')
      < CASE WHEN s.overlap_policy = 'allow' THEN s.max_instances ELSE 1 END
ORDER BY r.priority DESC, r.available_at, r.id
LIMIT %s {lock}
"""
CLAIM = """
UPDATE jobruns_jobrun SET status = 'running', owner = %s, started_at = %s, lease_expires_at = %s WHERE {chosen}
"""


def claim_ready(slots: int, owner: str) -> list[Assignment]:
    """Take up to `slots` pending runs for `owner`, highest priority first, and mark them running under a lease.

    A schedule never runs more at once than its policy allows, also when several processes claim: they take turns.
    """
    if slots < 1 or not JobRun.objects.ready(sql.now()).exists():
        return []
    with transaction.atomic():
        sql.take_turns()
        now = sql.now()
        statement = READY.format(columns=ASSIGNMENT_COLUMNS, lock=sql.skip_locked("OF r"))
        chosen = _within_limits(sql.fetch(statement, [sql.moment(now), slots]))
        if chosen:
            condition, ids = sql.any_of("id", [found.run_id for found in chosen])
            lease = now + timedelta(seconds=settings.LOCK_TIMEOUT_SECONDS)
            sql.run(CLAIM.format(chosen=condition), [owner, sql.moment(now), sql.moment(lease), *ids])
    return chosen


def _within_limits(rows: list[tuple[Any, ...]]) -> list[Assignment]:
    """Leave out runs of one schedule beyond its limit within this batch."""
    taken: Counter[int] = Counter()
    chosen = []
    for *columns, usual, overlap, instances, running in rows:
        run_id, schedule_id, name, job_type, environment, params, scheduled_for, *rest = columns
        known = [run_id, schedule_id, name, job_type, environment, params, sql.aware(scheduled_for), *rest]
        found = Assignment(*known, usual_seconds=usual)
        limit = instances if overlap == "allow" else 1
        if running + taken[found.schedule_id] < limit:
            taken[found.schedule_id] += 1
            chosen.append(found)
    return chosen


def give_back(run_ids: list[int], owner: str) -> int:
    """Return claimed runs that did not start to the line; runs that this owner no longer holds are left alone."""
    return JobRun.objects.filter(pk__in=run_ids, owner=owner, status="running").update(
        status="pending", owner="", started_at=None, lease_expires_at=None
    )
