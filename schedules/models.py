"""What should run and when: intent. Every rule about a schedule is in `Schedule.clean()` or a database constraint."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from schedules import rules
from schedules.queries import ScheduleQuerySet
from schedules.timing import Timing, next_instant


def default_environment() -> str:
    return settings.DEFAULT_ENVIRONMENT


def default_timezone() -> str:
    return settings.SCHEDULER_TIMEZONE


def default_grace() -> int:
    return settings.SCHEDULER_MISFIRE_GRACE_TIME


def default_instances() -> int:
    return settings.SCHEDULER_MAX_INSTANCES


def default_retries() -> int:
    return settings.DEFAULT_MAX_RETRIES


def default_retry_delay() -> int:
    return settings.DEFAULT_RETRY_DELAY


class Schedule(models.Model):
    """One piece of recurring work: what to do, when, and what to do when things go wrong."""

    class Kind(models.TextChoices):
        CRON = "cron", "Cron expression"
        INTERVAL = "interval", "Interval"
        ONE_TIME = "one_time", "Once"
        IMMEDIATE = "immediate", "At once"
        MANUAL = "manual", "Only by hand"

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        COMPLETED = "completed", "Completed"
        SUSPENDED = "suspended", "Suspended"
        DELETED = "deleted", "Deleted"

    class Overlap(models.TextChoices):
        SKIP = "skip", "Skip the new one"
        BUFFER_ONE = "buffer_one", "Wait, keep one"
        BUFFER_ALL = "buffer_all", "Wait, keep all"
        CANCEL_OTHER = "cancel_other", "Ask the old one to stop"
        TERMINATE_OTHER = "terminate_other", "Kill the old one"
        ALLOW = "allow", "Run both"

    class Misfire(models.TextChoices):
        LATEST = "latest", "Run the newest"
        ALL = "all", "Run all"
        SKIP = "skip", "Run none"

    class Catchup(models.TextChoices):
        NONE = "none", "Run none of them"
        LATEST = "latest", "Run the newest"
        ALL = "all", "Run all"

    class Backoff(models.TextChoices):
        EXPONENTIAL = "exponential", "Exponential"
        FIXED = "fixed", "Fixed"

    name = models.CharField(max_length=255, help_text="Unique among the schedules of its environment.")
    description = models.TextField(max_length=1000, blank=True, default="")
    environment = models.CharField(max_length=50, default=default_environment)
    tags = models.JSONField(default=list, blank=True, help_text="Up to 20 words.")

    job_type = models.CharField(max_length=64)
    params = models.JSONField(default=dict, blank=True)

    schedule_type = models.CharField("timing", max_length=16, choices=Kind, default=Kind.CRON)
    cron_expression = models.CharField(
        max_length=1000, blank=True, default="", help_text="Minute, hour, day of month, month, day of week."
    )
    interval_seconds = models.PositiveIntegerField(null=True, blank=True)
    scheduled_at = models.DateTimeField(null=True, blank=True, help_text="When it runs once.")
    anchor_at = models.DateTimeField(
        null=True, blank=True, help_text="Intervals are counted from here; the moment of creation if empty."
    )
    timezone = models.CharField("time zone", max_length=64, default=default_timezone, help_text="An IANA name.")
    start_at = models.DateTimeField(null=True, blank=True, help_text="Nothing fires before this.")
    end_at = models.DateTimeField(null=True, blank=True, help_text="Nothing fires after this.")
    max_runs = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Completed after that many fires."
    )
    jitter_seconds = models.PositiveIntegerField(
        default=0,
        validators=[MaxValueValidator(3600)],
        help_text="Each start is put off by up to this, always the same for one instant.",
    )

    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=500, blank=True, default="")
    status_changed_at = models.DateTimeField(null=True, blank=True)
    status_changed_by = models.CharField(max_length=150, blank=True, default="")
    paused_until = models.DateTimeField(null=True, blank=True, help_text="Resumes by itself at this moment.")
    pause_started_at = models.DateTimeField(null=True, blank=True)
    pause_ended_at = models.DateTimeField(null=True, blank=True)
    pause_catchup = models.CharField(max_length=8, choices=Catchup, default=Catchup.NONE)

    priority = models.PositiveSmallIntegerField(
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(10)],
        help_text="1 (low) to 10 (high): who goes first when slots are scarce.",
    )
    overlap_policy = models.CharField(max_length=16, choices=Overlap, default=Overlap.SKIP)
    max_instances = models.PositiveIntegerField(
        default=default_instances,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="How many may run at once where both may run; every other rule keeps to one.",
    )
    misfire_policy = models.CharField(max_length=8, choices=Misfire, default=Misfire.LATEST)
    misfire_grace_seconds = models.PositiveIntegerField(
        default=default_grace,
        validators=[MaxValueValidator(86_400)],
        help_text="A fire that comes no later than this is on time.",
    )
    catchup_limit = models.PositiveIntegerField(
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="At most so many missed instants are run after downtime.",
    )
    timeout_seconds = models.PositiveIntegerField(
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(86_400)],
        help_text="A run is killed after this. Empty: what its job type proposes.",
    )
    max_retries = models.PositiveSmallIntegerField(
        blank=True, validators=[MaxValueValidator(10)], help_text="Tries after the first one."
    )
    retry_delay_seconds = models.PositiveIntegerField(
        default=default_retry_delay, validators=[MaxValueValidator(3600)]
    )
    retry_backoff = models.CharField(max_length=16, choices=Backoff, default=Backoff.EXPONENTIAL)

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_by = models.CharField(max_length=150, blank=True, default="")
    updated_by = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1)

    # Written by the engine, never by an edit.
    next_run_at = models.DateTimeField(null=True, blank=True)
    last_scheduled_for = models.DateTimeField(null=True, blank=True)
    last_run_at = models.DateTimeField(null=True, blank=True)
    last_run_id = models.BigIntegerField(null=True, blank=True)
    last_status = models.CharField(max_length=16, blank=True, default="")
    fire_count = models.PositiveBigIntegerField(default=0)
    total_runs = models.PositiveBigIntegerField(default=0)
    successful_runs = models.PositiveBigIntegerField(default=0)
    failed_runs = models.PositiveBigIntegerField(default=0)
    consecutive_failures = models.PositiveIntegerField(default=0)
    usual_seconds = models.FloatField(null=True, blank=True, help_text="Moving average of how long a run takes.")

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        permissions = [
            ("trigger_schedule", "Can run a schedule now"),
            ("pause_schedule", "Can pause and resume a schedule"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "name"],
                condition=~Q(status="deleted"),
                name="one_name_per_environment",
            ),
            models.CheckConstraint(
                condition=Q(schedule_type__in=["cron", "interval", "one_time", "immediate", "manual"]),
                name="schedule_type_is_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["active", "paused", "completed", "suspended", "deleted"]),
                name="schedule_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(next_run_at__isnull=True) | Q(status="active"), name="only_active_ones_are_due"
            ),
            models.CheckConstraint(condition=Q(priority__gte=1, priority__lte=10), name="priority_1_to_10"),
            models.CheckConstraint(
                condition=~Q(schedule_type="interval") | Q(interval_seconds__gte=1),
                name="interval_has_seconds",
            ),
            models.CheckConstraint(
                condition=~Q(schedule_type="cron") | ~Q(cron_expression=""), name="cron_has_expression"
            ),
        ]
        indexes = [
            models.Index(fields=["next_run_at", "id"], condition=Q(next_run_at__isnull=False), name="schedule_due"),
            models.Index(fields=["paused_until"], condition=Q(paused_until__isnull=False), name="schedule_resumes"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def enabled(self) -> bool:
        """Tell whether the schedule fires: the API's word for an active one."""
        return self.status == self.Status.ACTIVE

    @property
    def is_deleted(self) -> bool:
        """Tell whether it was deleted; its history stays."""
        return self.status == self.Status.DELETED

    @property
    def timing(self) -> Timing:
        """Return when it fires, as the pure evaluator wants it; raises TimingError if that cannot be read."""
        return Timing(
            kind=self.schedule_type,
            cron=self.cron_expression,
            interval_seconds=self.interval_seconds or 0,
            at=self.scheduled_at,
            anchor=self.anchor_at,
            zone=self.timezone,
            start=self.start_at,
            end=self.end_at,
            seed=self.seed_of(self.environment, self.name, self.cron_expression),
        )

    @staticmethod
    def seed_of(environment: str, name: str, cron_expression: str) -> str:
        """Return what spreads Jenkins' H: the schedule's name, known before it is saved; empty where no H is used."""
        return f"{environment}/{name}" if "H" in cron_expression else ""

    @property
    def upcoming_at(self) -> datetime | None:
        """Return the next instant that lies ahead, also while the engine still settles instants behind it."""
        now = timezone.now()
        if self.next_run_at is None or self.next_run_at > now:
            return self.next_run_at
        return next_instant(self.timing, now)

    def clean(self) -> None:
        """Refuse what makes no sense and fill in what the job type proposes; raises ValidationError by field."""
        errors: dict[str, list[str]] = {}
        rules.check_texts(self, errors)
        rules.check_timing(self, errors)
        rules.check_job(self, errors)
        if errors:
            raise ValidationError(errors)

    def store(self, *, by: str) -> None:
        """Check and save a new or edited schedule under the lock that firing takes; nothing fires by an edit.

        `version` goes up by one and the next instant is computed anew, unless one is already due: the engine settles
        that one first, so no instant is lost. Raises ValidationError by field.
        """
        with transaction.atomic():
            now = timezone.now()
            if self._state.adding:
                self.created_by = self.created_by or by
                if self.schedule_type == self.Kind.IMMEDIATE:
                    self.scheduled_at = now.replace(microsecond=0)
                self.anchor_at = self.anchor_at or now.replace(microsecond=0)
            else:
                self._take_engine_columns()
                self.version += 1
            self.updated_by = by
            self.full_clean()
            self._plan(now)
            self.save()

    def pause(self, *, by: str, reason: str = "", until: datetime | None = None) -> None:
        """Stop firing; instants from now on are recorded as paused when it resumes. Pausing twice is allowed."""
        with transaction.atomic():
            self._take_engine_columns()
            self._refuse_unless(self.Status.ACTIVE, self.Status.PAUSED, verb="paused")
            now = timezone.now()
            if until is not None and until <= now:
                raise ValidationError({"until": ["This moment has passed; choose one ahead."]})
            if self.status == self.Status.ACTIVE:
                self.pause_started_at = min(now, self.next_run_at or now)
            self._enter(self.Status.PAUSED, by=by, reason=reason, now=now)
            self.paused_until = until
            self._save_state()

    def resume(self, *, by: str, missed: str = "none", at: datetime | None = None) -> None:
        """Fire again. `missed` says what becomes of the instants in between: none, latest or all of them run."""
        if missed not in self.Catchup.values:
            raise ValidationError({"missed": [f"Choose one of {', '.join(self.Catchup.values)}."]})
        with transaction.atomic():
            self._take_engine_columns()
            self._refuse_unless(self.Status.ACTIVE, self.Status.PAUSED, self.Status.SUSPENDED, verb="resumed")
            if self.status == self.Status.ACTIVE:
                return
            now = at or timezone.now()
            self.full_clean()
            since = self.pause_started_at or now
            self.pause_started_at, self.pause_ended_at, self.pause_catchup = since, now, missed
            self._enter(self.Status.ACTIVE, by=by, reason="", now=now)
            self.next_run_at = next_instant(self.timing, since - timedelta(microseconds=1))
            self._save_state()

    def suspend(self, *, reason: str) -> None:
        """Stop firing because the right or the means to run is gone; a person must resume it."""
        with transaction.atomic():
            self._take_engine_columns()
            now = timezone.now()
            self.pause_started_at = min(now, self.next_run_at or now)
            self._enter(self.Status.SUSPENDED, by="", reason=reason, now=now)
            self._save_state()

    def discard(self, *, by: str) -> None:
        """Delete it softly: it never fires again, its name is free, its history stays."""
        with transaction.atomic():
            self._take_engine_columns()
            self._enter(self.Status.DELETED, by=by, reason="", now=timezone.now())
            self._save_state()
            self.runs.withdraw(by=by)

    def _plan(self, now: datetime) -> None:
        """Set the next instant of an active schedule; one that is already due is kept for the engine to settle."""
        if self.status == self.Status.COMPLETED and next_instant(self.timing, now) is not None:
            self.status = self.Status.ACTIVE
        if self.status != self.Status.ACTIVE:
            self.next_run_at = None
            return
        if self.next_run_at is not None and self.next_run_at <= now:
            return
        after = now
        if self._state.adding and self.schedule_type == self.Kind.IMMEDIATE and self.scheduled_at is not None:
            after = self.scheduled_at - timedelta(seconds=1)
        if self.last_scheduled_for is not None:
            after = max(after, self.last_scheduled_for)
        self.next_run_at = next_instant(self.timing, after)

    def _take_engine_columns(self) -> None:
        """Lock the row and take over what the engine may have written since this object was read."""
        stored = Schedule.objects.select_for_update().get(pk=self.pk)
        for name in ENGINE_COLUMNS:
            setattr(self, name, getattr(stored, name))

    def _refuse_unless(self, *allowed: str, verb: str) -> None:
        if self.status not in allowed:
            raise ValidationError(
                f"{self.name} is {self.get_status_display().lower()} and cannot be {verb}.", code="conflict"
            )

    def _enter(self, status: str, *, by: str, reason: str, now: datetime) -> None:
        self.status, self.status_reason = status, reason
        self.status_changed_at, self.status_changed_by = now, by
        self.paused_until = self.next_run_at = None

    def _save_state(self) -> None:
        self.version += 1
        self.save(update_fields=[*STATE_COLUMNS, "version", "updated_at"])


STATE_COLUMNS = [
    "status",
    "status_reason",
    "status_changed_at",
    "status_changed_by",
    "paused_until",
    "pause_started_at",
    "pause_ended_at",
    "pause_catchup",
    "next_run_at",
]
ENGINE_COLUMNS = [
    *STATE_COLUMNS,
    "version",
    "last_scheduled_for",
    "last_run_at",
    "last_run_id",
    "last_status",
    "fire_count",
    "total_runs",
    "successful_runs",
    "failed_runs",
    "consecutive_failures",
    "usual_seconds",
]
