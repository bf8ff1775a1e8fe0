"""Make the counters of schedules equal the ledger again, after runs were written in bulk."""

from __future__ import annotations

from jobruns.engine import sql

COUNT = """
UPDATE schedules_schedule AS s
SET total_runs = d.successes + d.failures, successful_runs = d.successes, failed_runs = d.failures,
    fire_count = d.fires, last_scheduled_for = d.last_instant, usual_seconds = d.usual
FROM (
    SELECT schedule_id,
        count(*) FILTER (WHERE status = 'success') AS successes,
        count(*) FILTER (WHERE status = 'failed') AS failures,
        count(*) FILTER (WHERE trigger = 'schedule' AND status NOT IN ('skipped', 'missed')) AS fires,
        max(scheduled_for) FILTER (WHERE trigger = 'schedule') AS last_instant,
        avg({seconds}) FILTER (WHERE status = 'success') AS usual
    FROM jobruns_jobrun WHERE {chosen} GROUP BY schedule_id
) AS d WHERE s.id = d.schedule_id
"""
LAST = """
UPDATE schedules_schedule AS s
SET last_run_at = r.started_at, last_run_id = r.id, last_status = r.status,
    consecutive_failures = (
        SELECT count(*) FROM jobruns_jobrun f
        WHERE f.schedule_id = s.id AND f.status = 'failed' AND f.id > coalesce(
            (SELECT max(w.id) FROM jobruns_jobrun w WHERE w.schedule_id = s.id AND w.status = 'success'), 0))
FROM jobruns_jobrun AS r
WHERE {chosen} AND r.id = (
    SELECT max(e.id) FROM jobruns_jobrun e
    WHERE e.schedule_id = s.id AND e.status IN ('success', 'failed', 'cancelled') AND e.started_at IS NOT NULL)
"""
SECONDS = {
    "postgresql": "extract(epoch FROM finished_at - started_at)",
    "sqlite": "(julianday(finished_at) - julianday(started_at)) * 86400",
}


def recount(schedule_ids: list[int]) -> None:
    """Set what the engine counts for these schedules from their runs, whose ids go with time; in two statements."""
    seconds = SECONDS["postgresql" if sql.is_postgres() else "sqlite"]
    condition, ids = sql.any_of("schedule_id", schedule_ids)
    sql.run(COUNT.format(chosen=condition, seconds=seconds), ids)
    condition, ids = sql.any_of("s.id", schedule_ids)
    sql.run(LAST.format(chosen=condition), ids)
