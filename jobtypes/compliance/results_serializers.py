"""Results and findings as JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from integrations.rest.fields import StrictFields
from jobtypes.compliance.models import Finding, FindingEvent, ValidationResult

ABOUT = ["system", "environment", "catalog", "control"]


class AboutControl(serializers.Serializer[Any]):
    """Which control of which system a row is about, by their names."""

    system = serializers.CharField(source="system.name", read_only=True)
    environment = serializers.CharField(source="system.environment", read_only=True)
    catalog = serializers.CharField(source="control.catalog.key", read_only=True)
    control = serializers.CharField(source="control.control_id", read_only=True, help_text="Such as AC-2.")


class ResultSerializer(AboutControl, serializers.ModelSerializer[ValidationResult]):
    """What one run found of one control of one system; never changed."""

    title = serializers.CharField(source="control.title", read_only=True)
    evidence_keys = serializers.ListField(child=serializers.CharField(), read_only=True)
    metadata = serializers.DictField(read_only=True, help_text="What was required, what matched and where it lies.")

    class Meta:
        model = ValidationResult
        fields = [
            *["id", "run_id", *ABOUT, "title", "status", "message", "evidence_keys", "remediation", "waived"],
            *["validated_at", "duration_us", "metadata"],
        ]
        read_only_fields = fields


class EventSerializer(serializers.ModelSerializer[FindingEvent]):
    """One step of a finding."""

    class Meta:
        model = FindingEvent
        fields = ["before", "after", "who", "at", "note", "run_id"]
        read_only_fields = fields


class FindingSerializer(AboutControl, serializers.ModelSerializer[Finding]):
    """A control of a system that somebody has to look into, with its steps."""

    events = serializers.SerializerMethodField()

    class Meta:
        model = Finding
        fields = [
            *["id", *ABOUT, "title", "severity", "status", "found_at", "closed_at", "run_id", "version", "events"],
        ]
        read_only_fields = fields

    @extend_schema_field(EventSerializer(many=True))
    def get_events(self, finding: Finding) -> Any:
        """Return its steps, the oldest first."""
        return EventSerializer(finding.events.all(), many=True).data


class MoveSerializer(StrictFields):
    """Where a finding goes next, and why."""

    status = serializers.ChoiceField(choices=Finding.Status.choices)
    note = serializers.CharField(max_length=500, allow_blank=True, default="")
