"""Rare housekeeping, kept in django-apscheduler's store so that a restart does not lose it."""

from __future__ import annotations

from datetime import timedelta

import structlog
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.triggers.cron import CronTrigger
from django.db import close_old_connections
from django.utils import timezone
from django_apscheduler.models import DjangoJobExecution

from jobruns.models import SchedulerProcess

log = structlog.get_logger(__name__)


def register(scheduler: BaseScheduler) -> None:
    """Add the housekeeping jobs that are not in the store yet; doing one twice does no harm."""
    scheduler.add_job(
        forget_old_processes,
        CronTrigger(hour=3, minute=17, timezone="UTC"),
        id="forget_old_processes",
        jobstore="upkeep",
        executor="upkeep",
        replace_existing=True,
        misfire_grace_time=86_400,
        coalesce=True,
        max_instances=1,
    )


def forget_old_processes() -> None:
    """Remove the rows of processes that ended or fell silent more than a week ago."""
    close_old_connections()
    week_ago = timezone.now() - timedelta(days=7)
    SchedulerProcess.objects.filter(heartbeat_at__lt=week_ago).delete()
    DjangoJobExecution.objects.delete_old_job_executions(7 * 86_400)
