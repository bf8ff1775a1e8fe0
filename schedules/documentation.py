"""What the OpenAPI document says of schedules beyond what the code tells."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view

from integrations.rest.documentation import CHANGE_ERRORS, IF_MATCH, KEY, READ_ERRORS, WRITE_ERRORS
from schedules import ahead_serializers, serializers

SHOWN = serializers.ScheduleSerializer
NIGHTLY = {
    "name": "nightly-report",
    "description": "Totals of the day before",
    "job_type": "http_request",
    "params": {"url": "https://reports.example.com/build", "method": "POST"},
    "schedule_type": "cron",
    "cron_expression": "30 2 * * 1-5",
    "timezone": "Europe/Riga",
    "tags": ["reports"],
    "priority": 7,
}
AFTER = {
    "name": "publish-report",
    "job_type": "http_request",
    "params": {"url": "https://reports.example.com/publish", "method": "POST"},
    "schedule_type": "manual",
    "depends_on": [{"schedule": "nightly-report", "on": "success"}],
}
HARD = OpenApiParameter(
    "hard_delete", OpenApiTypes.BOOL, description="Remove the history too; superusers only.", default=False
)
PLACE = [
    OpenApiParameter("from", OpenApiTypes.DATETIME, description="Now if left out."),
    OpenApiParameter("to", OpenApiTypes.DATETIME, description="A week after `from` if left out."),
    OpenApiParameter("limit", OpenApiTypes.INT, description="1 to 1000.", default=100),
]
GONE = OpenApiResponse(description="Deleted; its name is free again.")

describe = extend_schema_view(
    list=extend_schema(summary="List schedules", responses={200: SHOWN(many=True), **READ_ERRORS}),
    create=extend_schema(
        summary="Create a schedule",
        parameters=[KEY],
        responses={201: SHOWN, **WRITE_ERRORS},
        examples=[
            OpenApiExample("Weekdays at half past two", NIGHTLY, request_only=True),
            OpenApiExample("Whenever another has succeeded", AFTER, request_only=True),
        ],
    ),
    retrieve=extend_schema(summary="Read a schedule", responses={200: SHOWN, **READ_ERRORS}),
    update=extend_schema(
        summary="Change a schedule",
        description="Like PATCH: only what is sent changes, null clears, and the result is checked as a whole.",
        request=serializers.ScheduleSerializer(partial=True),
        parameters=[KEY, IF_MATCH],
        responses={200: SHOWN, **CHANGE_ERRORS},
    ),
    partial_update=extend_schema(
        summary="Change parts of a schedule",
        parameters=[KEY, IF_MATCH],
        responses={200: SHOWN, **CHANGE_ERRORS},
        examples=[OpenApiExample("Every two hours", {"schedule_type": "interval", "interval_seconds": 7200})],
    ),
    destroy=extend_schema(
        summary="Delete a schedule", parameters=[KEY, IF_MATCH, HARD], responses={204: GONE, **CHANGE_ERRORS}
    ),
    pause=extend_schema(
        summary="Pause a schedule",
        description="Also under `/disable`. `reason` and `until` may be sent in the query string. Twice is allowed.",
        parameters=[KEY, IF_MATCH],
        request=serializers.PauseSerializer,
        responses={200: SHOWN, **CHANGE_ERRORS},
        examples=[OpenApiExample("Maintenance", {"reason": "Maintenance window"}, request_only=True)],
    ),
    resume=extend_schema(
        summary="Resume a schedule",
        description="Also under `/enable`. Twice is allowed.",
        parameters=[KEY, IF_MATCH],
        request=serializers.ResumeSerializer,
        responses={200: SHOWN, **CHANGE_ERRORS},
    ),
    trigger=extend_schema(
        summary="Run a schedule now",
        description="Also under `/run`. The next instant stays as it is; paused and completed schedules run too.",
        parameters=[KEY, IF_MATCH],
        request=serializers.TriggerSerializer,
        responses={202: serializers.RequestedSerializer, **CHANGE_ERRORS},
    ),
    preview=extend_schema(
        summary="Preview a timing",
        request=ahead_serializers.PreviewSerializer,
        responses={200: ahead_serializers.PreviewedSerializer, **WRITE_ERRORS},
        examples=[
            OpenApiExample(
                "Half past two in Riga",
                {"schedule_type": "cron", "cron_expression": "30 2 * * *", "timezone": "Europe/Riga"},
                request_only=True,
            )
        ],
    ),
    preview_change=extend_schema(
        summary="Preview an edit of the timing",
        description=(
            "Which fire times of the days ahead storing these fields would add, remove and keep. Stores nothing; "
            "what PATCH would refuse is refused."
        ),
        request=ahead_serializers.EditSerializer,
        responses={200: ahead_serializers.ConsequencesSerializer, **WRITE_ERRORS},
        examples=[
            OpenApiExample("An hour later", {"cron_expression": "30 3 * * 1-5", "days": 30}, request_only=True)
        ],
    ),
    occurrences=extend_schema(
        summary="List the instants of a schedule",
        description="Nominal instants by its present timing, whether it is paused or not.",
        parameters=PLACE,
        responses={200: ahead_serializers.OccurrencesSerializer, **READ_ERRORS},
        filters=False,
    ),
)
