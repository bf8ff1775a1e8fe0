"""What the OpenAPI document says of runs beyond what the code tells."""

from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view

from integrations.rest.documentation import KEY, READ_ERRORS, WRITE_ERRORS
from jobruns import serializers
from schedules.serializers import RequestedSerializer

PAGE = serializers.RunSerializer(many=True)
SCHEDULE = OpenApiParameter("schedule_id", OpenApiTypes.INT, OpenApiParameter.PATH)
CORRELATION = OpenApiParameter("correlation_id", OpenApiTypes.STR, OpenApiParameter.PATH)
HOURS = {"type": "integer", "minimum": 1, "maximum": 8784}
WINDOWS = [
    OpenApiParameter("window", OpenApiTypes.STR, description="90m, 24h, 7d or 4w; at most 366d.", default="24h"),
    OpenApiParameter("time_window_hours", HOURS, description="The same in hours."),
]

describe_runs = extend_schema_view(
    list=extend_schema(summary="List runs", responses={200: PAGE, **READ_ERRORS}),
    retrieve=extend_schema(summary="Read a run", responses={200: serializers.RunDetailSerializer, **READ_ERRORS}),
    running=extend_schema(summary="List what runs now", responses={200: PAGE, **READ_ERRORS}),
    by_correlation=extend_schema(
        summary="List the runs of one correlation id",
        parameters=[CORRELATION],
        responses={200: PAGE, **READ_ERRORS},
    ),
    cancel=extend_schema(
        summary="Cancel a run",
        description="A waiting run ends at once; a running one is asked to stop. 409 if it has ended.",
        parameters=[KEY],
        request=None,
        responses={200: serializers.RunDetailSerializer, **WRITE_ERRORS},
    ),
    retry=extend_schema(
        summary="Run again what did not succeed",
        description="A new run with the same parameters and correlation id. 409 if it waits, runs or succeeded.",
        parameters=[KEY],
        request=None,
        responses={202: RequestedSerializer, **WRITE_ERRORS},
    ),
    logs=extend_schema(
        summary="Read the log of a run",
        filters=False,
        responses={200: serializers.LogLineSerializer(many=True), **READ_ERRORS},
    ),
)
describe_runs_of_schedule = extend_schema(
    summary="List the runs of a schedule",
    description="Under `/runs`, `/executions` and `/history`; also of a deleted schedule.",
    parameters=[SCHEDULE],
    responses={200: PAGE, **READ_ERRORS},
)
describe_stats = extend_schema_view(
    list=extend_schema(
        summary="Read statistics of all runs",
        parameters=WINDOWS,
        responses={200: forced_singular_serializer(serializers.StatsSerializer), **READ_ERRORS},  # type: ignore[no-untyped-call]
    ),
    retrieve=extend_schema(
        summary="Read statistics of a schedule's runs",
        parameters=[*WINDOWS, SCHEDULE],
        responses={200: serializers.StatsSerializer, **READ_ERRORS},
    ),
)
