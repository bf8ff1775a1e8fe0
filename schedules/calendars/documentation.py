"""What the OpenAPI document says of calendars beyond what the code tells."""

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_view

from integrations.rest.documentation import CHANGE_ERRORS, IF_MATCH, KEY, READ_ERRORS, WRITE_ERRORS
from schedules.calendars import serializers

SHOWN = serializers.CalendarSerializer
OFFICE = {
    "name": "Riga office",
    "timezone": "Europe/Riga",
    "weekdays": ["mon", "tue", "wed", "thu", "fri"],
    "closed_dates": [{"date": "2026-12-25", "name": "Christmas Day"}],
    "open_dates": [{"date": "2026-12-19", "name": "Working Saturday"}],
    "windows": [{"name": "Patch night", "days": ["sat"], "from": "22:00", "to": "02:00", "stop_running": True}],
    "reason": "The new year's plan",
}
GONE = OpenApiResponse(description="Deleted, with its versions.")
IMPORTED = serializers.ImportedSerializer

describe = extend_schema_view(
    list=extend_schema(summary="List calendars", responses={200: SHOWN(many=True), **READ_ERRORS}),
    create=extend_schema(
        summary="Create a calendar",
        parameters=[KEY],
        responses={201: SHOWN, **WRITE_ERRORS},
        examples=[OpenApiExample("An office", OFFICE, request_only=True)],
    ),
    retrieve=extend_schema(summary="Read a calendar", responses={200: SHOWN, **READ_ERRORS}),
    update=extend_schema(
        summary="Change a calendar",
        description="Like PATCH: only what is sent changes. A new version; its schedules are planned anew.",
        request=serializers.CalendarSerializer(partial=True),
        parameters=[KEY, IF_MATCH],
        responses={200: SHOWN, **CHANGE_ERRORS},
    ),
    partial_update=extend_schema(
        summary="Change parts of a calendar",
        description="Only what is sent changes. A new version; its schedules are planned anew, and nothing fires.",
        parameters=[KEY, IF_MATCH],
        responses={200: SHOWN, **CHANGE_ERRORS},
    ),
    destroy=extend_schema(
        summary="Delete a calendar",
        description="Refused with 409 while a schedule is on it, be it a deleted one.",
        parameters=[KEY, IF_MATCH],
        responses={204: GONE, **CHANGE_ERRORS},
    ),
    versions=extend_schema(
        summary="List the versions of a calendar",
        description="The newest 100, newest first.",
        responses={200: serializers.VersionsSerializer, **READ_ERRORS},
        filters=False,
    ),
    roll_back=extend_schema(
        summary="Go back to an earlier version",
        description="Stores what that version said as a new version.",
        parameters=[KEY, IF_MATCH],
        request=serializers.RollBackSerializer,
        responses={200: SHOWN, **CHANGE_ERRORS},
    ),
    preview_change=extend_schema(
        summary="Preview a change of a calendar",
        description="Takes what PATCH takes and says which runs it adds and takes away; stores nothing.",
        parameters=[KEY],
        request=serializers.CalendarSerializer(partial=True),
        responses={200: serializers.EffectsSerializer, **WRITE_ERRORS},
    ),
    import_ical=extend_schema(
        summary="Close the days of an iCalendar file",
        description="All-day events, repeated ones within the years. A file with an error changes nothing.",
        parameters=[KEY, IF_MATCH],
        request=serializers.IcalSerializer,
        responses={200: IMPORTED, **CHANGE_ERRORS},
    ),
    import_holidays=extend_schema(
        summary="Close the public holidays of a country",
        description="Needs the extra carillon[holidays].",
        parameters=[KEY, IF_MATCH],
        request=serializers.HolidaysSerializer,
        responses={200: IMPORTED, **CHANGE_ERRORS},
        examples=[OpenApiExample("Bavaria", {"country": "DE", "subdivision": "BY", "years": [2026, 2027]})],
    ),
)
