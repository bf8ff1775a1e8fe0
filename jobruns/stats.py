"""How runs went in a window of time: one pass over the window's rows, three looks into its durations and errors."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Max, Min, Q

from jobruns.models import JobRun
from jobruns.queries import JobRunQuerySet
from schedules.models import Schedule

WINDOW = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST = timedelta(days=366)
TOOK = ExpressionWrapper(F("finished_at") - F("started_at"), DurationField())
HORIZONS = {"hour": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}


class NoWindow(ValueError):
    """The text is no window; the message says what to write."""


def window(text: str) -> timedelta:
    """Return the length that `text` names: 90m, 24h, 7d, 4w, at most 366 days; raises NoWindow."""
    match = WINDOW.fullmatch(text)
    length = timedelta(**{UNITS[match[2]]: int(match[1])}) if match else timedelta(0)
    if not timedelta(0) < length <= LONGEST:
        raise NoWindow("Write a number with m, h, d or w, such as 24h; at most 366d.")
    return length


def of(length: timedelta, now: datetime, schedule: Schedule | None = None) -> dict[str, Any]:
    """Return the statistics of rows written in the last `length` before `now`, of one schedule or of all.

    Skipped and missed instants are rows too and count in the total. A rate or a duration without rows is None.
    """
    every: Any = JobRun.objects.all() if schedule is None else schedule.runs.all()
    rows = every.order_by()
    inside: JobRunQuerySet = rows.filter(queued_at__gte=now - length, queued_at__lte=now)
    totals = _totals(inside)
    done, failed = totals["successful_executions"], totals["failed_executions"]
    return {
        **totals,
        "since": now - length,
        "success_rate": done / (done + failed) if done + failed else None,
        **_percentiles(inside, done),
        **_horizons(rows, now),
        "most_common_error": _most_common_error(inside) if failed else None,
        **_ahead(schedule),
    }


def _totals(inside: JobRunQuerySet) -> dict[str, Any]:
    succeeded = Q(status="success")
    counts = {
        f"{word}_executions": Count("pk", filter=Q(status=status))
        for word, status in {
            "successful": "success",
            **{status: status for status in ("failed", "skipped", "missed", "cancelled", "pending", "running")},
        }.items()
    }
    found = inside.aggregate(
        total_executions=Count("pk"),
        last_execution_at=Max("started_at"),
        average_duration_ms=Avg(TOOK, filter=succeeded),
        min_duration_ms=Min(TOOK, filter=succeeded),
        max_duration_ms=Max(TOOK, filter=succeeded),
        **counts,
    )
    return {name: _milliseconds(value) for name, value in found.items()}


def _percentiles(inside: JobRunQuerySet, count: int) -> dict[str, float | None]:
    """Return the nearest ranks: the shortest duration that 50 and 95 of 100 successes do not exceed."""
    durations = inside.filter(status="success").order_by(TOOK.asc()).values_list(TOOK, flat=True)
    found: dict[str, float | None] = {}
    for percent in (50, 95):
        rank = -(-count * percent // 100)
        found[f"p{percent}_duration_ms"] = _milliseconds(durations[rank - 1]) if rank else None
    return found


def _horizons(rows: JobRunQuerySet, now: datetime) -> dict[str, int]:
    recent = rows.filter(queued_at__gte=now - max(HORIZONS.values()), queued_at__lte=now)
    counts = {name: Count("pk", filter=Q(queued_at__gte=now - length)) for name, length in HORIZONS.items()}
    names = {"hour": "executions_last_hour", "24h": "executions_last_24h", "7d": "executions_last_7d"}
    return recent.aggregate(**{names[name]: count for name, count in counts.items()})


def _most_common_error(inside: JobRunQuerySet) -> str | None:
    failed = inside.filter(status="failed").exclude(error="")
    found = failed.values("error").annotate(times=Count("pk")).order_by("-times", "error").first()
    return found["error"] if found else None


def _ahead(schedule: Schedule | None) -> dict[str, Any]:
    if schedule is not None:
        return {
            "schedule_id": schedule.pk,
            "next_execution_at": schedule.upcoming_at,
            "consecutive_failures": schedule.consecutive_failures,
        }
    following = Schedule.objects.upcoming().first()
    worst = Schedule.objects.existing().aggregate(worst=Max("consecutive_failures"))["worst"]
    return {
        "schedule_id": None,
        "next_execution_at": following.upcoming_at if following else None,
        "consecutive_failures": worst or 0,
    }


def _milliseconds(value: Any) -> Any:
    return value / timedelta(milliseconds=1) if isinstance(value, timedelta) else value
