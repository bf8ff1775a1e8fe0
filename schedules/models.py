"""What should run and when: intent. Every rule about a schedule is in `Schedule.clean()` or a database constraint."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from schedules import defaults, own_channels, rules, standing
from schedules.calendars.models import Calendar, CalendarVersion, OnCalendar
from schedules.definition import Defined
from schedules.dependencies import Dependency, Wanted, forget_rounds, replace_parents
from schedules.files.models import RefusedFile
from schedules.lifecycle import Lifecycle
from schedules.limits import TagLimit
from schedules.patterns.models import Origin, Template, TemplateVersion
from schedules.queries import ScheduleQuerySet
from schedules.telling import Telling
from schedules.timing import Timing, next_instant
from schedules.wakeup import wake_schedulers

__all__ = [
    "Calendar",
    "CalendarVersion",
    "Dependency",
    "Origin",
    "RefusedFile",
    "Schedule",
    "TagLimit",
    "Template",
    "TemplateVersion",
]


class Schedule(OnCalendar, Telling, Defined, Lifecycle):
    """One piece of recurring work: what to do, when, and what to do when things go wrong."""

    class Kind(models.TextChoices):
        CRON = "cron", "Cron expression"
        INTERVAL = "interval", "Interval"
        ONE_TIME = "one_time", "Once"
        IMMEDIATE = "immediate", "At once"
        MANUAL = "manual", "Only by hand"

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

    class Backoff(models.TextChoices):
        EXPONENTIAL = "exponential", "Exponential"
        FIXED = "fixed", "Fixed"

    name = models.CharField(max_length=255, help_text="Unique among the schedules of its environment.")
    description = models.TextField(max_length=1000, validators=[MaxLengthValidator(1000)], blank=True, default="")
    environment = models.CharField(max_length=50, default=defaults.environment)
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
    timezone = models.CharField("time zone", max_length=64, default=defaults.timezone, help_text="An IANA name.")
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

    priority = models.PositiveSmallIntegerField(
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(10)],
        help_text="1 (low) to 10 (high): who goes first when slots are scarce.",
    )
    queue = models.CharField(
        max_length=64,
        default="carillon",
        validators=[
            RegexValidator(
                r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z",
                "Letters, digits, dots, dashes and underscores; first a letter or digit.",
            )
        ],
        help_text="Which Celery workers execute it; without Celery only a label.",
    )
    overlap_policy = models.CharField(max_length=16, choices=Overlap, default=Overlap.SKIP)
    max_instances = models.PositiveIntegerField(
        default=defaults.instances,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="How many may run at once where both may run; every other rule keeps to one.",
    )
    misfire_policy = models.CharField(max_length=8, choices=Misfire, default=Misfire.LATEST)
    misfire_grace_seconds = models.PositiveIntegerField(
        default=defaults.grace,
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
        default=defaults.retry_delay, validators=[MaxValueValidator(3600)]
    )
    retry_backoff = models.CharField(max_length=16, choices=Backoff, default=Backoff.EXPONENTIAL)

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="By whose right it runs: who stored it last. Empty: Carillon's own, which needs nobody's.",
    )
    source = models.CharField(
        max_length=500, blank=True, default="", editable=False, help_text="The file or folder that declares it."
    )
    created_by = models.CharField(max_length=150, blank=True, default="")
    updated_by = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
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
                violation_error_message="Another schedule of this environment has this name.",
                violation_error_code="taken",
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
            calendar=self.closures,
            calendar_rule=self.calendar_rule,
        )

    @staticmethod
    def seed_of(environment: str, name: str, cron_expression: str) -> str:
        """Return what spreads Jenkins' H: the schedule's name, known before it is saved; empty where no H is used."""
        return f"{environment}/{name}" if "H" in cron_expression else ""

    def clean(self) -> None:
        """Refuse what makes no sense and fill in what the job type proposes; raises ValidationError by field."""
        errors: dict[str, list[str]] = {}
        rules.fill(self)
        rules.check_texts(self, errors)
        rules.check_place(self, errors)
        rules.check_timing(self, errors)
        rules.check_job(self, errors)
        self.check_telling(errors)
        own_channels.check(self, errors)
        if errors:
            raise ValidationError(errors)

    def store(self, *, by: str, depends_on: Sequence[Wanted] | None = None, act: str = "update") -> None:
        """Check and save a new or edited schedule under the lock that firing takes; nothing fires by an edit.

        `version` goes up by one and the next instant is computed anew, unless one is already due: the engine settles
        that one first, so no instant is lost. `depends_on` None leaves its parents as they are. Raises
        ValidationError by field.
        """
        with transaction.atomic():
            now, had = timezone.now(), self.job_type
            new, before = self._state.adding, dict[str, Any]()
            if new:
                rules.check_quota(self, by)
                self.created_by = self.created_by or by
                if self.schedule_type == self.Kind.IMMEDIATE:
                    self.scheduled_at = now.replace(microsecond=0)
                self.anchor_at = self.anchor_at or now.replace(microsecond=0)
            else:
                stored = self._take_engine_columns()
                had, before = stored.job_type, stored.definition()
                self.version += 1
            self.updated_by = by
            self._read_calendar()
            self.full_clean()
            self.make_callback_secret(anew=before.get("callback_url", self.callback_url) != self.callback_url)
            self.plan_next(now)
            own = own_channels.take_apart(self, by=by)
            self.save()
            own_channels.keep(self, own)
            if had != self.job_type:
                standing.tell(self, job_type=had, status=standing.ERASED)
            standing.tell(self)
            if self._read_calendar():
                self.replan(now)
            if depends_on is not None:
                replace_parents(self, depends_on)
            if self.schedule_type != self.Kind.MANUAL:
                forget_rounds(self)
            self.note_edit(before, by=by, act="create" if new else act)
            wake_schedulers()

    def plan_next(self, now: datetime) -> None:
        """Set the next instant of an active schedule, unsaved; one that is due stays for the engine to settle.

        One that has none left is completed, and one that was completed but has one again is active.
        """
        used_up = self.max_runs is not None and self.fire_count >= self.max_runs
        if self.status == self.Status.COMPLETED and not used_up and next_instant(self.timing, now) is not None:
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
        if self.next_run_at is None and self.schedule_type != self.Kind.MANUAL:
            if self._state.adding:
                raise ValidationError({"end_at": ["It would never fire: no instant lies before the end."]})
            self.status = self.Status.COMPLETED
