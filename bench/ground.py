"""What every benchmark stands on: schedules made in bulk, a scheduler process, and a look at the ledger."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from jobruns.models import JobRun
from schedules.models import Schedule


def empty() -> None:
    """Remove every schedule and run."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("TRUNCATE schedules_schedule, jobruns_jobrun, jobruns_runlogline RESTART IDENTITY CASCADE")
            return
    JobRun.objects.all().delete()
    Schedule.objects.all().delete()


def schedules(count: int, due: datetime, *, prefix: str = "bench") -> None:
    """Make `count` noop schedules whose next instant is `due`, then daily; tell the planner about them."""
    made = timezone.now()
    rows = (
        Schedule(
            name=f"{prefix}-{number}",
            environment="bench",
            job_type="noop",
            schedule_type="cron",
            cron_expression=f"{due.minute} {due.hour} * * *",
            timeout_seconds=60,
            max_retries=0,
            anchor_at=made,
            next_run_at=due,
            usual_seconds=0.001,
        )
        for number in range(count)
    )
    Schedule.objects.bulk_create(rows, batch_size=2_000)
    analyse()


def analyse() -> None:
    """Give the planner statistics, as autovacuum would within a minute."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE schedules_schedule")
            cursor.execute("VACUUM ANALYZE jobruns_jobrun")


@contextmanager
def scheduler(*, processes: int = 4) -> Iterator[subprocess.Popen[bytes]]:
    """Run a scheduler process; it is stopped, and killed if it does not stop, at the end."""
    command = [sys.executable, "manage.py", "runscheduler", "--processes", str(processes), "--log-level", "WARNING"]
    process = subprocess.Popen(command, env={**os.environ, "DJANGO_SETTINGS_MODULE": "scheduler_site.settings"})
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_until(holds: Callable[[], bool], *, seconds: float = 600) -> float:
    """Wait until `holds()` and return the time then, in seconds of the epoch; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"It did not happen within {seconds:.0f} s.")
        time.sleep(0.1)
    return time.time()


@dataclass(frozen=True, slots=True)
class Burst:
    """How runs due at one instant went: median and 99th percentile of the lag of their starts (seconds), and how many
    ended a second, counted from the instant."""

    median: float
    p99: float
    drain: float

    @classmethod
    def of(cls, lags: list[float], took: float) -> Burst:
        """Return the figures for lags in any order, the last run having ended `took` seconds after the instant."""
        lags = sorted(lags)
        return cls(percentile(lags, 0.5), percentile(lags, 0.99), len(lags) / took)


def ledger_burst(due: datetime) -> Burst:
    """Return how the runs in the ledger went that were due at `due`."""
    runs = JobRun.objects.filter(status="success").values_list("started_at", "finished_at")
    times = [(started, ended) for started, ended in runs if started and ended]
    lags = [(started - due).total_seconds() for started, _ in times]
    return Burst.of(lags, (max(ended for _, ended in times) - due).total_seconds())


def span() -> float:
    """Return the seconds between the first start and the last end in the ledger."""
    runs = JobRun.objects.filter(status="success")
    first = runs.order_by("started_at").values_list("started_at", flat=True)[0]
    last = runs.order_by("-finished_at").values_list("finished_at", flat=True)[0]
    return (last - first).total_seconds()  # type: ignore[operator]


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` of the sorted `values` lie."""
    return values[min(int(len(values) * share), len(values) - 1)]


def middle(values: list[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def soon(seconds: float = 8.0) -> datetime:
    """Return an instant a little ahead, without microseconds."""
    return timezone.now().replace(microsecond=0) + timedelta(seconds=seconds)
