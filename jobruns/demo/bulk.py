"""Generated schedules and runs in any number, written by the database itself, for trying pages and benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import transaction

from jobruns.demo import counters
from jobruns.engine import sql
from schedules.models import Schedule

CHUNK = 100_000  # runs per transaction
SPAN = timedelta(days=90)  # how far back runs go, at most
SHORTEST, LONGEST = 60, 86_400  # seconds between two runs of a generated schedule
RUNS_EACH = 1_000  # of a schedule, where only a number of runs is asked for
TAGS = ["orders", "billing", "web", "warehouse", "nightly", "reports", "payments", "search"]
ENVIRONMENTS = ["production", "production", "production", "staging", "test"]


def generate(schedules: int, runs: int, now: datetime, *, progress: Callable[[int, int], None]) -> int:
    """Add `schedules` noop schedules with `runs` past runs; return how many schedules were made.

    For 0 schedules there are as many as the runs need. `progress(done, total)` is told after each chunk of runs.
    """
    count = schedules or -(-runs // RUNS_EACH)
    each = -(-runs // count) if count else 0
    step = int(min(max(SPAN.total_seconds() // max(each, 1), SHORTEST), LONGEST))
    now = now.astimezone(UTC).replace(microsecond=0)
    ids = _schedules(count, step, now)
    first = int(now.timestamp()) - step * each
    missing = each * count - runs  # of the first round, so that the last one is whole
    for begin in range(0, runs, CHUNK):
        with transaction.atomic():
            end = min(begin + CHUNK, runs)
            _runs(ids[0], count, missing + begin, missing + end, first=first, step=step)
        progress(end, runs)
    if runs:
        for begin in range(0, count, 1_000):
            counters.recount(ids[begin : begin + 1_000])
    return count


def _schedules(count: int, step: int, now: datetime) -> list[int]:
    """Add interval schedules whose instants are spread evenly over `step` seconds; return their ids, gapless."""
    newest = Schedule.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    rows = (
        Schedule(
            id=newest + 1 + number,
            name=f"generated-{newest + 1 + number:06}",
            description="Made by loaddemo, for trying many.",
            environment=ENVIRONMENTS[number % len(ENVIRONMENTS)],
            tags=[TAGS[number % len(TAGS)], TAGS[number // 7 % len(TAGS)]],
            job_type="noop",
            schedule_type=Schedule.Kind.INTERVAL,
            interval_seconds=step,
            anchor_at=now + timedelta(seconds=_offset(number, count, step) - step),
            next_run_at=now + timedelta(seconds=_offset(number, count, step)),
            priority=1 + number % 10,
            timeout_seconds=60,
            max_retries=0,
            created_by="demo",
            updated_by="demo",
        )
        for number in range(count)
    )
    with transaction.atomic():
        Schedule.objects.bulk_create(rows, batch_size=2_000)
        _keep_sequence()
    return list(range(newest + 1, newest + 1 + count))


def _offset(number: int, count: int, step: int) -> int:
    """Return by how many seconds the instants of a schedule are shifted."""
    return number * step // count


SEQUENCE = "SELECT setval(pg_get_serial_sequence('schedules_schedule', 'id'), max(id)) FROM schedules_schedule"


def _keep_sequence() -> None:
    """Let PostgreSQL go on counting after ids that were given."""
    if sql.is_postgres():
        sql.fetch(SEQUENCE, [])


RUNS = """
INSERT INTO jobruns_jobrun (
    schedule_id, schedule_name, schedule_version, job_type, environment, params, scheduled_for, attempt, trigger,
    triggered_by, status, reason, cancellation, cancelled_by, priority, timeout_seconds, queued_at, available_at,
    started_at, finished_at, owner, coalesced_count, correlation_id, idempotency_key, summary, error, traceback,
    metrics, attributes, result, progress)
WITH RECURSIVE n(k) AS (SELECT CAST(%s AS bigint) UNION ALL SELECT k + 1 FROM n WHERE k + 1 < %s),
    numbered AS (SELECT k, %s + k %% %s AS schedule_id, %s + k / %s * %s + k %% %s * %s / %s AS at,
        k * 7919 %% 1000 AS luck, (k * 104729 %% 3000) / 1000.0 AS seconds FROM n)
SELECT s.id, s.name, 1, s.job_type, s.environment, s.params, {scheduled}, 1, 'schedule', '',
    CASE WHEN luck < 925 THEN 'success' WHEN luck < 965 THEN 'failed' WHEN luck < 985 THEN 'skipped'
        WHEN luck < 995 THEN 'missed' ELSE 'cancelled' END,
    CASE WHEN luck < 925 THEN '' WHEN luck < 950 THEN 'expected' WHEN luck < 960 THEN 'timeout'
        WHEN luck < 965 THEN 'lost' WHEN luck < 985 THEN 'overlap' WHEN luck < 995 THEN 'downtime'
        ELSE 'requested' END,
    '', CASE WHEN luck >= 995 THEN 'admin' ELSE '' END, s.priority, s.timeout_seconds, {scheduled}, {scheduled},
    CASE WHEN luck BETWEEN 965 AND 994 THEN NULL ELSE {started} END, {finished}, 'demo-history', 1,
    'generated-' || s.id || '-' || k, 'generated-' || s.id || '-' || k,
    CASE WHEN luck < 925 THEN 'Did nothing, as asked.'
        WHEN luck BETWEEN 965 AND 984 THEN 'The one before was not done.'
        WHEN luck BETWEEN 985 AND 994 THEN 'No scheduler ran.' ELSE '' END,
    CASE WHEN luck BETWEEN 925 AND 964 THEN 'It ended badly, as one in twenty-five does here.'
        WHEN luck >= 995 THEN 'Cancelled by admin.' ELSE '' END,
    '', '{{}}', '{{}}', '{{}}', '{{}}'
FROM numbered JOIN schedules_schedule s ON s.id = numbered.schedule_id
ORDER BY k
"""


def _runs(first_id: int, count: int, begin: int, end: int, *, first: int, step: int) -> None:
    """Insert the runs numbered `begin` to `end`, time going on with the number and from schedule to schedule."""
    statement = RUNS.format(
        scheduled=_moment("at"), started=_moment("at", "0.05"), finished=_moment("at", "0.06 + seconds")
    )
    sql.run(statement, [begin, end, first_id, count, first, count, step, count, step, count])


def _moment(seconds: str, fraction: str = "") -> str:
    """Return SQL for a time from seconds since 1970, as each database keeps it."""
    whole = f"({seconds} + {fraction})" if fraction else seconds
    if sql.is_postgres():
        return f"to_timestamp({whole})"
    return f"strftime('%%Y-%%m-%%d %%H:%%M:{'%%f' if fraction else '%%S'}', {whole}, 'unixepoch')"
