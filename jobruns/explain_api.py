"""Explanations over HTTP: why a schedule did, or did not, or will run at a moment."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations.rest.documentation import READ_ERRORS
from integrations.rest.fields import MomentField, StrictFields
from jobruns.explain import OUTCOMES, Explanation, explain
from jobruns.models import JobRun
from jobruns.serializers import RunSerializer
from schedules.changes import localise
from schedules.models import Schedule
from schedules.tables import moment

PLACE = [
    OpenApiParameter("schedule_id", OpenApiTypes.INT, OpenApiParameter.PATH),
    OpenApiParameter(
        "at",
        OpenApiTypes.DATETIME,
        required=True,
        description="The moment, past or future; without an offset in the schedule's zone.",
    ),
]
MEANINGS = " ".join(f"`{name}`: {said}" for name, said in OUTCOMES.items())


class AtSerializer(StrictFields):
    """The moment that is asked about."""

    at = MomentField()


class ExpectedSerializer(serializers.Serializer[Any]):
    """What the engine's policy makes of an instant that is not settled."""

    status = serializers.ChoiceField(["pending", "skipped", "missed"])
    reason = serializers.ChoiceField(JobRun.Reason.choices, allow_blank=True)
    available_at = serializers.DateTimeField(allow_null=True)


class ExplanationSerializer(serializers.Serializer[Any]):
    """What became, or will become, of one instant, and why."""

    schedule_id = serializers.IntegerField(source="schedule.pk")
    schedule_name = serializers.CharField(source="schedule.name")
    at = serializers.DateTimeField()
    local_time = serializers.SerializerMethodField()
    outcome = serializers.ChoiceField([*JobRun.Status.values, *OUTCOMES], help_text=MEANINGS)
    is_instant = serializers.BooleanField(allow_null=True)
    previous_instant = serializers.DateTimeField(source="before", allow_null=True)
    next_instant = serializers.DateTimeField(source="after", allow_null=True)
    sentences = serializers.ListField(child=serializers.CharField(), help_text="The trace, in order.")
    expected = ExpectedSerializer(source="expected.decision", allow_null=True, default=None)
    runs = RunSerializer(many=True, help_text="All attempts, or the one row of the stretch that it lies in.")
    backfills = RunSerializer(many=True, help_text="Runs of it that a backfill asked for, with their retries.")

    def get_local_time(self, found: Explanation) -> str:
        """Return the moment in the schedule's zone."""
        return moment(found.at, found.schedule.timezone)


class ExplainViewSet(GenericViewSet[Schedule]):
    """Why a schedule did (not) run."""

    queryset = Schedule.objects.all()
    serializer_class = ExplanationSerializer
    pagination_class = None

    @extend_schema(
        summary="Explain an instant of a schedule",
        description="Why it ran, or did not, or what becomes of it; also of a deleted schedule.",
        parameters=PLACE,
        responses={200: ExplanationSerializer, **READ_ERRORS},
    )
    def retrieve(self, request: Request, schedule_id: str) -> Response:
        """Answer with the explanation; 400 where `at` is no moment."""
        schedule = get_object_or_404(Schedule.objects.visible_to(request.user), pk=schedule_id)
        asked = AtSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        at = localise(asked.validated_data["at"], schedule.timezone)
        return Response(ExplanationSerializer(explain(schedule, at or timezone.now(), timezone.now())).data)
