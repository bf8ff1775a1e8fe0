"""Calendars as JSON: what a caller may send, and what an answer shows."""

from __future__ import annotations

from datetime import date
from typing import Any

from rest_framework import serializers

from integrations.rest.fields import Placed, StrictFields
from schedules.calendars.definition import NamedDate
from schedules.calendars.fields import PARTS, DatesField, WeekdaysField, WindowsField
from schedules.models import Calendar, CalendarVersion

KEPT = ["id", "version", "schedule_count", "created_by", "updated_by", "created_at", "updated_at"]
LISTED = 100  # instants of each kind that an answer lists


class CalendarSerializer(Placed, serializers.ModelSerializer[Calendar]):
    """A calendar. On update only what is sent changes; the result is checked as a whole and is a new version."""

    kept_by_us = frozenset(KEPT)

    name = serializers.CharField(max_length=100, trim_whitespace=False)
    timezone = serializers.CharField(required=False, help_text="Its days and clock times are of this zone. UTC.")
    weekdays = WeekdaysField(required=False, help_text="Open weekdays; all seven if left out.")
    closed_dates = DatesField(required=False, help_text="Closed though their weekday is open.")
    open_dates = DatesField(required=False, help_text="Open though their weekday or date is closed.")
    windows = WindowsField(required=False, help_text="Nothing runs while one of them is open.")
    reason = serializers.CharField(
        max_length=500, allow_blank=True, default="", write_only=True, help_text="Why it is changed; kept with it."
    )
    schedule_count = serializers.SerializerMethodField(help_text="Schedules on it that are not deleted.")

    class Meta:
        model = Calendar
        fields = [
            *["id", "name", "description", "environment", "timezone", "weekdays", "closed_dates", "open_dates"],
            *["windows", "reason", *KEPT[1:]],
        ]
        read_only_fields = KEPT
        validators: list[Any] = []

    def get_schedule_count(self, calendar: Calendar) -> int:
        """Return how many schedules are on it."""
        counted = getattr(calendar, "schedule_count", None)
        seen = calendar.users().visible_to(self.context["request"].user)
        return seen.count() if counted is None else int(counted)

    def to_representation(self, calendar: Calendar) -> dict[str, Any]:
        """Return the calendar with the parts of its definition beside its own fields."""
        own = {name: field for name, field in self.fields.items() if name not in PARTS and not field.write_only}
        shown = {name: field.to_representation(field.get_attribute(calendar)) for name, field in own.items()}
        return {name: calendar.definition.get(name) if name in PARTS else shown[name] for name in self._order()}

    def create(self, values: dict[str, Any]) -> Calendar:
        """Store a new calendar; raises Django's ValidationError."""
        return self.update(Calendar(), values)

    def update(self, calendar: Calendar, values: dict[str, Any]) -> Calendar:
        """Store what changed as a new version; raises Django's ValidationError."""
        why = values.pop("reason", "")
        fill(calendar, values)
        calendar.store(by=self.context["request"].user.get_username(), why=why)
        return calendar

    def _order(self) -> list[str]:
        return [name for name in self.fields.keys() if name != "reason"]  # noqa: SIM118 - a mapping of its own kind


def fill(calendar: Calendar, values: dict[str, Any]) -> None:
    """Put sent values on a calendar, unsaved and unchecked."""
    calendar.define({name: value for name, value in values.items() if name in PARTS})
    for name in ("name", "description", "environment"):
        setattr(calendar, name, values.get(name, getattr(calendar, name)))


class VersionSerializer(serializers.ModelSerializer[CalendarVersion]):
    """A version of a calendar: what it said, who stored it, when and why."""

    version = serializers.IntegerField(source="number")
    definition = serializers.DictField(help_text="timezone, weekdays, closed_dates, open_dates and windows.")

    class Meta:
        model = CalendarVersion
        fields = ["version", "definition", "reason", "created_by", "created_at"]


class VersionsSerializer(serializers.Serializer[Any]):
    """Versions of a calendar, newest first."""

    results = VersionSerializer(many=True)


class RollBackSerializer(StrictFields):
    """The version to store again."""

    version = serializers.IntegerField(min_value=1, max_value=2_147_483_647)


class IcalSerializer(StrictFields):
    """An iCalendar file, as its text, and the years to read."""

    ics = serializers.CharField(max_length=1_000_000, trim_whitespace=False, help_text="The text of the file.")
    first_year = serializers.IntegerField(min_value=1970, max_value=2199)
    last_year = serializers.IntegerField(min_value=1970, max_value=2199)
    dry_run = serializers.BooleanField(default=False, help_text="Say what it would close; store nothing.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse years that run backwards or are too many."""
        if not 0 <= values["last_year"] - values["first_year"] < 50:
            raise serializers.ValidationError({"last_year": ["From first_year on, 50 years at most."]})
        return values

    @staticmethod
    def bounds(values: dict[str, Any]) -> tuple[date, date]:
        """Return the first and the last day to read."""
        return date(values["first_year"], 1, 1), date(values["last_year"], 12, 31)


class HolidaysSerializer(StrictFields):
    """A country or a part of it, and years."""

    country = serializers.CharField(max_length=20, help_text="ISO 3166 code, such as LV.")
    subdivision = serializers.CharField(max_length=40, allow_blank=True, default="", help_text="Such as BY in DE.")
    years = serializers.ListField(child=serializers.IntegerField(min_value=1970, max_value=2199), max_length=50)
    dry_run = serializers.BooleanField(default=False, help_text="Say what it would close; store nothing.")


class NamedDateSerializer(serializers.Serializer[NamedDate]):
    """A date and its name."""

    date = serializers.DateField()
    name = serializers.CharField()


class ImportedSerializer(serializers.Serializer[Any]):
    """What an import found, and how many of the days were not closed before."""

    found = NamedDateSerializer(many=True)
    added = serializers.IntegerField()
    version = serializers.IntegerField(help_text="The calendar's version, as it is now.")
    dry_run = serializers.BooleanField()


class FewField(serializers.ListField):
    """The first hundred of many instants."""

    child = serializers.DateTimeField()

    def to_representation(self, instants: Any) -> Any:
        return super().to_representation(instants[:LISTED])


class EffectSerializer(serializers.Serializer[Any]):
    """A schedule whose runs change."""

    schedule_id = serializers.IntegerField(source="schedule.pk")
    schedule_name = serializers.CharField(source="schedule.name")
    added = FewField(source="difference.added", help_text="The first 100.")
    removed = FewField(source="difference.removed", help_text="The first 100.")
    until = serializers.DateTimeField(source="difference.until")


class EffectsSerializer(serializers.Serializer[Any]):
    """What a change does to the runs ahead."""

    sentence = serializers.CharField()
    start = serializers.DateTimeField()
    until = serializers.DateTimeField()
    schedules = serializers.IntegerField(help_text="Schedules on the calendar that fire.")
    compared = serializers.IntegerField(help_text="How many of them were compared: 100 at most.")
    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    changed = EffectSerializer(many=True)
