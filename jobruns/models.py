"""What ran and how it went: one row for every instant of every schedule, and the processes that work on them."""

import uuid
from typing import Any

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from integrations import audit
from jobruns import notify
from jobruns.books import Bookmark, LateRun, PrunedRuns, RunSums
from jobruns.engine import dependants
from jobruns.queries import JobRunManager, SchedulerProcessQuerySet
from schedules.models import Schedule

__all__ = ["Bookmark", "JobRun", "LateRun", "PrunedRuns", "RunLogLine", "RunSums", "SchedulerProcess"]


def new_correlation_id() -> str:
    """Return a fresh random id that ties a request, its runs and their messages together."""
    return uuid.uuid4().hex


class JobRun(models.Model):
    """One attempt at one nominal instant of a schedule, or at one manual request. The table is the ledger."""

    trail_kind = "run"

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        RUNNING = "running", "Running"
        SUCCESS = "success", "Succeeded"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"
        SKIPPED = "skipped", "Skipped"
        MISSED = "missed", "Missed"

    class Reason(models.TextChoices):
        NONE = "", "–"
        OVERLAP = "overlap", "the run before it was still going"
        PAUSED = "paused", "the schedule was paused"
        BLACKOUT = "blackout", "a maintenance window was open"
        HOLIDAY = "holiday", "the calendar was closed"
        GRACE = "grace", "it came too late"
        DOWNTIME = "downtime", "no scheduler was running"
        COALESCED = "coalesced", "a newer instant stood for it"
        MAX_RUNS = "max_runs", "the schedule had its last run"
        QUOTA = "quota", "a quota was used up"
        DEPENDENCY = "dependency", "what it depends on did not happen"
        TIMEOUT = "timeout", "it ran longer than allowed"
        LOST = "lost", "its process died"
        EXPECTED = "expected", "the job said so"
        ERROR = "error", "it crashed"
        SUSPENDED = "suspended", "the right or the means to run it was gone"
        REQUESTED = "requested", "somebody asked for it"

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", "Schedule"
        MANUAL = "manual", "By hand"
        API = "api", "API"
        RETRY = "retry", "Retry"
        BACKFILL = "backfill", "Backfill"
        DEPENDENCY = "dependency", "Dependency"

    class Cancellation(models.TextChoices):
        NONE = "", "–"
        ASKED = "asked", "Asked to stop"
        FORCED = "forced", "Killed at once"

    ACTIVE = (Status.PENDING, Status.RUNNING)

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="runs", db_index=False)
    schedule_name = models.CharField(max_length=255)
    schedule_version = models.PositiveIntegerField(default=1)
    job_type = models.CharField(max_length=64)
    environment = models.CharField(max_length=50)
    params = models.JSONField(default=dict)
    scheduled_for = models.DateTimeField(help_text="The nominal instant; for a manual run the moment of the request.")
    attempt = models.PositiveSmallIntegerField(default=1)
    retry_of = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="retried_by"
    )
    trigger = models.CharField(max_length=16, choices=Trigger, default=Trigger.SCHEDULE)
    triggered_by = models.CharField(max_length=150, blank=True, default="")
    on_behalf_of = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="What its requester said; nobody checked it."
    )
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    reason = models.CharField(max_length=16, choices=Reason, blank=True, default="")
    cancellation = models.CharField(max_length=8, choices=Cancellation, blank=True, default="")
    cancelled_by = models.CharField(max_length=150, blank=True, default="")
    priority = models.PositiveSmallIntegerField(default=5)
    timeout_seconds = models.PositiveIntegerField(default=60)
    queued_at = models.DateTimeField(default=timezone.now, help_text="When the row was written.")
    available_at = models.DateTimeField(default=timezone.now, help_text="Not started before this.")
    dispatched_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was sent to the workers' broker; empty if it is to be sent."
    )
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    owner = models.CharField(max_length=64, blank=True, default="", help_text="The process that works on it.")
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    coalesced_from = models.DateTimeField(null=True, blank=True)
    coalesced_count = models.PositiveIntegerField(default=1, help_text="Instants that this row stands for.")
    correlation_id = models.CharField(max_length=64, default=new_correlation_id)
    idempotency_key = models.CharField(max_length=80)
    summary = models.TextField(blank=True, default="")
    error = models.TextField(blank=True, default="")
    traceback = models.TextField(blank=True, default="")
    metrics = models.JSONField(default=dict, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    result = models.JSONField(default=dict, blank=True)
    progress = models.JSONField(default=dict, blank=True)
    parent = models.JSONField(
        null=True,
        blank=True,
        help_text="The run that this one follows as a dependant: its id, how it ended, its result.",
    )

    objects = JobRunManager()

    class Meta:
        verbose_name = "run"
        ordering = ["-id"]
        permissions = [("cancel_jobrun", "Can cancel a run")]
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "scheduled_for"],
                condition=Q(trigger="schedule"),
                name="one_run_per_instant",
            ),
            models.UniqueConstraint(
                fields=["schedule", "scheduled_for"],
                condition=Q(trigger="backfill", status__in=["pending", "running"]),
                name="one_backfill_of_an_instant",
            ),
            models.UniqueConstraint(
                fields=["idempotency_key"],
                condition=Q(trigger="dependency"),
                name="one_run_after_a_run",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "running", "success", "failed", "cancelled", "skipped", "missed"]),
                name="run_status_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="running") | Q(lease_expires_at__isnull=False, started_at__isnull=False),
                name="running_has_lease",
            ),
        ]
        indexes = [
            models.Index(fields=["-priority", "available_at", "id"], condition=Q(status="pending"), name="run_ready"),
            models.Index(
                fields=["schedule", "status"],
                condition=Q(status__in=["pending", "running"]),
                name="run_active",
            ),
            models.Index(fields=["lease_expires_at"], condition=Q(status="running"), name="run_leases"),
            models.Index(
                fields=["dispatched_at"],
                condition=Q(dispatched_at__isnull=False, started_at__isnull=True),
                name="run_under_way",
            ),
            models.Index(fields=["schedule", "-id"], name="run_history"),
            models.Index(fields=["correlation_id"], name="run_correlation"),
            models.Index(
                fields=["-id"], condition=Q(status__in=["failed", "missed", "cancelled"]), name="run_trouble"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.schedule_name} #{self.pk}"

    @property
    def duration_seconds(self) -> float | None:
        """Return how long it ran, in seconds; None while it has not ended or never began."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()

    @property
    def is_active(self) -> bool:
        """Tell whether it waits or runs."""
        return self.status in self.ACTIVE

    def cancel(self, *, by: str, now: Any = None) -> bool:
        """Cancel a waiting run at once and ask a running one to stop; False if it has already ended."""
        mine = JobRun.objects.filter(pk=self.pk)
        with transaction.atomic():
            dependants.lock_family(self.schedule_id)
            ended = mine.filter(status=self.Status.PENDING).update(
                status=self.Status.CANCELLED,
                reason=self.Reason.REQUESTED,
                cancelled_by=by,
                finished_at=now or timezone.now(),
                summary=f"Cancelled by {by} before it started.",
            )
            if ended:
                dependants.hear([self.pk])
                Schedule.objects.complete_exhausted([self.schedule_id])
                told = notify.Ended(self.pk, self.schedule_id, self.Status.CANCELLED, self.attempt, failed_before=0)
                notify.ended([told], JobRun.objects.in_bulk)
            asked = ended or mine.filter(status=self.Status.RUNNING).update(
                cancellation=self.Cancellation.ASKED, cancelled_by=by, reason=self.Reason.REQUESTED
            )
            if asked:
                was = "pending" if ended else "running"
                became = "cancelled" if ended else "asked to stop"
                audit.record("cancel", self, by=by, before={"status": was}, after={"status": became})
        self.refresh_from_db()
        return bool(asked)


class RunLogLine(models.Model):
    """One line of a run's log, written while it runs."""

    class Level(models.TextChoices):
        DEBUG = "debug", "debug"
        INFO = "info", "info"
        WARNING = "warning", "warning"
        ERROR = "error", "error"

    run = models.ForeignKey(JobRun, on_delete=models.CASCADE, related_name="log_lines", db_index=False)
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    level = models.CharField(max_length=8, choices=Level, default=Level.INFO)
    text = models.TextField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="one_line_per_number")]

    def __str__(self) -> str:
        return self.text


class SchedulerProcess(models.Model):
    """A process that fires or executes: who it is, and when it last gave a sign of life."""

    name = models.CharField(max_length=64, unique=True, help_text="Owner of leases: host, pid and a random part.")
    host = models.CharField(max_length=255, help_text="Machine and process namespace; equal means pids compare.")
    pid = models.PositiveIntegerField()
    version = models.CharField(max_length=32)
    fires = models.BooleanField(default=True, help_text="A scheduler; a worker only executes.")
    queues = models.JSONField(
        default=list, blank=True, help_text="What a worker serves; one without queues executes any run."
    )
    slots = models.PositiveIntegerField(default=0, help_text="How many runs it executes at once.")
    busy = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    heartbeat_at = models.DateTimeField(default=timezone.now, db_index=True)
    stopped_at = models.DateTimeField(null=True, blank=True)

    objects = SchedulerProcessQuerySet.as_manager()

    class Meta:
        ordering = ["-heartbeat_at"]
        verbose_name_plural = "scheduler processes"

    def __str__(self) -> str:
        return self.name
