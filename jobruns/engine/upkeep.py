"""Housekeeping: the rare jobs in django-apscheduler's store, so that a restart does not lose them, and the sums."""

from __future__ import annotations

import threading
from datetime import timedelta

import structlog
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.triggers.cron import CronTrigger
from django.conf import settings
from django.db import Error, close_old_connections, connection
from django.utils import timezone
from django_apscheduler.models import DjangoJobExecution

from integrations.models import KeptAnswer
from jobruns import digests, retention, rollups
from jobruns.engine import settling, sql
from jobruns.models import SchedulerProcess

log = structlog.get_logger(__name__)

PAUSE = 20.0  # seconds between additions to the sums
stopping = threading.Event()  # the jobs in the store are found by name, so what stops them is known by name as well


def register(scheduler: BaseScheduler) -> None:
    """Add the housekeeping jobs that are not in the store yet; doing one twice does no harm."""
    scheduler.add_job(
        forget_what_is_old,
        CronTrigger(hour=3, minute=17, timezone="UTC"),
        id="forget_what_is_old",
        jobstore="upkeep",
        executor="upkeep",
        replace_existing=True,
        misfire_grace_time=86_400,
        coalesce=True,
        max_instances=1,
    )


def forget_what_is_old() -> None:
    """Remove runs past their retention, processes that fell silent a week ago, and answers kept for repetitions."""
    close_old_connections()
    now = timezone.now()
    SchedulerProcess.objects.filter(heartbeat_at__lt=now - timedelta(days=7)).delete()
    KeptAnswer.objects.outdated(now).delete()
    DjangoJobExecution.objects.delete_old_job_executions(7 * 86_400)
    try:
        done = retention.prune(now - timedelta(days=settings.RUN_RETENTION_DAYS), now=now, stopped=stopping.wait)
        log.info("old runs pruned", runs=done.runs, deliveries=done.deliveries, complete=done.complete)
    except Error as error:
        log.warning("pruning goes on tomorrow, database away", error=str(error).strip())
        connection.close()


class Bookkeeper:
    """Adds runs that ended to the sums, writes digests and tends what remembers, in a thread of its own.

    One process at a time does each of these.
    """

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._keep, name="bookkeeper", daemon=True)

    def start(self) -> None:
        """Start keeping the sums."""
        self.thread.start()

    def stop(self) -> None:
        """End after the batch under way."""
        self.stopping.set()
        self.thread.join(5)

    def _keep(self) -> None:
        while not self.stopping.wait(PAUSE):
            try:
                close_old_connections()
                while not self.stopping.is_set() and rollups.advance(sql.now()):
                    pass
                digests.post_due(sql.now())
                settling.tend(sql.now())
            except Error as error:
                log.info("the sums wait, database away", error=str(error).strip())
                connection.close()
        connection.close()
