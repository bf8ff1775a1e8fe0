"""Pending runs that only wait to be executed: how many a second end."""

from __future__ import annotations

from bench import ground
from jobruns.engine import ledger
from jobruns.models import JobRun


def carillon(count: int, *, processes: int) -> float:
    """Return runs a second for `count` pending runs, from the first start to the last end."""
    ground.empty()
    ground.schedules(count, ground.soon(0))
    while ledger.fire_due().schedules:
        pass
    ground.analyse()
    with ground.scheduler(processes=processes):
        ground.wait_until(lambda: JobRun.objects.filter(status="success").count() >= count)
    return count / ground.span()
