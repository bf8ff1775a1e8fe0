"""What every benchmark stands on: schedules made in bulk, a scheduler process, and a look at the ledger."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
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


def wait_until_all_ended(count: int, *, seconds: float) -> float:
    """Wait until `count` runs succeeded and return the monotonic time; raises TimeoutError after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if JobRun.objects.filter(status="success").count() >= count:
            return time.monotonic()
        time.sleep(0.1)
    raise TimeoutError(f"Only {JobRun.objects.filter(status='success').count()} of {count} runs ended.")


def lags(due: datetime) -> list[float]:
    """Return how many seconds after `due` each run started, sorted."""
    started = JobRun.objects.filter(status="success").values_list("started_at", flat=True)
    return sorted((moment - due).total_seconds() for moment in started if moment)


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
