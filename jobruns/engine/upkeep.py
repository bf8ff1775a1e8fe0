"""Rare housekeeping, kept in django-apscheduler's store so that a restart does not lose it."""

from __future__ import annotations

from datetime import timedelta

from apscheduler.schedulers.base import BaseScheduler
from apscheduler.triggers.cron import CronTrigger
from django.db import close_old_connections
from django.utils import timezone
from django_apscheduler.models import DjangoJobExecution

from integrations.models import KeptAnswer
from jobruns.models import SchedulerProcess


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
    """Remove processes that ended or fell silent a week ago, and answers kept for repeated requests."""
    close_old_connections()
    now = timezone.now()
    SchedulerProcess.objects.filter(heartbeat_at__lt=now - timedelta(days=7)).delete()
    KeptAnswer.objects.outdated(now).delete()
    DjangoJobExecution.objects.delete_old_job_executions(7 * 86_400)
