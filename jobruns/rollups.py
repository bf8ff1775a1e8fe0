"""Add runs that ended to the sums by hour and by day, each exactly once, whatever number of processes try.

Runs are taken by id, behind a bookmark that moves on in the same transaction as the sums. One that has not ended by
then is noted as late, and added when it has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import takewhile

from django.db import transaction

from jobruns.books import EVER, EVERY, EVERY_BY_DAY, Bookmark, LateRun, RunSums
from jobruns.models import JobRun
from jobruns.queries import JobRunQuerySet
from jobruns.sums import COLUMNS, RunFacts, Sums

BATCH = 10_000
SETTLED = timedelta(seconds=60)  # no transaction that writes runs is open for longer
KEPT = timedelta(days=730)
Key = tuple[int, datetime, str]


def advance(now: datetime) -> int:
    """Take one batch of runs into the sums; return how many were taken, 0 when there is nothing to do now."""
    with transaction.atomic():
        bookmark = Bookmark.take()
        if bookmark is None:
            return 0
        late = list(facts(JobRun.objects.filter(pk__in=late_ids()).ended()[:BATCH]))
        following = facts(JobRun.objects.filter(pk__gt=bookmark.counted_to).order_by("pk")[:BATCH])
        fresh = list(takewhile(lambda run: run.queued_at <= now - SETTLED, following))
        active = [run.pk for run in fresh if run.status in JobRun.ACTIVE]
        _add([run for run in fresh if run.status not in JobRun.ACTIVE] + late)
        LateRun.objects.filter(pk__in=[run.pk for run in late]).delete()
        LateRun.objects.bulk_create([LateRun(run_id=pk) for pk in active])
        if fresh:
            bookmark.counted_to = fresh[-1].pk
            bookmark.save(update_fields=["counted_to"])
    return len(fresh) + len(late)


def catch_up(now: datetime, *, progress: Callable[[int], None] = lambda taken: None) -> int:
    """Take all there is; return how many. `progress(taken so far)` is told after each batch."""
    taken = 0
    while found := advance(now):
        taken += found
        progress(taken)
    return taken


def facts(runs: JobRunQuerySet) -> Iterator[RunFacts]:
    """Yield what the sums need of runs."""
    return map(RunFacts._make, runs.values_list(*COLUMNS))


def forget(now: datetime) -> None:
    """Remove sums that are older than two years, but not those over all time."""
    RunSums.objects.filter(since__gt=EVER, since__lt=now - KEPT).delete()


def late_ids() -> Iterator[int]:
    """Yield the ids of runs that had not ended when they should have been counted."""
    return LateRun.objects.values_list("run_id", flat=True).iterator()


def _add(runs: Iterable[RunFacts]) -> None:
    """Add runs to the sums that they belong to: of the day, of the hour, and of all time."""
    sums: defaultdict[Key, Sums] = defaultdict(Sums)
    for run in runs:
        hour = run.queued_at.replace(minute=0, second=0, microsecond=0)
        day = hour.replace(hour=0)
        for whose, since in ((run.schedule_id, day), (EVERY_BY_DAY, day), (EVERY, hour), (EVERY, EVER)):
            sums[whose, since, run.environment].add(run)
    if not sums:
        return
    schedules, moments, _ = (set(part) for part in zip(*sums, strict=True))
    for row in RunSums.objects.filter(schedule_id__in=schedules, since__in=moments):
        key = (row.schedule_id, row.since, row.environment)
        if key in sums:
            sums[key].merge(row.sums)
    fresh = []
    for (schedule_id, since, environment), total in sums.items():
        row = RunSums(schedule_id=schedule_id, since=since, environment=environment)
        row.sums = total
        fresh.append(row)
    names = [field.name for field in RunSums._meta.concrete_fields if field.name not in {"id", *UNIQUE}]
    RunSums.objects.bulk_create(fresh, update_conflicts=True, unique_fields=UNIQUE, update_fields=names)


UNIQUE = ["schedule_id", "since", "environment"]
