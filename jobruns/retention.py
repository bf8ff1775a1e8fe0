"""Prune old runs in small batches, so that neither firing nor recording ever waits for it.

Nothing that the engine, the counters or an explanation needs is lost: what waits or runs stays, and so do the newest
row and the last run of each schedule. What goes is in the sums, and its successes and failures are noted, so
that counters and ledger can still be compared.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from integrations.models import Delivery
from jobruns import rollups
from jobruns.books import Bookmark, LateRun, PrunedRuns
from jobruns.engine import sql
from jobruns.models import JobRun
from jobruns.queries import JobRunQuerySet
from schedules.models import Schedule
from schedules.standing import forget_beside

BATCH = 1_000
REST = 1.0  # times as long as a batch took, so that others get at least half of the database

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning did: rows that went, deliveries that went, and whether it came to its end."""

    runs: int = 0
    deliveries: int = 0
    complete: bool = True


def old(before: datetime) -> JobRunQuerySet:
    """Return the runs queued before a moment that may be pruned."""
    newer = JobRun.objects.filter(schedule=OuterRef("schedule"), pk__gt=OuterRef("pk"))
    runs: JobRunQuerySet = JobRun.objects.filter(pk__lt=JobRun.objects.first_id_since(before)).ended()
    return (
        runs.filter(Exists(newer))
        .exclude(Exists(Schedule.objects.filter(last_run_id=OuterRef("pk"))))
        .exclude(Exists(LateRun.objects.filter(run=OuterRef("pk"))))
    )


def prune(
    before: datetime,
    *,
    now: datetime,
    stopped: Callable[[float], bool],
    progress: Told = lambda done, upto: None,
) -> Pruned:
    """Remove runs queued before a moment, with their log lines, and deliveries that ended before it.

    `stopped(seconds)` rests that long and tells whether to stop; what is left goes the next time.
    `progress(removed, id reached)` is told after each batch. Two that prune at once do not disturb each other.
    """
    rollups.catch_up(now)
    removed, reached = 0, 0
    while True:
        began = time.monotonic()
        batch = _batch(before, reached)
        if batch is None:
            break
        removed, reached = removed + batch[0], batch[1]
        progress(removed, reached)
        if stopped((time.monotonic() - began) * REST):
            return Pruned(removed, 0, complete=False)
    _reached(before)
    rollups.forget(now)
    deliveries = _prune_deliveries(before, stopped)
    return Pruned(removed, deliveries)


def _batch(before: datetime, after: int) -> tuple[int, int] | None:
    """Remove one batch of the runs after an id; return how many and the last id looked at, None at the end."""
    with transaction.atomic():
        found = old(before).filter(pk__gt=after, pk__lte=Bookmark.read().counted_to).order_by("pk")
        ids = list(found.values_list("pk", flat=True)[:BATCH])
        if not ids:
            return None
        rows: Any = JobRun.objects.filter(pk__in=ids)
        if sql.is_postgres():
            rows = rows.select_for_update(skip_locked=True)
        taken = list(rows.values_list("pk", "schedule_id", "status", "scheduled_for", "queued_at", "job_type"))
        if taken:
            _note(taken)
            forget_beside((row[0], row[5]) for row in taken)
            JobRun.objects.filter(pk__in=[row[0] for row in taken]).only("pk").delete()
    return len(taken), ids[-1]


def _note(taken: list[tuple[int, int, str, datetime, datetime, str]]) -> None:
    pruned: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    for _, schedule_id, status, scheduled_for, _, _ in taken:
        one = pruned[schedule_id]
        one["schedule_id"] = schedule_id
        one["rows"] = one.get("rows", 0) + 1
        one["successes"] = one.get("successes", 0) + (status == "success")
        one["failures"] = one.get("failures", 0) + (status == "failed")
        one["newest"] = max(one.get("newest", scheduled_for), scheduled_for)
    PrunedRuns.note(pruned.values())
    _reached(max(row[4] for row in taken))


def _reached(moment: datetime) -> None:
    """Note that runs queued before this moment may be gone."""
    bookmark = Bookmark.read()
    if bookmark.pruned_before is None or bookmark.pruned_before < moment:
        Bookmark.objects.update_or_create(pk=1, defaults={"pruned_before": moment})


def _prune_deliveries(before: datetime, stopped: Callable[[float], bool]) -> int:
    removed = 0
    while ids := list(Delivery.objects.ended_before(before).values_list("pk", flat=True)[:BATCH]):
        removed += Delivery.objects.filter(pk__in=ids).delete()[0]
        if stopped(0.01):
            break
    return removed
