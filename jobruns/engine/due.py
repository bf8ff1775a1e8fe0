"""What is due, and what a decision needs to know of it.

Thousands of schedules may be due at one instant, and most of them differ only in what no decision depends on. Hence
the columns that are read for firing are equal for schedules that are alike, and one decision serves all of those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django.db.models import Case, F, Value, When
from django.db.models.expressions import Combinable

from jobruns.engine import sql
from jobruns.engine.parents import Parent, Parents
from jobruns.engine.policy import Active, Pause, View
from schedules.calendars.closures import Closures
from schedules.models import Calendar, Schedule
from schedules.timing import Timing, TimingError

Columns = tuple[Any, ...]  # the values of DUE_COLUMNS

# What matters to some schedules only is asked for there only: a number or a name is a schedule's own.
DUE_COLUMNS: dict[str, Combinable] = {
    "id": Case(When(jitter_seconds__gt=0, then="id"), default=Value(0)),
    "environment": Case(When(cron_expression__contains="H", then="environment"), default=Value("")),
    "name": Case(When(cron_expression__contains="H", then="name"), default=Value("")),
    "schedule_type": F("schedule_type"),
    "cron_expression": F("cron_expression"),
    "interval_seconds": F("interval_seconds"),
    "scheduled_at": F("scheduled_at"),
    "anchor_at": Case(When(schedule_type="interval", then="anchor_at")),
    "timezone": F("timezone"),
    "start_at": F("start_at"),
    "end_at": F("end_at"),
    "calendar_id": F("calendar_id"),
    "calendar_rule": F("calendar_rule"),
    "next_run_at": F("next_run_at"),
    "overlap_policy": F("overlap_policy"),
    "max_instances": F("max_instances"),
    "misfire_policy": F("misfire_policy"),
    "misfire_grace_seconds": F("misfire_grace_seconds"),
    "catchup_limit": F("catchup_limit"),
    "jitter_seconds": F("jitter_seconds"),
    "max_runs": F("max_runs"),
    "fire_count": Case(When(max_runs__isnull=False, then="fire_count")),
    "pause_started_at": F("pause_started_at"),
    "pause_ended_at": F("pause_ended_at"),
    "pause_catchup": F("pause_catchup"),
}
CALENDAR = list(DUE_COLUMNS).index("calendar_id")


def lock_due(now: datetime, limit: int) -> dict[int, Columns]:
    """Lock up to `limit` due schedules, the longest overdue first; return for each id its DUE_COLUMNS.

    Those that somebody else holds are passed over.
    """
    due = Schedule.objects.due(now)[:limit]
    if sql.is_postgres():
        due = due.select_for_update(skip_locked=True, no_key=True)
    return {row[0]: row[1:] for row in due.values_list("pk", *DUE_COLUMNS.values())}


def calendars_of(due: Iterable[Columns]) -> dict[int, Closures]:
    """Return the calendars of what is due, by number; asks the database only where there is one."""
    numbers = {columns[CALENDAR] for columns in due} - {None}
    return Calendar.objects.ready(numbers) if numbers else {}


def view_from(columns: Columns, calendars: Mapping[int, Closures], parents: Parents | None) -> View:
    """Return what a decision needs to know of the schedules that have these DUE_COLUMNS and wait for `parents`.

    Raises TimingError where the calendar is not among `calendars`, as it cannot be read.
    """
    row = SimpleNamespace(**dict(zip(DUE_COLUMNS, columns, strict=True)))
    if row.calendar_id is not None and row.calendar_id not in calendars:
        raise TimingError("its calendar is not readable any more")
    row.closures = calendars.get(row.calendar_id)
    return view_of(row, parents)


def view_of(row: Any, parents: Parents | None = None) -> View:
    """Return what a decision needs to know of one schedule, or of what has DUE_COLUMNS and `closures`."""
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
        calendar=row.closures,
        calendar_rule=row.calendar_rule,
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
        parents=parents,
    )


def active_runs(schedule_ids: Iterable[int]) -> dict[int, Active]:
    """Return what has not ended of each schedule that has such runs."""
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


ANY_DEPENDENCY = "SELECT 1 FROM schedules_dependency LIMIT 1"
PARENTS = """
SELECT d.child_id, c.last_scheduled_for, p.name, p.status, d."on", d.met_at, d.ended_run_id, d.ended_as, d.ended_at
FROM schedules_dependency d
JOIN schedules_schedule p ON p.id = d.parent_id JOIN schedules_schedule c ON c.id = d.child_id
WHERE {chosen} AND c.schedule_type <> 'manual' ORDER BY d.child_id, d.id
"""
ENDED = {"success": "succeeded", "failed": "failed", "cancelled": "was cancelled"}


def parents_of(schedule_ids: Iterable[int]) -> dict[int, Parents]:
    """Return what those schedules wait for that have timing of their own and depend on others."""
    if not sql.fetch(ANY_DEPENDENCY, []):
        return {}
    condition, ids = sql.any_of("d.child_id", schedule_ids)
    found: dict[int, Parents] = {}
    for child_id, settled, name, status, on, met_at, *last in sql.fetch(PARENTS.format(chosen=condition), ids):
        before = found.get(child_id)
        parent = Parent(name, on, _aware(met_at), _last(status, *last))
        each = (*before.each, parent) if before else (parent,)
        found[child_id] = Parents(each, _aware(settled))
    return found


def _last(status: str, run_id: int | None, ended_as: str, ended_at: Any) -> str:
    if status == "deleted":
        return "it was deleted"
    if run_id is None:
        return "it has not run since the dependency was made"
    how = ENDED.get(ended_as, ended_as)
    return f"its last run, {run_id}, {how} at {sql.aware(ended_at).astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def _aware(value: Any) -> datetime | None:
    return None if value is None else sql.aware(value)
