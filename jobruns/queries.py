"""What one may ask of runs and processes; views, API and commands ask here and filter nowhere else."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone

from integrations import audit
from integrations.access import elsewhere
from jobruns.history import HistoryQuerySet
from jobtypes import registry
from jobtypes.base import InvalidParams
from schedules.wakeup import wake_schedulers

if TYPE_CHECKING:
    from jobruns.models import JobRun, SchedulerProcess  # noqa: F401
    from schedules.models import Schedule

FRESH = timedelta(seconds=15)


class JobRunQuerySet(HistoryQuerySet):
    def active(self) -> JobRunQuerySet:
        """Return runs that wait or run."""
        return self.filter(status__in=["pending", "running"])

    def ready(self, now: datetime) -> JobRunQuerySet:
        """Return runs that may start at `now`."""
        return self.filter(status="pending", available_at__lte=now)

    def unserved(self, since: datetime, served: set[str] | None) -> JobRunQuerySet:
        """Return runs that are ready since `since` in queues that are not `served`; None serves any."""
        if served is None:
            return self.none()
        return self.ready(since).exclude(schedule__queue__in=served).order_by("available_at")

    def running(self) -> JobRunQuerySet:
        """Return runs that run now."""
        return self.filter(status="running")

    def ended(self) -> JobRunQuerySet:
        """Return runs that reached an ending, whichever."""
        return self.exclude(status__in=["pending", "running"])

    def concluded(self) -> JobRunQuerySet:
        """Return the last attempts at what was fired or asked for: ended, not tried again, not of a backfill."""
        ended = self.regular().filter(status__in=["success", "failed", "cancelled"])
        return ended.filter(retried_by=None)

    def make_way(self, *, how: str, now: datetime) -> None:
        """Cancel what waits and stop what runs for a newer run; `how` is "asked" (stop) or "forced" (kill)."""
        self.filter(status="pending").update(
            status="cancelled", reason="overlap", finished_at=now, summary="A newer run took its place."
        )
        self.filter(status="running").update(
            cancellation=how, reason="overlap", cancelled_by="the run that takes its place"
        )

    def regular(self) -> JobRunQuerySet:
        """Return runs that are not part of a backfill."""
        return self.exclude(trigger="backfill")

    def backfills(self) -> JobRunQuerySet:
        """Return runs of backfills, their retries included, in the order in which they were asked for."""
        return self.filter(trigger="backfill").order_by("id")

    def at_instants(self, instants: Sequence[datetime]) -> JobRunQuerySet:
        """Return attempts at these instants, oldest first; what was asked for by hand is at none."""
        found = self.filter(scheduled_for__in=instants, trigger__in=["schedule", "retry", "backfill"])
        return found.order_by("id")

    def settling(self, at: datetime) -> JobRun | None:
        """Return the row that accounts for the instant `at` of one schedule: its own, or the stretch it lies in."""
        row = self.filter(trigger="schedule", scheduled_for__gte=at).order_by("scheduled_for").first()
        if row is None or at < (row.coalesced_from or row.scheduled_for):
            return None
        return row

    def following(self, at: datetime) -> JobRun | None:
        """Return the row of one schedule that followed a parent's run for the second `at`."""
        second = self.filter(scheduled_for__gte=at, scheduled_for__lt=at + timedelta(seconds=1))
        return second.filter(trigger="dependency").order_by("id").first()

    def overdue(self, now: datetime) -> JobRunQuerySet:
        """Return running runs whose lease has run out at `now`."""
        return self.filter(status="running", lease_expires_at__lt=now)

    def add_to_results(self, added: Mapping[int, Mapping[str, Any]], runs: Mapping[int, JobRun]) -> None:
        """Add to the results of `runs`, given by their ids, what their job type made of them."""
        for run_id, more in added.items():
            runs[run_id].result = {**runs[run_id].result, **more}
        self.bulk_update([runs[run_id] for run_id in added], ["result"])

    def turn_away(self) -> int:
        """Skip those that wait, because their schedule was suspended; return how many."""
        return self.filter(status="pending").update(
            status="skipped",
            reason="suspended",
            finished_at=timezone.now(),
            summary="The schedule was suspended before it started.",
        )

    def withdraw(self, *, by: str, why: str) -> int:
        """Cancel those that wait, `why` ending the sentence that says so; return how many."""
        return self.filter(status="pending").update(
            status="cancelled",
            reason="requested",
            cancelled_by=by,
            finished_at=timezone.now(),
            summary=f"Cancelled by {by}: {why}",
        )


