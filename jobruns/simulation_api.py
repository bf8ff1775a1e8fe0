"""The load of the days ahead over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from integrations.access import environments_of
from integrations.rest.documentation import WRITE_ERRORS
from integrations.rest.fields import StrictFields
from integrations.rest.throttles import SharedThrottle
from jobruns import rehearsal

MOST_FIRES = 1_000_000  # a second or two in a web worker
MOST_SCHEDULES = 5_000
PLACE = [
    OpenApiParameter("days", OpenApiTypes.INT, description="1 to 31.", default=30),
    OpenApiParameter("slots", OpenApiTypes.INT, description="Runs at once, over all schedulers; 1 to 10,000."),
    OpenApiParameter("environment", OpenApiTypes.STR, description="Only schedules of this environment."),
    OpenApiParameter("tag", OpenApiTypes.STR, many=True, description="Only schedules that carry all of these."),
]


class SimulationThrottle(SharedThrottle):
    """At most ten simulations a minute for one user."""

    scope = "simulation"
    rate = "10/min"


class AskedSerializer(StrictFields):
    """What to simulate."""

    days = serializers.IntegerField(default=30)
    slots = serializers.IntegerField(default=lambda: settings.SCHEDULER_EXECUTOR_POOL_SIZE)
    environment = serializers.CharField(max_length=50, default="", allow_blank=True)
    tag = serializers.ListField(child=serializers.CharField(max_length=64), max_length=20, default=list)


class MinuteSerializer(serializers.Serializer[Any]):
    """A minute in which much happens."""

    at = serializers.DateTimeField()
    started = serializers.IntegerField()
    skipped = serializers.IntegerField()
    wait_seconds = serializers.FloatField()
    busy_percent = serializers.FloatField()
    due = serializers.IntegerField(help_text="Schedules with an instant in it.")
    names = serializers.ListField(child=serializers.CharField(), help_text="The first ten of them.")


class BurdenSerializer(serializers.Serializer[Any]):
    """A schedule whose instants wait or skip."""

    schedule_id = serializers.IntegerField()
    name = serializers.CharField()
    fires = serializers.IntegerField()
    skipped = serializers.IntegerField()
    wait_seconds = serializers.FloatField()
    longest_wait_seconds = serializers.FloatField()


class ReportSerializer(serializers.Serializer[Any]):
    """The load of the days ahead, as `manage.py simulate --json` prints it."""

    start = serializers.DateTimeField()
    until = serializers.DateTimeField()
    slots = serializers.IntegerField()
    schedules = serializers.IntegerField()
    fires = serializers.IntegerField()
    runs = serializers.IntegerField()
    skipped = serializers.DictField(child=serializers.IntegerField(), help_text="By reason.")
    replaced = serializers.IntegerField()
    waited = serializers.IntegerField()
    wait_seconds = serializers.FloatField()
    longest_wait_seconds = serializers.FloatField()
    busy_percent = serializers.FloatField()
    load = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="[minutes, runs started, percent of slots busy] for each stretch of minutes that are alike.",
    )
    worst_minutes = MinuteSerializer(many=True)
    burdened = BurdenSerializer(many=True)


class Simulation(APIView):
    """What load the days ahead bring."""

    rights = {"*": "schedules.view_schedule"}
    throttle_classes = [*APIView.throttle_classes, SimulationThrottle]

    @extend_schema(
        summary="Simulate the days ahead",
        description=(
            "Runs every schedule forward without running anything: waits, skips and the worst minutes. 409 where "
            "more than a million fires or 5,000 schedules lie ahead; `manage.py simulate` follows twenty million."
        ),
        parameters=PLACE,
        responses={200: ReportSerializer, **WRITE_ERRORS},
    )
    def get(self, request: Request) -> Response:
        """Answer with the report."""
        sent: dict[str, Any] = request.query_params.dict()
        if "tag" in sent:
            sent["tag"] = request.query_params.getlist("tag")
        asked = AskedSerializer(data=sent)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        report = rehearsal.rehearse(
            timezone.now(),
            days=values["days"],
            slots=values["slots"],
            environment=values["environment"],
            within=environments_of(request.user),
            tags=values["tag"],
            most_fires=MOST_FIRES,
            most_schedules=MOST_SCHEDULES,
        )
        return Response(asdict(report))
