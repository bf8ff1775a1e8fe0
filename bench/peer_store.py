"""The peer that keeps its schedules: APScheduler 3 with django-apscheduler's store and its rows of executions.

Set up as its documentation says: one cron job a schedule, a thread pool. Adding jobs one by one is not measured.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from django.db import connection
from django_apscheduler.jobstores import DjangoJobStore
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from bench import ground

STARTED: list[float] = []
PER_SECOND = 40  # jobs that it certainly adds in a second, on a busy machine too


def work() -> None:
    """Do nothing but note when: its store writes the rows of an execution itself."""
    STARTED.append(time.time())


def burst(count: int, *, threads: int) -> ground.Burst:
    """Return how `count` jobs due at one instant went."""
    STARTED.clear()
    DjangoJob.objects.all().delete()
    due = ground.soon(5 + count / PER_SECOND)
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_executor(ThreadPoolExecutor(threads))
    scheduler.add_jobstore(DjangoJobStore())
    scheduler.start()
    trigger = CronTrigger(second=due.second, minute=due.minute, hour=due.hour, timezone=UTC)
    for number in range(count):
        scheduler.add_job(work, trigger, id=f"bench-{number}", misfire_grace_time=None, max_instances=1)
    if datetime.now(UTC) >= due:
        raise TimeoutError(f"{count} jobs were not added in time.")
    ended = ground.wait_until(lambda: DjangoJobExecution.objects.filter(status="Executed").count() >= count)
    scheduler.shutdown(wait=True)
    DjangoJob.objects.all().delete()
    connection.close()
    return ground.Burst.of([moment - due.timestamp() for moment in STARTED], ended - due.timestamp())
