"""Runs as JSON."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from jobruns.models import JobRun, RunLogLine


class RunSerializer(serializers.ModelSerializer[JobRun]):
    """One attempt at one instant of a schedule, or at one request. People also call it an execution."""

    schedule_id = serializers.IntegerField(read_only=True)
    retry_of = serializers.IntegerField(source="retry_of_id", read_only=True, allow_null=True)
    attempt_number = serializers.IntegerField(source="attempt", read_only=True)
    duration_seconds = serializers.FloatField(read_only=True, allow_null=True)
    duration_ms = serializers.SerializerMethodField()
    error_message = serializers.CharField(source="error", read_only=True)

    class Meta:
        model = JobRun
        fields = [
            *["id", "schedule_id", "schedule_name", "schedule_version", "environment", "job_type", "params"],
            *[
                "status",
                "reason",
                "trigger",
                "triggered_by",
                "on_behalf_of",
                "scheduled_for",
                "attempt",
                "attempt_number",
                "retry_of",
            ],
            *["priority", "timeout_seconds", "queued_at", "available_at", "started_at", "finished_at"],
            *["duration_seconds", "duration_ms", "cancellation", "cancelled_by", "coalesced_from", "coalesced_count"],
            *["correlation_id", "idempotency_key", "summary", "error", "error_message", "metrics", "result"],
            *["parent", "attributes", "progress", "owner"],
        ]
        read_only_fields = fields

    def get_duration_ms(self, run: JobRun) -> int | None:
        """Return the duration in whole milliseconds."""
        seconds = run.duration_seconds
        return None if seconds is None else round(seconds * 1000)


class RunDetailSerializer(RunSerializer):
    """A run with the traceback of its crash."""

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "traceback"]
        read_only_fields = fields


class LogLineSerializer(serializers.ModelSerializer[RunLogLine]):
    """A line of a run's log."""

    class Meta:
        model = RunLogLine
        fields = ["number", "at", "level", "text"]
        read_only_fields = fields


class StatsSerializer(serializers.Serializer[Any]):
    """How runs went in a window of time that ends now. Durations are of successes, in milliseconds."""

    schedule_id = serializers.IntegerField(allow_null=True)
    window = serializers.CharField()
    since = serializers.DateTimeField()
    total_executions = serializers.IntegerField()
    successful_executions = serializers.IntegerField()
    failed_executions = serializers.IntegerField()
    skipped_executions = serializers.IntegerField()
    missed_executions = serializers.IntegerField()
    cancelled_executions = serializers.IntegerField()
    pending_executions = serializers.IntegerField()
    running_executions = serializers.IntegerField()
    success_rate = serializers.FloatField(allow_null=True, help_text="Success ÷ (success + failed), 0 to 1.")
    average_duration_ms = serializers.FloatField(allow_null=True)
    min_duration_ms = serializers.FloatField(allow_null=True)
    max_duration_ms = serializers.FloatField(allow_null=True)
    p50_duration_ms = serializers.FloatField(allow_null=True)
    p95_duration_ms = serializers.FloatField(allow_null=True)
    last_execution_at = serializers.DateTimeField(allow_null=True)
    next_execution_at = serializers.DateTimeField(allow_null=True)
    executions_last_hour = serializers.IntegerField()
    executions_last_24h = serializers.IntegerField()
    executions_last_7d = serializers.IntegerField()
    most_common_error = serializers.CharField(allow_null=True)
    consecutive_failures = serializers.IntegerField()
