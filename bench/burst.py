"""Many schedules due at one instant: how fast the ledger is written, how late runs start, how fast they drain."""

from __future__ import annotations

import time

from django.db.models import F

from bench import ground, peer
from jobruns.engine import ledger
from jobruns.models import JobRun
from schedules.models import Schedule


def ledger_rate(count: int, *, alike: bool = True) -> float:
    """Return how many fires a second `fire_due` writes when `count` schedules are due.

    Schedules that are not alike each get a decision of their own.
    """
    ground.empty()
    ground.schedules(count, ground.soon(0))
    if not alike:
        Schedule.objects.update(catchup_limit=F("id"))
        ground.analyse()
    begin = time.perf_counter()
    while ledger.fire_due().schedules:
        pass
    took = time.perf_counter() - begin
    written = JobRun.objects.count()
    if written != count:
        raise AssertionError(f"{written} rows were written for {count} fires.")
    return count / took


def carillon(count: int, *, processes: int) -> ground.Burst:
    """Return how `count` schedules due at one instant went."""
    ground.empty()
    due = ground.soon(6 + count / 4_000)
    ground.schedules(count, due)
    with ground.scheduler(processes=processes):
        ground.wait_until(lambda: JobRun.objects.filter(status="success").count() >= count)
    return ground.ledger_burst(due)


def baseline(count: int, *, threads: int) -> ground.Burst:
    """Return the same of plain APScheduler."""
    ground.empty()
    ground.schedules(count, ground.soon(3_600))
    due = ground.soon(6 + count / 1_000)
    peer.drain(due, threads=threads, seconds=300)
    return ground.ledger_burst(due)