class JobRunManager(models.Manager.from_queryset(JobRunQuerySet)):  # type: ignore[misc]
    """Also reached as `schedule.runs`; only there can a run be requested."""

    instance: Schedule

    def accepted(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the schedule's parameters with `params` over them, if a run with these may be requested now.

        Raises ValidationError: by field where they are refused, with code "conflict" where the schedule is suspended
        or deleted.
        """
        schedule = self.instance
        if schedule.status in {"suspended", "deleted"}:
            sentence = f"{schedule.name} is {schedule.get_status_display().lower()} and cannot be run."
            raise ValidationError(sentence, code="conflict")
        merged = {**schedule.params, **params}
        try:
            registry.validate(schedule.job_type, merged, environment=schedule.environment)
            if params and params != schedule.params:
                self._refuse_foreign(registry.places(schedule.job_type, merged))
        except InvalidParams as refused:
            raise ValidationError({"params": refused.sentences()}) from None
        return merged

    def _refuse_foreign(self, places: set[str]) -> None:
        """Refuse parameters by which a user would read an environment that does not exist for him."""
        user = audit.current().user
        for place in sorted(places) if user is not None and user.is_authenticated else ():
            if sentence := elsewhere(user, place):
                raise ValidationError({"params": [f"environment: {sentence}"]})

    def request(
        self,
        *,
        by: str,
        trigger: str = "manual",
        params: dict[str, Any] | None = None,
        correlation_id: str = "",
        act: str = "trigger",
    ) -> JobRun:
        """Ask for a run of this schedule now and return it, pending; the schedule's next instant stays as it is.

        `params` replace the schedule's own, key by key, for this run only. A run of its own identity: asking twice
        makes two. The audit trail calls it `act`: "retry" where a run is repeated. Raises
        ValidationError: by field where the parameters are refused, with code "conflict" where the schedule is
        suspended or deleted.
        """
        with transaction.atomic():
            schedule = self.instance
            stored = type(schedule).objects.select_for_update(no_key=True).only("status").get(pk=schedule.pk)
            schedule.status = stored.status
            run = self._create(
                by=by, trigger=trigger, params=self.accepted(params or {}), correlation_id=correlation_id
            )
            own = {name: value for name, value in (params or {}).items() if value != schedule.params.get(name)}
            audit.record(act, schedule, by=by, after={"run_id": run.pk, **({"params": own} if own else {})})
            return run

    def start_job_run(self, job_type: str, environment: str, attributes: dict[str, Any] | None = None) -> JobRun:
        """Record that a program has begun a run of its own, and return it, running and committed."""
        from jobruns import programs  # it stands on the models, which stand on this module

        return programs.start(job_type, environment, attributes)

    def finish_job_run(
        self,
        job: JobRun,
        status: str = "success",
        error: str | None = None,
        metrics: dict[str, Any] | None = None,
        attributes_update: dict[str, Any] | None = None,
    ) -> JobRun:
        """Record how a run of a program's own ended, success or failed; raises ValidationError if it has before."""
        from jobruns import programs  # as above

        return programs.finish(job, status, error, metrics, attributes_update)

    def get_recent_job_runs(
        self, job_type: str | None = None, environment: str | None = None, limit: int = 50
    ) -> list[JobRun]:
        """Return the newest runs first, at most `limit`, of a job type (or an alias of one) and an environment."""
        found = self.order_by("-pk")
        if job_type:
            found = found.filter(job_type=registry.canonical(job_type))
        if environment:
            found = found.filter(environment=environment)
        return list(found[: max(0, limit)])

    def _create(self, *, by: str, trigger: str, params: dict[str, Any], correlation_id: str) -> JobRun:
        schedule, now = self.instance, timezone.now()
        run: JobRun = self.create(
            schedule_name=schedule.name,
            schedule_version=schedule.version,
            job_type=schedule.job_type,
            environment=schedule.environment,
            params=params,
            scheduled_for=now,
            available_at=now,
            queued_at=now,
            trigger=trigger,
            triggered_by=by,
            on_behalf_of=audit.current().note[:200],
            priority=schedule.priority,
            timeout_seconds=schedule.timeout_seconds,
            idempotency_key=f"carillon-{uuid.uuid4().hex}",
            **({"correlation_id": correlation_id} if correlation_id else {}),
        )
        wake_schedulers()
        return run


class SchedulerProcessQuerySet(models.QuerySet["SchedulerProcess"]):
    def alive(self, now: datetime | None = None) -> SchedulerProcessQuerySet:
        """Return processes that gave a sign of life in the last 15 seconds, schedulers and workers."""
        return self.filter(stopped_at__isnull=True, heartbeat_at__gte=(now or timezone.now()) - FRESH)

    def served(self) -> set[str] | None:
        """Return the queues that these processes execute runs of, none if they execute none; None means any queue."""
        serving = list(self.filter(slots__gt=0).values_list("queues", flat=True)[:1000])
        return {name for names in serving for name in names} if all(serving) else None
