"""Fields of the API for calendars: the parts of a definition, and a calendar by its name."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from integrations.rest.fields import OneOfVisible
from schedules.calendars.definition import WEEKDAYS, Definition
from schedules.models import Calendar

DATE = {
    "type": "object",
    "properties": {"date": {"type": "string", "format": "date"}, "name": {"type": "string", "maxLength": 200}},
    "required": ["date"],
    "additionalProperties": False,
}
WINDOW = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 200},
        "days": {"type": "array", "items": {"enum": list(WEEKDAYS)}, "description": "Every week; empty: once."},
        "from": {"type": "string", "description": "A clock time with `days`, such as 22:00; else a moment."},
        "to": {"type": "string", "description": "Where it lies before `from`, on the day after."},
        "stop_running": {"type": "boolean", "description": "Runs that go on when it opens are asked to stop."},
    },
    "required": ["name", "from", "to"],
    "additionalProperties": False,
}


@extend_schema_field({"type": "array", "items": {"enum": list(WEEKDAYS)}})
class WeekdaysField(serializers.JSONField):
    """Open weekdays."""


@extend_schema_field({"type": "array", "items": DATE, "maxItems": 5000})
class DatesField(serializers.JSONField):
    """Dates with names, also as text such as "2026-12-25 Christmas Day"."""


@extend_schema_field({"type": "array", "items": WINDOW, "maxItems": 200})
class WindowsField(serializers.JSONField):
    """Maintenance windows."""


PARTS = tuple(Definition.model_fields)


class CalendarField(OneOfVisible, serializers.SlugRelatedField[Calendar]):
    """A calendar by its name."""

    default_error_messages = {
        "does_not_exist": "There is no calendar {value}.",
        "invalid": "Write the name of a calendar.",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(slug_field="name", queryset=Calendar.objects.all(), **options)

    def to_internal_value(self, data: Any) -> Calendar:
        """Return the calendar; raises ValidationError."""
        if not isinstance(data, str) or "\0" in data or len(data) > 100:
            self.fail("invalid")
        return super().to_internal_value(data)
