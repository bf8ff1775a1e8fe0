"""When a schedule fires, as JSON: previews, what an edit changes, and instants ahead."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from integrations.rest.fields import MomentField, StrictFields
from schedules.calendars.fields import CalendarField
from schedules.consequences import LISTED, Consequences
from schedules.models import Schedule
from schedules.serializers import NULL, TIMING

CALENDAR = ["calendar", "calendar_rule"]


class ClosedSerializer(serializers.Serializer[Any]):
    """An instant that does not run, and why."""

    at = serializers.DateTimeField()
    reason = serializers.CharField(source="closing.reason", help_text="holiday or blackout.")
    sentence = serializers.CharField(source="closing.sentence")


class PreviewSerializer(StrictFields, serializers.ModelSerializer[Schedule]):
    """A timing to try out; nothing is stored."""

    name = serializers.CharField(
        max_length=255, default="", allow_blank=True, help_text="It spreads H in an expression."
    )
    environment = serializers.CharField(max_length=50, **NULL)
    scheduled_at = MomentField(**NULL)
    anchor_at = MomentField(**NULL)
    start_at = MomentField(**NULL)
    end_at = MomentField(**NULL)
    calendar = CalendarField(**NULL)
    count = serializers.IntegerField(min_value=1, max_value=100, default=10, help_text="How many instants.")
    after = MomentField(allow_null=True, default=None, help_text="Instants after this moment; now if empty.")

    class Meta:
        model = Schedule
        fields = [*TIMING, "start_at", "end_at", *CALENDAR, "name", "environment", "count", "after"]
        validators: list[Any] = []
        extra_kwargs = {
            name: dict(NULL) for name in ("cron_expression", "interval_seconds", "timezone", "calendar_rule")
        }


class EditSerializer(StrictFields, serializers.ModelSerializer[Schedule]):
    """Timing fields to try out on a schedule, as PATCH takes them; nothing is stored."""

    scheduled_at = MomentField(**NULL)
    anchor_at = MomentField(**NULL)
    start_at = MomentField(**NULL)
    end_at = MomentField(**NULL)
    calendar = CalendarField(**NULL)
    days = serializers.IntegerField(min_value=1, max_value=366, default=30, help_text="How far ahead to compare.")

    class Meta:
        model = Schedule
        fields = [*TIMING, "start_at", "end_at", *CALENDAR, "days"]
        validators: list[Any] = []
        extra_kwargs = {
            name: dict(NULL) for name in ("cron_expression", "interval_seconds", "timezone", "calendar_rule")
        }


class FewInstantsField(serializers.ListField):
    """The first thousand of many instants."""

    def to_representation(self, instants: Any) -> Any:
        return super().to_representation(instants[:LISTED])


class ConsequencesSerializer(serializers.Serializer[Any]):
    """What an edit would do to the fire times ahead."""

    schedule_id = serializers.IntegerField(source="schedule.pk")
    schedule_name = serializers.CharField(source="schedule.name")
    sentence_before = serializers.CharField(source="before")
    sentence_after = serializers.CharField(source="after")
    start = serializers.DateTimeField()
    until = serializers.DateTimeField(
        source="difference.until", help_text="Earlier than asked where more than 10,000 fires come before."
    )
    summary = serializers.CharField(help_text="The numbers in one sentence.")
    added_count = serializers.SerializerMethodField()
    removed_count = serializers.SerializerMethodField()
    kept_count = serializers.SerializerMethodField()
    added = FewInstantsField(
        child=serializers.DateTimeField(), source="difference.added", help_text="The first 1,000."
    )
    removed = FewInstantsField(
        child=serializers.DateTimeField(), source="difference.removed", help_text="The first 1,000."
    )
    next_run_at_before = serializers.DateTimeField(source="schedule.next_run_at", allow_null=True)
    next_run_at_after = serializers.DateTimeField(source="edited.next_run_at", allow_null=True)
    status_after = serializers.ChoiceField(Schedule.Status.choices, source="edited.status")
    notes = serializers.ListField(
        child=serializers.CharField(), help_text="What becomes of an instant that is due, and why nothing fires."
    )

    def get_added_count(self, found: Consequences) -> int:
        """Return how many fires it adds."""
        return len(found.difference.added)

    def get_removed_count(self, found: Consequences) -> int:
        """Return how many fires it removes."""
        return len(found.difference.removed)

    def get_kept_count(self, found: Consequences) -> int:
        """Return how many fires stay."""
        return len(found.difference.kept)


class ClockChangeSerializer(serializers.Serializer[Any]):
    """A clock change ahead and what it does to the schedule."""

    at = serializers.DateTimeField()
    offset_before = serializers.IntegerField(help_text="Seconds east of UTC.")
    offset_after = serializers.IntegerField()
    effect = serializers.CharField()


class PreviewedSerializer(serializers.Serializer[Any]):
    """When a timing fires."""

    sentence = serializers.CharField(help_text="In English, in the time of its zone.")
    timezone = serializers.CharField()
    instants = serializers.ListField(child=serializers.DateTimeField(), help_text="UTC.")
    local_times = serializers.ListField(child=serializers.CharField(), help_text="The same, in the zone.")
    clock_changes = ClockChangeSerializer(many=True)
    closed = ClosedSerializer(many=True, help_text="Instants before the last of these that the calendar leaves out.")


class RangeSerializer(StrictFields):
    """A stretch of time, both ends included; without offsets in the schedule's zone."""

    aliases = {"from": "start", "to": "end"}

    start = MomentField(allow_null=True, default=None, help_text="Now if empty.")
    end = MomentField(allow_null=True, default=None, help_text="A week later if empty.")
    limit = serializers.IntegerField(min_value=1, max_value=1000, default=100)


class OccurrencesSerializer(serializers.Serializer[Any]):
    """The instants of a schedule in a stretch of time: those that run, and those that its calendar leaves out."""

    schedule_id = serializers.IntegerField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    occurrences = serializers.ListField(child=serializers.DateTimeField())
    closed = ClosedSerializer(many=True)
    complete = serializers.BooleanField(help_text="False if there are more than `limit`.")
