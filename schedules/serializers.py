"""Schedules as JSON: what a caller may send, and what an answer shows."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as Refused
from django.db import transaction
from rest_framework import serializers

from integrations.acting import because
from integrations.rest.fields import MomentField, StrictFields
from jobtypes import registry
from jobtypes.base import InvalidParams
from schedules import changes, shorthand
from schedules.calendars.fields import CalendarField
from schedules.dependencies import MOST
from schedules.depends_on import DependenciesField, wanted
from schedules.models import Schedule
from schedules.telling import MOST_CHANNELS

NULL: Any = {"allow_null": True, "required": False}
TIMING = ["schedule_type", "cron_expression", "interval_seconds", "scheduled_at", "anchor_at", "timezone"]
BOUNDS = ["start_at", "end_at", "max_runs", "calendar", "calendar_rule"]
POLICIES = [
    "jitter_seconds",
    "priority",
    "queue",
    "overlap_policy",
    "max_instances",
    "misfire_policy",
    "misfire_grace_seconds",
    "catchup_limit",
    "timeout_seconds",
    "max_retries",
    "retry_delay_seconds",
    "retry_backoff",
]
TOLD = ["channels", "callback_url"]
STATE = ["status", "pause_reason", "paused_until"]
KEPT = [
    "created_by",
    "updated_by",
    "version",
    "next_run_at",
    "last_run_at",
    "last_run_id",
    "total_runs",
    "successful_runs",
    "failed_runs",
    "consecutive_failures",
    "run_count",
    "success_count",
    "failure_count",
    "template",
    "template_version",
    "source",
    "created_at",
    "updated_at",
]


class ScheduleSerializer(StrictFields, serializers.ModelSerializer[Schedule]):
    """A schedule. On update only what is sent changes, null clears, and the result is checked as a whole."""

    aliases = {"is_active": "enabled", "creator": "created_by"}
    kept_by_us = frozenset(["id", "callback_secret", *KEPT])

    name = serializers.CharField(max_length=255, trim_whitespace=False)
    environment = serializers.CharField(max_length=50, trim_whitespace=False, **NULL)
    tags = serializers.ListField(
        child=serializers.CharField(max_length=64, trim_whitespace=False), max_length=20, **NULL
    )
    depends_on = DependenciesField(
        source="dependencies",
        max_length=MOST,
        help_text="Runs only after these ended as asked; without timing of its own it runs whenever they have.",
        **NULL,
    )
    channels = serializers.ListField(
        child=serializers.CharField(max_length=255, trim_whitespace=False),
        max_length=MOST_CHANNELS,
        help_text="Names of channels: told of runs that fail for good, of recoveries, and of missed instants.",
        **NULL,
    )
    callback_url = serializers.CharField(
        max_length=2000,
        allow_blank=True,
        help_text="Every run that ends is posted here. Its signing secret is in the answer that sets it, once.",
        **NULL,
    )
    job_type = serializers.CharField(max_length=64, help_text="A name of `job-types`.", required=False)
    params = serializers.DictField(help_text="As the job type's schema in `job-types` says.", **NULL)
    enabled = serializers.BooleanField(
        required=False, help_text="Whether it fires: the status is active. False pauses, true resumes."
    )
    scheduled_at = MomentField(help_text="When it runs once; without an offset in the schedule's zone.", **NULL)
    anchor_at = MomentField(help_text="Intervals are counted from here; from its creation if empty.", **NULL)
    start_at = MomentField(help_text="Nothing fires before this.", **NULL)
    end_at = MomentField(help_text="Nothing fires after this.", **NULL)
    calendar = CalendarField(help_text="By its name; nothing runs while it is closed.", **NULL)
    pause_reason = serializers.CharField(source="status_reason", read_only=True)
    next_run_at = serializers.DateTimeField(source="upcoming_at", read_only=True, allow_null=True)
    run_count = serializers.IntegerField(source="total_runs", read_only=True)
    success_count = serializers.IntegerField(source="successful_runs", read_only=True)
    failure_count = serializers.IntegerField(source="failed_runs", read_only=True)
    reason = serializers.CharField(
        max_length=500, allow_blank=True, write_only=True, required=False, help_text="Why; kept with the change."
    )
    template = serializers.CharField(
        source="origin.template.name",
        read_only=True,
        default=None,
        allow_null=True,
        help_text="It was made from; else null.",
    )
    template_version = serializers.IntegerField(
        source="origin.version",
        read_only=True,
        default=None,
        allow_null=True,
        help_text="Of the template, when it was last taken over.",
    )

    class Meta:
        model = Schedule
        fields = [
            *["id", "name", "description", "environment", "job_type", "params"],
            *[*TIMING, *BOUNDS, "enabled", *STATE, "tags", "depends_on", *POLICIES, *TOLD, *KEPT, "reason"],
        ]
        read_only_fields = ["id", *STATE, *KEPT]
        validators: list[Any] = []  # the model's gate checks, under its lock
        extra_kwargs = {
            name: dict(NULL) for name in ["description", *TIMING[1:], *BOUNDS, *POLICIES] if "_at" not in name
        }

    def get_fields(self) -> dict[str, Any]:
        """Return the fields, and those that stand for parameters of one job type."""
        short = {
            name: serializers.JSONField(
                write_only=True,
                required=False,
                allow_null=True,
                help_text=f"The same in `params`, with `job_type: {kind}`.",
            )
            for name, kind in shorthand.fields().items()
        }
        return {**super().get_fields(), **short}

    def to_representation(self, schedule: Schedule) -> dict[str, Any]:
        """Return the schedule; a callback secret made just now is shown this once."""
        return {**super().to_representation(schedule), **schedule.revealed}

    def to_internal_value(self, data: Any) -> Any:
        """Return the values that were sent; state may be sent back as it is, but is changed by its own requests."""
        if isinstance(data, dict):
            sent = {name: data[name] for name in STATE if name in data}
            shown = self.to_representation(self.instance) if self.instance and sent else {"status": "active"}
            wrong = [name for name, value in sent.items() if value != shown.get(name)]
            if wrong:
                sentence = "Send enabled, or use pause and resume; this follows from them."
                raise serializers.ValidationError({name: [sentence] for name in wrong})
            data = {name: value for name, value in data.items() if name not in STATE}
        try:
            values = shorthand.expand(super().to_internal_value(data), self.instance)
        except Refused as refused:
            raise serializers.ValidationError(refused.message_dict) from None
        if not self.partial and not values.get("job_type"):
            raise serializers.ValidationError({"job_type": ["This field is required."]})
        if self.instance is None and not values.get("environment") and (place := _place(values)):
            values["environment"] = place
        return values

    def save(self, **options: Any) -> Schedule:
        """Store it; what the gate says of a parameter that came as shorthand is said of that."""
        try:
            return super().save(**options)
        except Refused as refused:
            raise shorthand.at_their_fields(refused, self.initial_data) from None

    def create(self, values: dict[str, Any]) -> Schedule:
        """Store a new schedule of the request's user, paused if `enabled` is false; raises ValidationError."""
        enabled, user = values.pop("enabled", True), self.context["request"].user
        why = values.pop("reason", "")
        depends_on = wanted(values)
        schedule = Schedule(owner=user)
        changes.apply(schedule, values)
        with transaction.atomic(), because(why):
            schedule.store(by=user.get_username(), depends_on=depends_on)
            if not enabled:
                schedule.pause(by=user.get_username())
        return schedule

    def update(self, schedule: Schedule, values: dict[str, Any]) -> Schedule:
        """Store what changed, pause or resume as `enabled` says; raises ValidationError."""
        enabled, user = values.pop("enabled", None), self.context["request"].user
        why = values.pop("reason", "")
        depends_on = wanted(values)
        with transaction.atomic(), because(why):
            if values or depends_on is not None:
                changes.apply(schedule, values)
                schedule.owner = user
                schedule.store(by=user.get_username(), depends_on=depends_on)
            if enabled is True:
                schedule.resume(by=user.get_username())
            elif enabled is False and schedule.enabled:
                schedule.pause(by=user.get_username())
        return schedule


