"""Many schedules due at one instant: how fast the ledger is written, how late runs start, how fast they drain."""

from __future__ import annotations

import time

from bench import ground, peer
from jobruns.engine import ledger
from jobruns.models import JobRun


def ledger_rate(count: int) -> float:
    """Return how many fires a second `fire_due` writes when `count` schedules are due."""
    ground.empty()
    ground.schedules(count, ground.soon(0))
    begin = time.perf_counter()
    while ledger.fire_due().schedules:
        pass
    took = time.perf_counter() - begin
    written = JobRun.objects.count()
    if written != count:
        raise AssertionError(f"{written} rows were written for {count} fires.")
    return count / took


def carillon(count: int, *, processes: int) -> dict[str, float]:
    """Return lag_p50, lag_p99 (seconds after the instant) and drain (runs a second, from the instant)."""
    ground.empty()
    due = ground.soon(6 + count / 4_000)
    ground.schedules(count, due)
    with ground.scheduler(processes=processes):
        ground.wait_until_all_ended(count, seconds=300)
    late = ground.lags(due)
    last = JobRun.objects.order_by("-finished_at").values_list("finished_at", flat=True)[0]
    return {
        "lag_p50": ground.percentile(late, 0.5),
        "lag_p99": ground.percentile(late, 0.99),
        "drain": count / (last - due).total_seconds(),
    }


def baseline(count: int, *, threads: int) -> dict[str, float]:
    """Return the same of the peer."""
    ground.empty()
    ground.schedules(count, ground.soon(3_600))
    due = ground.soon(6 + count / 1_000)
    took = peer.drain(due, threads=threads, seconds=300)
    late = ground.lags(due)
    return {
        "lag_p50": ground.percentile(late, 0.5),
        "lag_p99": ground.percentile(late, 0.99),
        "drain": count / took,
    }
