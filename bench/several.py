"""Schedulers side by side on one database: how fast they drain a burst, and that they fire each instant once."""

from __future__ import annotations

from contextlib import ExitStack

from django.db.models import Count

from bench import ground
from jobruns.models import JobRun


def carillon(count: int, *, schedulers: int) -> ground.Burst:
    """Return how `count` schedules due at one instant went with so many schedulers of one child each.

    Raises AssertionError if an instant was fired twice or not at all, or a run was executed twice.
    """
    ground.empty()
    due = ground.soon(8 + count / 4_000 + 2 * schedulers)
    ground.schedules(count, due)
    with ExitStack() as stack:
        for _ in range(schedulers):
            stack.enter_context(ground.scheduler(processes=1))
        ground.wait_until(lambda: JobRun.objects.filter(status="success").count() >= count)
    found = JobRun.objects.aggregate(rows=Count("pk"), schedules=Count("schedule_id", distinct=True))
    if found != {"rows": count, "schedules": count} or JobRun.objects.exclude(status="success", attempt=1).exists():
        raise AssertionError(f"{count} fires became {found}.")
    return ground.ledger_burst(due)
