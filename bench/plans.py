"""How PostgreSQL answers each statement of the hot path, and which indexes serve it, on a ledger with a history."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from bench import ground
from jobruns.engine import claims, endings, glance, ledger, processes
from jobruns.models import JobRun
from jobruns.runner import Ending
from schedules.models import Schedule

OWNER = "bench"
HISTORY = """
INSERT INTO jobruns_jobrun (schedule_id, schedule_name, schedule_version, job_type, environment, params,
    scheduled_for, attempt, trigger, triggered_by, status, reason, cancellation, cancelled_by, priority,
    timeout_seconds, queued_at, available_at, started_at, finished_at, owner, coalesced_count, correlation_id,
    idempotency_key, summary, error, traceback, metrics, attributes, result, progress)
SELECT s.id, s.name, 1, s.job_type, s.environment, s.params,
    m.at, 1, 'schedule', '', CASE WHEN (s.id + day) %% 50 = 0 THEN 'failed' ELSE 'success' END, '', '', '', 5,
    60, m.at, m.at, m.at, m.at, '', 1, md5(s.id || '-' || day),
    'carillon-' || s.id || '-' || day, '', '', '', '{}', '{}', '{}', '{}'
FROM generate_series(1, %s) AS day CROSS JOIN LATERAL (SELECT now() - day * interval '1 day' AS at) AS m
CROSS JOIN schedules_schedule AS s
"""
USED = re.compile(r"(Index Only Scan|Index Scan|Bitmap Index Scan|Seq Scan)(?: Backward)?(?: using (\w+))? on (\w+)")


class Watch:
    """Explains each statement before it is executed, and keeps what that showed by its first words."""

    def __init__(self) -> None:
        self.plans: dict[str, str] = {}

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().startswith(("SELECT", "INSERT", "UPDATE", "WITH")) and "EXPLAIN" not in sql:
            point = transaction.savepoint()
            cursor = context["cursor"]
            execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", params, many, context)
            plan = "\n".join(line for (line,) in cursor.fetchall())
            transaction.savepoint_rollback(point)
            self.plans.setdefault(" ".join(sql.split())[:70], plan)
        return execute(sql, params, many, context)


def explain(*, schedules: int, days: int, due: int) -> dict[str, str]:
    """Return the plans of a pass that fires, claims and records `due` runs; `days` rows of history a schedule."""
    ground.empty()
    ground.schedules(schedules, ground.soon(80_000))
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, [days])
    ground.analyse()
    ids = list(Schedule.objects.values_list("pk", flat=True)[:due])
    Schedule.objects.filter(pk__in=ids).update(next_run_at=timezone.now() - timedelta(seconds=1), max_retries=3)
    watch = Watch()
    with transaction.atomic(), connection.execute_wrapper(watch):
        glance.look()
        ledger.fire_due()
        claimed = claims.claim_ready(due, OWNER)
        claims.renew([one.run_id for one in claimed], OWNER)
        now = timezone.now()
        failed = [Ending(one.run_id, one.attempt, "failed", now, now, reason="error") for one in claimed]
        endings.record(failed, OWNER)
        processes.rescue()
        list(JobRun.objects.all()[:50])
        list(JobRun.objects.filter(schedule_id=ids[0])[:50])
        list(JobRun.objects.running().filter(owner=OWNER).exclude(cancellation="")[:50])
    return watch.plans


def indexes(plan: str) -> str:
    """Return which tables a plan reads, and through what."""
    found = {f"{table} by {index}" if index else f"{table} by a {how}" for how, index, table in USED.findall(plan)}
    return ", ".join(sorted(found))


def milliseconds(plan: str) -> float:
    """Return how long the statement took."""
    found = re.search(r"Execution Time: ([\d.]+) ms", plan)
    return float(found.group(1)) if found else 0.0
