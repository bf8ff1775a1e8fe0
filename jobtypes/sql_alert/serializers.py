"""Alerts and their incidents as JSON."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from integrations.rest.fields import MomentField, StrictFields
from jobtypes.sql_alert.durations import seconds
from jobtypes.sql_alert.models import AlertIncident, AlertState
from jobtypes.sql_alert.verdict import Verdict

TOLD = ["first_notified_at", "last_notified_at", "reminders", "escalations"]
ACKNOWLEDGED = ["acknowledged_at", "acknowledged_by", "acknowledged_note"]
WHEN = ["last_executed_at", "last_ok_at", "last_alert_at", "last_error_at"]


class IncidentSerializer(serializers.ModelSerializer[AlertIncident]):
    """A stretch of time in which it was in alert, or gave no answer."""

    class Meta:
        model = AlertIncident
        fields = [
            *["id", "kind", "opened_at", "closed_at", "close_reason", "first_run_id", "last_run_id"],
            *[*TOLD, *ACKNOWLEDGED],
        ]
        read_only_fields = fields


class AlertSerializer(serializers.ModelSerializer[AlertState]):
    """How an alert stands. Errors lie over its `state`, they do not change it."""

    id = serializers.IntegerField(source="schedule_id", read_only=True, help_text="The number of its schedule.")
    schedule_id = serializers.IntegerField(read_only=True)
    state = serializers.ChoiceField(source="standing", choices=AlertState.Standing.choices, read_only=True)
    enabled = serializers.BooleanField(source="is_active", read_only=True, help_text="Paused ones tell nothing.")
    severity = serializers.SerializerMethodField()
    silenced = serializers.SerializerMethodField()
    actual_value = serializers.JSONField(read_only=True, help_text="Of the last answer.")
    threshold = serializers.JSONField(read_only=True)
    context = serializers.DictField(read_only=True)  # type: ignore[assignment]  # the field's name is the contract
    open_incidents = serializers.SerializerMethodField()

    class Meta:
        model = AlertState
        fields = [
            *["id", "schedule_id", "name", "description", "environment", "enabled", "severity", "state", "since"],
            *["last_status", "actual_value", "threshold", "context", "last_error", "last_run_id", *WHEN],
            *["consecutive_oks", "consecutive_alerts", "consecutive_errors"],
            *["silenced", "silenced_until", "silenced_by", "silence_reason", "open_incidents"],
        ]
        read_only_fields = fields

    def get_severity(self, alert: AlertState) -> str:
        """Return how bad an ALERT is: info, warning or critical."""
        return alert.severity

    def get_silenced(self, alert: AlertState) -> bool:
        """Return whether nothing is told now."""
        return alert.is_silenced(timezone.now())

    @extend_schema_field(IncidentSerializer(many=True))
    def get_open_incidents(self, alert: AlertState) -> Any:
        """Return the incidents that last, at most one of each kind."""
        return IncidentSerializer([one for one in alert.incidents.all() if one.is_open], many=True).data


class SilenceSerializer(StrictFields):
    """For how long nothing is told: a duration, seconds, or a moment at which it ends. One of them."""

    aliases = {"for": "duration"}

    duration = serializers.CharField(required=False, max_length=40, help_text="Such as 2h or 1h30m; also `for`.")
    seconds = serializers.IntegerField(required=False, min_value=1, max_value=2_592_000)
    until = MomentField(required=False, help_text="Without an offset in UTC.")
    reason = serializers.CharField(max_length=500, allow_blank=True, default="")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the length of time as `span`; raises ValidationError by field."""
        given = [name for name in ("duration", "seconds", "until") if name in values]
        if len(given) != 1:
            raise serializers.ValidationError({"duration": ["Send one of duration, seconds and until."]})
        if given == ["until"]:
            moment = values["until"]
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return {**values, "span": aware - timezone.now()}
        try:
            length = seconds(values[given[0]])
        except ValueError as refused:
            raise serializers.ValidationError({"duration": [str(refused)]}) from None
        return {**values, "span": timedelta(seconds=length)}


class AcknowledgeSerializer(StrictFields):
    """What the others should know."""

    note = serializers.CharField(max_length=500, allow_blank=True, default="")


class TrialSerializer(StrictFields):
    """A query to try, under the guards of a stored one."""

    connection = serializers.CharField(max_length=255)
    query = serializers.CharField(max_length=100_000)
    query_timeout_seconds = serializers.IntegerField(required=False, min_value=1, max_value=30)
    no_rows = serializers.CharField(required=False, max_length=10, help_text="error, ok or alert.")
    null_value = serializers.CharField(required=False, max_length=10, help_text="error, ok or alert.")


class TriedSerializer(serializers.Serializer[Any]):
    """What the query said."""

    status = serializers.ChoiceField(["OK", "ALERT", "ERROR"])
    sentence = serializers.CharField()
    actual_value = serializers.JSONField(allow_null=True)
    threshold = serializers.JSONField(allow_null=True)
    context = serializers.DictField()  # type: ignore[assignment]
    duration_ms = serializers.IntegerField()


def said(verdict: Verdict) -> dict[str, Any]:
    """Return an answer as TriedSerializer shows it, without its duration."""
    return {
        "status": verdict.status,
        "sentence": verdict.sentence,
        "actual_value": verdict.actual_value,
        "threshold": verdict.threshold,
        "context": verdict.context,
    }


def unanswered(sentence: str) -> dict[str, Any]:
    """Return the lack of an answer as TriedSerializer shows it, without its duration."""
    return {"status": "ERROR", "sentence": sentence, "actual_value": None, "threshold": None, "context": {}}
