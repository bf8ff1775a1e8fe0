"""Templates as JSON: what a caller may send, and what an answer shows."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from integrations import access
from integrations.rest.fields import StrictFields
from schedules.ahead_serializers import ConsequencesSerializer, PreviewedSerializer
from schedules.models import Schedule, Template, TemplateVersion
from schedules.patterns import instances
from schedules.patterns.instances import MOST
from schedules.patterns.parameters import MOST as MOST_PARAMETERS
from schedules.serializers import ScheduleSerializer

KEPT = ["id", "version", "instance_count", "created_by", "updated_by", "created_at", "updated_at"]
LIMIT: dict[str, Any] = {"type": "number", "nullable": True}
PARAMETER = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"},
        "type": {"enum": ["string", "integer", "number", "boolean", "choice"], "default": "string"},
        "required": {"type": "boolean", "default": False},
        "default": {"description": "Taken where nothing is sent.", "nullable": True},
        "pattern": {"type": "string", "maxLength": 200, "description": "For the whole of a string."},
        "min": {**LIMIT, "description": "Of a number, or of the characters of a string."},
        "max": LIMIT,
        "choices": {"type": "array", "items": {"type": "string"}, "description": "Of type choice."},
        "description": {"type": "string", "maxLength": 500},
    },
    "required": ["name"],
    "additionalProperties": False,
}


@extend_schema_field({"type": "array", "items": PARAMETER, "maxItems": MOST_PARAMETERS})
class ParametersField(serializers.JSONField):
    """Named, typed parameters."""


class TemplateSerializer(StrictFields, serializers.ModelSerializer[Template]):
    """A partial schedule with parameters. On update only what is sent changes, and it is a new version."""

    kept_by_us = frozenset(KEPT)

    name = serializers.CharField(max_length=100, trim_whitespace=False)
    environment = serializers.CharField(
        max_length=50,
        trim_whitespace=False,
        allow_blank=True,
        required=False,
        help_text="Of the schedules made from it; any if empty.",
    )
    definition = serializers.DictField(help_text="Fields of a schedule; `{{ name }}` in texts is a parameter.")
    parameters = ParametersField(required=False)
    reason = serializers.CharField(
        max_length=500, allow_blank=True, default="", write_only=True, help_text="Why it is changed; kept with it."
    )
    instance_count = serializers.SerializerMethodField(help_text="Schedules made from it that are not deleted.")

    class Meta:
        model = Template
        fields = ["id", "name", "description", "environment", "definition", "parameters", "reason", *KEPT[1:]]
        read_only_fields = KEPT
        validators: list[Any] = []

    def get_instance_count(self, template: Template) -> int:
        """Return how many schedules came from it."""
        counted = getattr(template, "instance_count", None)
        if counted is None:
            counted = instances.of_template(template, self.context["request"].user).count()
        return int(counted)

    def create(self, values: dict[str, Any]) -> Template:
        """Store a new template; raises Django's ValidationError."""
        return self.update(Template(), values)

    def update(self, template: Template, values: dict[str, Any]) -> Template:
        """Store what changed as a new version; raises Django's ValidationError."""
        why, user = values.pop("reason", ""), self.context["request"].user
        for name, value in values.items():
            setattr(template, name, value)
        if sentence := access.elsewhere(user, template.environment):
            raise serializers.ValidationError({"environment": [sentence]})
        template.store(by=user.get_username(), why=why)
        return template


class TemplateVersionSerializer(serializers.ModelSerializer[TemplateVersion]):
    """A version of a template: what it said, who stored it, when and why."""

    version = serializers.IntegerField(source="number")
    definition = serializers.DictField()
    parameters = ParametersField()

    class Meta:
        model = TemplateVersion
        fields = ["version", "definition", "parameters", "environment", "reason", "created_by", "created_at"]


class TemplateVersionsSerializer(serializers.Serializer[Any]):
    """Versions of a template, newest first."""

    results = TemplateVersionSerializer(many=True)


class InstantiateSerializer(StrictFields):
    """The name of the schedule to make, and values for the template's parameters."""

    name = serializers.CharField(max_length=255, trim_whitespace=False)
    parameters = serializers.DictField(required=False, default=dict)
    dry_run = serializers.BooleanField(default=False, help_text="Say what it would make; store nothing.")


class RehearsedSerializer(serializers.Serializer[Any]):
    """The schedule that would be made, without an id, and when it would fire."""

    schedule = ScheduleSerializer()
    preview = PreviewedSerializer(allow_null=True, help_text="Null for a schedule without timing of its own.")


class InstanceSerializer(serializers.ModelSerializer[Schedule]):
    """A schedule that was made from a template, and how far it is from it."""

    template_version = serializers.IntegerField(source="origin.version")
    is_outdated = serializers.BooleanField(source="origin.is_outdated", help_text="The template has a newer version.")
    parameters = serializers.DictField(source="origin.parameters")
    edited = serializers.SerializerMethodField(help_text="Fields that were edited by hand since.")

    class Meta:
        model = Schedule
        fields = ["id", "name", "environment", "status", "template_version", "is_outdated", "parameters", "edited"]

    def get_edited(self, schedule: Schedule) -> list[str]:
        """Return the fields that differ from how the template made them."""
        return instances.edited(schedule)


class UpgradeSerializer(StrictFields):
    """Which instances to bring to the newest version, and how."""

    schedule_ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), min_length=1, max_length=MOST
    )
    parameters = serializers.DictField(
        required=False, default=dict, help_text="Values over those that each instance remembers."
    )
    overwrite = serializers.BooleanField(default=False, help_text="Also fields that were edited by hand.")
    dry_run = serializers.BooleanField(default=False, help_text="Say what it would change; store nothing.")


class ChangeSerializer(serializers.Serializer[Any]):
    """A field with its value before and after; a parameter of the job is `params.name`, null is none."""

    field = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class PlannedSerializer(serializers.Serializer[Any]):
    """What the newest version changes of one instance."""

    schedule_id = serializers.IntegerField(source="schedule.pk")
    schedule_name = serializers.CharField(source="schedule.name")
    from_version = serializers.IntegerField()
    to_version = serializers.IntegerField()
    changes = ChangeSerializer(many=True)
    by_hand = ChangeSerializer(many=True, help_text="Edited by hand since: these stay, unless overwrite is true.")
    fires = ConsequencesSerializer(allow_null=True, help_text="The fire times that move; null if none can.")
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), help_text="Why it would be refused, by field."
    )


class PlansSerializer(serializers.Serializer[Any]):
    """What the newest version changes, instance by instance; at most 100."""

    version = serializers.IntegerField()
    results = PlannedSerializer(many=True)


class NotUpgradedSerializer(serializers.Serializer[Any]):
    """Why one instance was left as it is."""

    schedule_id = serializers.IntegerField()
    error = serializers.CharField()


class UpgradedSerializer(serializers.Serializer[Any]):
    """Which instances are at the newest version now, and which were left as they are."""

    version = serializers.IntegerField()
    success = serializers.ListField(child=serializers.IntegerField())
    failed = NotUpgradedSerializer(many=True)
    results = PlannedSerializer(many=True, help_text="What it changed, or with dry_run would change.")
