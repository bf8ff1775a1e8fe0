"""What may happen to a schedule over its life: it fires, pauses, resumes, ends; one row lock guards each change."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone

from integrations import audit
from integrations.models import Channel
from schedules import authority, standing
from schedules.dependencies import refuse_while_needed
from schedules.timing import Timing, TimingError, next_instant, next_run
from schedules.wakeup import wake_schedulers

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


class Lifecycle(models.Model):
    """The state of a schedule and the verbs that change it. Each takes the lock that firing takes."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        COMPLETED = "completed", "Completed"
        SUSPENDED = "suspended", "Suspended"
        DELETED = "deleted", "Deleted"

    class Catchup(models.TextChoices):
        NONE = "none", "Run none of them"
        LATEST = "latest", "Run the newest"
        ALL = "all", "Run all"

    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=500, blank=True, default="")
    status_changed_at = models.DateTimeField(null=True, blank=True)
    status_changed_by = models.CharField(max_length=150, blank=True, default="")
    paused_until = models.DateTimeField(null=True, blank=True, help_text="Resumes by itself at this moment.")
    pause_started_at = models.DateTimeField(null=True, blank=True)
    pause_ended_at = models.DateTimeField(null=True, blank=True)
    pause_catchup = models.CharField(max_length=8, choices=Catchup, default=Catchup.NONE)
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

    class Meta:
        abstract = True

    if TYPE_CHECKING:
        name: str
        calendar_id: int | None
        environment: str
        owner: Any
        runs: Any

        @property
        def timing(self) -> Timing: ...
        def definition(self) -> dict[str, Any]: ...

    @property
    def enabled(self) -> bool:
        """Tell whether the schedule fires: the API's word for an active one."""
        return self.status == self.Status.ACTIVE

    @property
    def is_deleted(self) -> bool:
        """Tell whether it was deleted; its history stays."""
        return self.status == self.Status.DELETED

    @property
    def upcoming_at(self) -> datetime | None:
        """Return the next instant ahead that runs, also while the engine still settles instants behind it.

        None where there is none, and where the timing can no longer be read: the engine is about to suspend it.
        """
        now = timezone.now()
        if self.next_run_at is None or (self.next_run_at > now and self.calendar_id is None):
            return self.next_run_at
        try:
            return next_run(self.timing, max(now, self.next_run_at - timedelta(seconds=1)))
        except TimingError:
            return None

    def pause(self, *, by: str, reason: str = "", until: datetime | None = None) -> None:
        """Stop firing; instants from now on are recorded as paused when it resumes. Pausing twice is allowed.

        Raises ValidationError: on `until` if it has passed, with code "conflict" where the schedule is not active.
        """
        with transaction.atomic():
            self._take_engine_columns()
            self._refuse_unless(self.Status.ACTIVE, self.Status.PAUSED, verb="paused")
            now, before = timezone.now(), self._stands()
            if until is not None and until <= now:
                raise ValidationError({"until": ["This moment has passed; choose one ahead."]})
            if self.status == self.Status.ACTIVE:
                self.pause_started_at = min(now, self.next_run_at or now)
            self._enter(self.Status.PAUSED, by=by, reason=reason, now=now)
            self.paused_until = until
            self._save_state()
            audit.record("pause", self, by=by, reason=reason, before=before, after=self._stands())

    def resume(self, *, by: str, missed: str = "none", at: datetime | None = None) -> None:
        """Fire again. `missed` says what becomes of the instants in between: none, latest or all of them run.

        With `at`, the moment at which the pause was to run out, one that was prolonged meanwhile goes on.
        Raises ValidationError: by field where a suspended schedule is still wrong, with code "conflict" where it is
        completed or deleted. Resuming twice is allowed.
        """
        if missed not in self.Catchup.values:
            raise ValidationError({"missed": [f"Choose one of {', '.join(self.Catchup.values)}."]})
        with transaction.atomic():
            self._take_engine_columns()
            self._refuse_unless(self.Status.ACTIVE, self.Status.PAUSED, self.Status.SUSPENDED, verb="resumed")
            if self.status == self.Status.ACTIVE or (at is not None and self.paused_until != at):
                return
            now, before = at or timezone.now(), self._stands()
            if self.status == self.Status.SUSPENDED:
                if sentence := authority.refusal(self.owner, self.environment):
                    raise ValidationError(f"{sentence} Store it: then you are its owner.", code="conflict")
                self.full_clean()
                self.runs.turn_away()  # what was given back to the line meanwhile
            since = self.pause_started_at or now
            self.pause_started_at, self.pause_ended_at, self.pause_catchup = since, now, missed
            self._enter(self.Status.ACTIVE, by=by, reason="", now=now)
            after = since - timedelta(microseconds=1)
            self.next_run_at = next_instant(self.timing, max(after, self.last_scheduled_for or after))
            self._save_state()
            told, source = {**self._stands(), "missed": missed}, "" if at is None else "engine"
            audit.record("resume", self, by=by, before=before, after=told, source=source)

    def suspend(self, *, reason: str) -> None:
        """Stop firing because the right or the means to run is gone; a person must resume it.

        What waits is skipped; what runs may end.
        """
        with transaction.atomic():
            self._take_engine_columns()
            now, before = timezone.now(), self._stands()
            self.pause_started_at = min(now, self.next_run_at or now)
            self._enter(self.Status.SUSPENDED, by="", reason=reason, now=now)
            self._save_state()
            audit.record("suspend", self, reason=reason, before=before, after=self._stands(), source="engine")
            self.runs.turn_away()

    def discard(self, *, by: str) -> None:
        """Delete it softly: it never fires again, its name is free, its history stays."""
        with transaction.atomic():
            self._take_engine_columns()
            before = self._stands()
            self._enter(self.Status.DELETED, by=by, reason="", now=timezone.now())
            self._save_state()
            audit.record("delete", self, by=by, before=before, after=self._stands())
            self.runs.withdraw(by=by, why="the schedule was deleted.")

    def erase(self, *, by: str) -> None:
        """Delete it together with its history; raises ValidationError, code "conflict", while others depend on it."""
        with transaction.atomic():
            refuse_while_needed(self)  # type: ignore[arg-type]  # only Schedule inherits this
            audit.record("erase", self, by=by, before=self.definition())
            standing.tell(self, status=standing.ERASED)  # type: ignore[arg-type]
            standing.forget_beside(self.runs.values_list("pk", "job_type"))
            Channel.objects.filter(schedule_id=self.pk).delete()
            self.delete()

    def restore(self, *, by: str) -> None:
        """Bring a deleted one back, paused; raises ValidationError, code "conflict", where its name is taken."""
        with transaction.atomic():
            self._take_engine_columns()
            self._refuse_unless(self.Status.DELETED, verb="brought back")
            namesakes = self._rows().exclude(status=self.Status.DELETED)
            if namesakes.filter(environment=self.environment, name=self.name).exists():
                raise ValidationError(f"The name {self.name} is taken; rename the other one first.", code="conflict")
            before = self._stands()
            now = self.pause_started_at = timezone.now()
            self._enter(self.Status.PAUSED, by=by, reason="Brought back after it was deleted.", now=now)
            self._save_state()
            audit.record("restore", self, by=by, before=before, after=self._stands())
            self.runs.withdraw(
                by=by, why="the schedule had been deleted."
            )  # what was given back to the line meanwhile

    def _stands(self) -> dict[str, Any]:
        return {"status": self.status, "paused_until": self.paused_until}

    def _take_engine_columns(self) -> Any:
        """Lock the row, take over what the engine may have written since this was read; return what is stored."""
        stored = self._rows().select_for_update(no_key=True).get(pk=self.pk)
        for name in ENGINE_COLUMNS:
            setattr(self, name, getattr(stored, name))
        self._state.fields_cache.pop("calendar", None)  # it may have been changed since it was read
        return stored

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
        self.save(update_fields=[*STATE_COLUMNS, "version", "updated_at"])  # type: ignore[misc]  # Schedule has it
        standing.tell(self)  # type: ignore[arg-type]
        wake_schedulers()

    def _rows(self) -> Any:
        return type(self)._default_manager