def _place(values: dict[str, Any]) -> str:
    """Return where a new schedule belongs by what it does; empty where that says nothing."""
    try:
        return min(registry.places(values["job_type"], values.get("params") or {}), default="")
    except InvalidParams:
        return ""  # told when it is stored


class PauseSerializer(StrictFields):
    """Why, and until when. Both may be left out, or sent in the query string."""

    reason = serializers.CharField(max_length=500, allow_blank=True, default="")
    until = MomentField(
        allow_null=True, default=None, help_text="Resumes by itself then; without an offset in the schedule's zone."
    )


class ResumeSerializer(StrictFields):
    """What becomes of the instants that passed while it was paused."""

    missed = serializers.ChoiceField(Schedule.Catchup.choices, default=Schedule.Catchup.NONE)


class TriggerSerializer(StrictFields):
    """Parameters for this run only, over the schedule's own key by key."""

    aliases = {"params": "override_params"}

    override_params = serializers.DictField(allow_null=True, default=dict)
    override_payload = serializers.DictField(
        allow_null=True, default=None, help_text="The same as override_params.command_payload."
    )

    def params(self) -> dict[str, Any]:
        """Return the parameters to put over the schedule's own."""
        values = self.validated_data
        payload = values["override_payload"]
        return {**(values["override_params"] or {}), **({} if payload is None else {"command_payload": payload})}


class RequestedSerializer(serializers.Serializer[Any]):
    """The run that was asked for; both ids are the same."""

    run_id = serializers.IntegerField()
    execution_id = serializers.IntegerField()
