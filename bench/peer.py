"""The peer: plain APScheduler 3 in memory, a thread pool, one start row and one finish update a run by the ORM.

It keeps no schedule durable and knows no policies: it is what a careful team writes in an afternoon.
"""

from __future__ import annotations

import threading
import time
import uuid
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from django.db import close_old_connections
from django.utils import timezone

from jobruns.models import JobRun
from schedules.models import Schedule


def work(schedule_id: int, due: datetime) -> None:
    """Do what a run of `noop` does, with its two writes."""
    close_old_connections()
    run = JobRun.objects.create(
        schedule_id=schedule_id,
        schedule_name="peer",
        job_type="noop",
        environment="bench",
        scheduled_for=due,
        trigger="manual",
        status="running",
        started_at=timezone.now(),
        lease_expires_at=timezone.now(),
        idempotency_key=uuid.uuid4().hex,
    )
    JobRun.objects.filter(pk=run.pk).update(status="success", finished_at=timezone.now())


def drain(due: datetime, *, threads: int, seconds: float) -> float:
    """Run every schedule of the database once at `due`; return the seconds from `due` until the last has ended.

    Raises TimeoutError after `seconds`.
    """
    ids = list(Schedule.objects.values_list("pk", flat=True))
    left = threading.Semaphore(0)

    def job(schedule_id: int) -> None:
        work(schedule_id, due)
        left.release()

    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_executor(ThreadPoolExecutor(threads))
    for schedule_id in ids:
        scheduler.add_job(job, "date", [schedule_id], run_date=due, misfire_grace_time=None)
    scheduler.start()
    deadline = time.monotonic() + seconds
    for _ in ids:
        if not left.acquire(timeout=max(deadline - time.monotonic(), 0.001)):
            raise TimeoutError(f"The peer did not end {len(ids)} runs in {seconds} s.")
    took = (timezone.now() - due).total_seconds()
    scheduler.shutdown(wait=True)
    return took
