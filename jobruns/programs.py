"""Runs that another program does itself and only records here: begun, ended, listed like any other.

Such a run belongs to a schedule that never fires, one in each environment, made when it is first needed. The process
that began it holds it: when that process dies before it says how the run ended, the run is failed, lost.
"""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from integrations import audit
from jobruns.engine import endings, processes
from jobruns.models import JobRun, SchedulerProcess
from jobruns.runner import Ending
from jobtypes import registry
from schedules.models import Schedule

HOLDER = "Recorded by programs"
LONGEST = timedelta(days=1)
ENDED = (JobRun.Status.SUCCESS, JobRun.Status.FAILED)


def start(job_type: str, environment: str, attributes: dict[str, Any] | None = None) -> JobRun:
    """Record that a run has begun and return it, running and committed; it may take a day.

    `job_type` may be an alias. Raises RuntimeError inside a transaction, whose rollback would erase the record.
    """
    with transaction.atomic(durable=True):
        holder = _holder(environment)
        process, now = processes.register(0, fires=False), timezone.now()
        run: JobRun = holder.runs.create(
            schedule_name=holder.name,
            schedule_version=holder.version,
            job_type=registry.canonical(job_type),
            environment=environment,
            scheduled_for=now,
            queued_at=now,
            available_at=now,
            trigger=JobRun.Trigger.API,
            triggered_by=audit.current().actor[0],
            status=JobRun.Status.RUNNING,
            started_at=now,
            owner=process.name,
            lease_expires_at=now + LONGEST,
            timeout_seconds=holder.timeout_seconds,
            idempotency_key=f"carillon-{uuid.uuid4().hex}",
            attributes=attributes or {},
        )
    return run


def finish(
    run: JobRun,
    status: str = "success",
    error: str | None = None,
    metrics: dict[str, Any] | None = None,
    attributes_update: dict[str, Any] | None = None,
) -> JobRun:
    """Record how a run that `start` began has ended, success or failed, and return it as it is then.

    Raises ValidationError: on `status` for another word, with code "conflict" where it does not run (any more).
    """
    if status not in ENDED:
        raise ValidationError({"status": [f"A run ends success or failed, not {status}."]})
    stored = JobRun.objects.get(pk=run.pk)
    ending = Ending(
        run_id=stored.pk,
        attempt=stored.attempt,
        status=status,
        started_at=stored.started_at or timezone.now(),
        finished_at=timezone.now(),
        reason=JobRun.Reason.EXPECTED if status == JobRun.Status.FAILED else "",
        error=error or "",
        metrics=json.dumps({**stored.metrics, **(metrics or {})}),
        attributes=json.dumps({**stored.attributes, **(attributes_update or {})}),
        retry=False,
    )
    if stored.schedule_name != HOLDER or not endings.record([ending], stored.owner):
        raise ValidationError(f"Run {run.pk} is {stored.status} or not this program's own.", code="conflict")
    for process in SchedulerProcess.objects.filter(name=stored.owner):
        processes.leave(process)
    run.refresh_from_db()
    return run


def _holder(environment: str) -> Schedule:
    """Return the schedule to which the runs of programs belong in an environment."""
    here = Schedule.objects.existing().filter(name=HOLDER, environment=environment)
    if found := here.first():
        return found
    holder = Schedule(
        name=HOLDER,
        description="Never fires: holds the runs that other programs do themselves and record here.",
        environment=environment,
        job_type="noop",
        schedule_type=Schedule.Kind.MANUAL,
        overlap_policy=Schedule.Overlap.ALLOW,
        timeout_seconds=int(LONGEST.total_seconds()),
        max_retries=0,
    )
    try:
        with transaction.atomic():
            holder.store(by="")
    except ValidationError:
        if found := here.first():  # another program has just made it
            return found
        raise
    return holder
