"""What is known of each alert, and the incidents that it had. Written by `settling`, silenced by people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from integrations import audit
from integrations.access import OfEnvironments
from jobtypes.sql_alert.incidents import State

LONGEST_SILENCE = timedelta(days=30)


class AlertStateQuerySet(OfEnvironments, models.QuerySet["AlertState"]):
    def watched(self) -> AlertStateQuerySet:
        """Return the alerts whose schedules were not deleted."""
        return self.filter(is_deleted=False)

    def with_incidents(self) -> AlertStateQuerySet:
        """Return alerts with their open incidents, read in one more query for all of them."""
        return self.prefetch_related(models.Prefetch("incidents", AlertIncident.objects.open()))

    def locked(self, schedule_ids: Iterable[int]) -> dict[int, AlertState]:
        """Return schedule id → state, locked in the order of their numbers until the transaction ends."""
        rows = self.filter(schedule_id__in=list(schedule_ids), key="").order_by("pk").select_for_update()
        return {one.schedule_id: one for one in rows}

    def named(self, name_or_id: str, environment: str = "") -> AlertState:
        """Return the alert of that name, or of the schedule of that number.

        Raises AlertState.DoesNotExist or MultipleObjectsReturned with a sentence.
        """
        if "\0" in name_or_id + environment:
            raise self.model.DoesNotExist("There is no alert of that name.")  # PostgreSQL takes no NUL
        here = self.watched().filter(environment=environment) if environment else self.watched()
        found = list(here.filter(name=name_or_id).order_by("environment")[:20])
        if not found and name_or_id.isascii() and name_or_id.isdecimal() and len(name_or_id) < 19:
            found = list(here.filter(schedule_id=int(name_or_id)))
        if len(found) == 1:
            return found[0]
        if found:
            places = ", ".join(f"{one.environment} (number {one.schedule_id})" for one in found)
            raise self.model.MultipleObjectsReturned(
                f"{name_or_id!r} names {len(found)} alerts: in {places}. Name the environment or write the number."
            )
        place = f" in {environment}" if environment else ""
        raise self.model.DoesNotExist(f"There is no alert {name_or_id!r}{place}.")

    def in_alert(self, names: Iterable[str], environment: str) -> AlertStateQuerySet:
        """Return those of these names that have an open incident of kind alert."""
        return self.watched().filter(name__in=list(names), environment=environment, standing="alert")


class AlertState(models.Model):
    """How one alert stands: the last answer, what came in a row, and whether somebody silenced it.

    Errors lie over `standing`, they do not change it. Name, description, environment and parameters follow the
    schedule's; `schedule_id` is a plain value, so that kinds of work know nothing of schedules.
    """

    trail_kind = "alert"

    class Standing(models.TextChoices):
        NEW = "new", "Not known yet"
        OK = "ok", "OK"
        ALERT = "alert", "Alert"

    schedule_id = models.BigIntegerField()
    key = models.CharField(max_length=255, blank=True, default="")
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True, default="")
    environment = models.CharField(max_length=50)
    params = models.JSONField(default=dict, help_text="The alert's settings; its query stays with the schedule.")
    is_active = models.BooleanField(default=True, help_text="Off: paused or switched off, so nothing is told.")
    is_deleted = models.BooleanField(default=False)

    standing = models.CharField("state", max_length=8, choices=Standing, default=Standing.NEW)
    since = models.DateTimeField(null=True, blank=True)
    consecutive_oks = models.PositiveIntegerField(default=0)
    consecutive_alerts = models.PositiveIntegerField(default=0)
    consecutive_errors = models.PositiveIntegerField(default=0)
    in_error = models.BooleanField(default=False, help_text="An incident of errors is open.")

    last_status = models.CharField(max_length=8, blank=True, default="", help_text="OK, ALERT or ERROR.")
    last_run_id = models.BigIntegerField(null=True, blank=True)
    last_executed_at = models.DateTimeField(null=True, blank=True)
    last_ok_at = models.DateTimeField(null=True, blank=True)
    last_alert_at = models.DateTimeField(null=True, blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    last_instant = models.DateTimeField(null=True, blank=True, help_text="The newest instant that counted.")
    last_error = models.TextField(blank=True, default="")
    actual_value = models.JSONField(null=True, blank=True)
    threshold = models.JSONField(null=True, blank=True)
    context = models.JSONField(default=dict, blank=True)
    last_opening_at = models.DateTimeField(null=True, blank=True, help_text="When an opening was last told.")

    silenced_until = models.DateTimeField(null=True, blank=True)
    silenced_by = models.CharField(max_length=150, blank=True, default="")
    silence_reason = models.CharField(max_length=500, blank=True, default="")

    objects = AlertStateQuerySet.as_manager()

    class Meta:
        ordering = ["name", "environment"]
        verbose_name = "alert"
        permissions = [("silence_alertstate", "Can silence and acknowledge alerts")]
        constraints = [
            models.UniqueConstraint(fields=["schedule_id", "key"], name="one_state_per_alert"),
            models.CheckConstraint(condition=Q(standing__in=["new", "ok", "alert"]), name="standing_is_known"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def known(self) -> State:
        """Return what the pure decision takes."""
        return State(
            standing=self.standing,  # type: ignore[arg-type]  # a constraint keeps it to these
            since=self.since,
            oks=self.consecutive_oks,
            alerts=self.consecutive_alerts,
            errors=self.consecutive_errors,
            in_error=self.in_error,
        )

    def enter(self, state: State) -> None:
        """Take over what was decided, unsaved."""
        self.standing, self.since, self.in_error = state.standing, state.since, state.in_error
        self.consecutive_oks, self.consecutive_alerts = state.oks, state.alerts
        self.consecutive_errors = state.errors

    @property
    def shown(self) -> str:
        """Return how it stands in one word: error lies over ok, alert and new."""
        return "error" if self.in_error or self.last_status == "ERROR" else self.standing

    @property
    def severity(self) -> str:
        """Return how bad an ALERT is: info, warning or critical."""
        return str(self.params.get("severity", "warning"))

    def is_silenced(self, now: datetime) -> bool:
        """Tell whether nothing is told at `now`."""
        return self.silenced_until is not None and self.silenced_until > now

    def silence(self, span: timedelta, *, by: str, reason: str = "") -> None:
        """Tell nothing for a while; the query runs on. What happens meanwhile and lasts is told afterwards.

        Raises ValidationError on `seconds` unless 0 < span <= 30 days.
        """
        if not timedelta(0) < span <= LONGEST_SILENCE:
            raise ValidationError({"seconds": ["More than 0 seconds, and at most 30 days."]})
        self._silence(timezone.now() + span, "silence", by=by, reason=reason)

    def unsilence(self, *, by: str) -> None:
        """End a silence; what is still owed is told within half a minute. Twice is allowed."""
        self._silence(None, "unsilence", by=by)

    def acknowledge(self, *, by: str, note: str = "") -> None:
        """Acknowledge what is open; raises ValidationError, code "conflict", where nothing is."""
        found = list(AlertIncident.objects.open().filter(state=self))
        if not found:
            raise ValidationError(f"{self.name} has no open incident.", code="conflict")
        for incident in found:
            incident.acknowledge(by=by, note=note)

    def _silence(self, until: datetime | None, act: str, *, by: str, reason: str = "") -> None:
        with transaction.atomic():
            before = AlertState.objects.select_for_update().get(pk=self.pk).silenced_until
            self.silenced_until, self.silenced_by, self.silence_reason = until, by, reason
            self.save(update_fields=["silenced_until", "silenced_by", "silence_reason"])
            was, now = {"silenced_until": before}, {"silenced_until": until}
            audit.record(act, self, by=by, reason=reason, before=was, after=now)


class AlertIncidentQuerySet(OfEnvironments, models.QuerySet["AlertIncident"]):
    environment_paths = ("state__environment",)

    def open(self) -> AlertIncidentQuerySet:
        """Return incidents that last."""
        return self.filter(closed_at=None)

    def unsettled(self) -> AlertIncidentQuerySet:
        """Return incidents of which something may still have to be told, with their alerts."""
        return self.filter(Q(closed_at=None) | Q(recovery_is_owed=True)).select_related("state").order_by("pk")

    def by_state(self, states: Mapping[int, AlertState]) -> dict[tuple[int, str], AlertIncident]:
        """Return (alert, kind) → the open incident of these alerts, given by their numbers."""
        found = {}
        for one in self.open().filter(state__in=states):
            one.state = states[one.state_id]
            found[one.state_id, one.kind] = one
        return found


class AlertIncident(models.Model):
    """A stretch of time in which an alert was in alert, or gave no answer; at most one of a kind is open."""

    class Kind(models.TextChoices):
        ALERT = "alert", "Alert"
        ERROR = "error", "No answer"

    class Reason(models.TextChoices):
        NONE = "", "–"
        RECOVERED = "recovered", "Recovered"
        REMOVED = "removed", "The alert was deleted"

    state = models.ForeignKey(AlertState, on_delete=models.CASCADE, related_name="incidents")
    kind = models.CharField(max_length=8, choices=Kind)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    close_reason = models.CharField(max_length=16, choices=Reason, blank=True, default="")
    first_run_id = models.BigIntegerField()
    last_run_id = models.BigIntegerField()
    rounds = models.PositiveIntegerField(default=0, help_text="How often its opening was posted.")
    posts = models.PositiveIntegerField(default=0, help_text="How many notices were posted.")
    posted_at = models.DateTimeField(null=True, blank=True)
    posted_for = models.DateTimeField(null=True, blank=True, help_text="The instant that the last notice told of.")
    told_for = models.DateTimeField(null=True, blank=True, help_text="The same, of the last one that was taken.")
    first_notified_at = models.DateTimeField(null=True, blank=True, help_text="Empty: nobody was told.")
    last_notified_at = models.DateTimeField(null=True, blank=True)
    reminders = models.PositiveIntegerField(default=0)
    escalations = models.PositiveIntegerField(default=0)
    recovery_is_owed = models.BooleanField(default=False)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=150, blank=True, default="")
    acknowledged_note = models.CharField(max_length=500, blank=True, default="")

    objects = AlertIncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["state", "kind"], condition=Q(closed_at=None), name="one_open_incident_of_a_kind"
            ),
            models.CheckConstraint(condition=Q(kind__in=["alert", "error"]), name="incident_kind_is_known"),
        ]
        indexes = [
            models.Index(fields=["state", "-opened_at"], name="incident_of_alert"),
            models.Index(
                fields=["id"], condition=Q(closed_at=None) | Q(recovery_is_owed=True), name="incident_unsettled"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.state} since {self.opened_at:%Y-%m-%d %H:%M}"

    @property
    def topic(self) -> str:
        """Return by which its deliveries are found."""
        return f"alert-incident:{self.pk}"

    @property
    def is_open(self) -> bool:
        """Tell whether it lasts."""
        return self.closed_at is None

    @property
    def lasted_seconds(self) -> float | None:
        """Return how long it lasted, in seconds; None while it does."""
        return None if self.closed_at is None else (self.closed_at - self.opened_at).total_seconds()

    def close(self, at: datetime, reason: str) -> None:
        """End it, unsaved."""
        self.closed_at, self.close_reason = at, reason

    def acknowledge(self, *, by: str, note: str = "") -> None:
        """Say that somebody takes care: no more reminders, no escalation. Raises ValidationError, code "conflict",
        where it is over. The first who does stays named."""
        if not self.is_open:
            raise ValidationError("The incident is over; there is nothing to acknowledge.", code="conflict")
        with transaction.atomic():
            open_one = AlertIncident.objects.open().filter(pk=self.pk, acknowledged_at=None)
            if open_one.update(acknowledged_at=timezone.now(), acknowledged_by=by, acknowledged_note=note):
                audit.record("acknowledge", self.state, by=by, reason=note, after={"incident": self.pk})
            self.refresh_from_db()
