"""Backfills over HTTP: run the instants of a stretch of the past, or withdraw what still waits of them."""

from __future__ import annotations

from typing import Any

import structlog
from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import GenericViewSet

from integrations.rest.conditions import check_match
from integrations.rest.documentation import CHANGE_ERRORS, IF_MATCH, KEY, WRITE_ERRORS
from integrations.rest.fields import MomentField, StrictFields
from integrations.rest.idempotency import IdempotentWrites
from jobruns import backfill
from schedules.changes import localise
from schedules.models import Schedule
from schedules.tables import moment
from schedules.triggering import TriggerThrottle

log = structlog.get_logger(__name__)

PLACE = OpenApiParameter("schedule_id", OpenApiTypes.INT, OpenApiParameter.PATH)
A_DAY = {"from": "2026-11-20T00:00:00+02:00", "to": "2026-11-20T23:59:59+02:00", "dry_run": True}
ZONE = "Without an offset in the schedule's zone."


class SpanSerializer(StrictFields):
    """The stretch of the past to run, both ends included."""

    dry_run = serializers.BooleanField(default=False, help_text="Only say what would run.")
    rerun = serializers.BooleanField(default=False, help_text="Run once more what succeeded or goes on already.")

    def get_fields(self) -> dict[str, Any]:
        """Add the two fields whose names are words of Python."""
        return {
            "from": MomentField(source="start", help_text=ZONE),
            "to": MomentField(source="end", help_text=f"Not ahead. {ZONE}"),
            **super().get_fields(),
        }

    def span(self, zone: str) -> backfill.Span:
        """Return the span that was sent, its moments in `zone` unless they say otherwise."""
        values = self.validated_data
        start, end = (localise(values[name], zone) or timezone.now() for name in ("start", "end"))
        return backfill.Span(start, end, values["rerun"])


class StepSerializer(serializers.Serializer[Any]):
    """What a backfill does to one instant."""

    at = serializers.DateTimeField()
    local_time = serializers.SerializerMethodField(help_text="The same in the schedule's zone.")
    will_run = serializers.BooleanField()
    why = serializers.CharField()
    run_id = serializers.IntegerField(allow_null=True, help_text="The run that waits now; null in a dry run.")

    def get_local_time(self, step: backfill.Step) -> str:
        """Return the instant in the schedule's zone."""
        return moment(step.at, self.context["zone"])


class BackfillSerializer(serializers.Serializer[Any]):
    """What a backfill does, or would do."""

    schedule_id = serializers.IntegerField(source="schedule.pk")
    schedule_name = serializers.CharField(source="schedule.name")
    correlation_id = serializers.CharField(help_text="Names the backfill as a whole; empty in a dry run.")
    dry_run = serializers.SerializerMethodField()
    rerun = serializers.BooleanField(source="span.rerun")
    will_run = serializers.IntegerField()
    left_out = serializers.IntegerField()
    instants = StepSerializer(source="steps", many=True, help_text="Oldest first.")

    def get_dry_run(self, shown: backfill.Backfill) -> bool:
        """Tell whether nothing was written."""
        return not shown.correlation_id

    def get_fields(self) -> dict[str, Any]:
        """Add the two fields whose names are words of Python."""
        return {
            **super().get_fields(),
            "from": serializers.DateTimeField(source="span.start"),
            "to": serializers.DateTimeField(source="span.end"),
        }


class WithdrawSerializer(StrictFields):
    """The backfill to withdraw."""

    correlation_id = serializers.CharField(max_length=64)


class WithdrawnSerializer(serializers.Serializer[Any]):
    """What became of a backfill that was withdrawn."""

    cancelled = serializers.IntegerField(help_text="Runs that waited and are cancelled.")
    running = serializers.IntegerField(help_text="Runs that go on; each can be cancelled by itself.")


def as_json(shown: backfill.Backfill) -> dict[str, Any]:
    """Return what programs read of a backfill."""
    data: dict[str, Any] = BackfillSerializer(shown, context={"zone": shown.schedule.timezone}).data
    return data


class BackfillViewSet(IdempotentWrites, GenericViewSet[Schedule]):
    """Run a stretch of the past."""

    queryset = Schedule.objects.existing()
    serializer_class = SpanSerializer
    pagination_class = None
    rights = {"create": "schedules.trigger_schedule", "cancel": "jobruns.cancel_jobrun"}

    def get_throttles(self) -> list[BaseThrottle]:
        """Return the usual throttles, and the one for requested runs."""
        return [*super().get_throttles(), TriggerThrottle()]

    @extend_schema(
        summary="Run the instants of a stretch of the past",
        description=(
            "Each instant that has no success yet becomes a waiting run, at most 1,000 at once; with `dry_run` the "
            "answer (200) says what would. They wait behind the schedule's regular runs. Paused and completed "
            "schedules run too; 409 if it is suspended."
        ),
        parameters=[PLACE, KEY, IF_MATCH],
        request=SpanSerializer,
        responses={200: BackfillSerializer, 202: BackfillSerializer, **CHANGE_ERRORS},
        examples=[OpenApiExample("What would run of a day", A_DAY, request_only=True)],
    )
    def create(self, request: Request, schedule_id: str) -> Response:
        """Answer with what each instant comes to."""
        schedule = get_object_or_404(Schedule.objects.existing().visible_to(request.user), pk=schedule_id)
        asked = SpanSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        span = asked.span(schedule.timezone)
        if asked.validated_data["dry_run"]:
            return Response(as_json(backfill.plan(schedule, span, timezone.now())))
        with transaction.atomic():
            check_match(request, Schedule.objects.select_for_update(no_key=True).get(pk=schedule.pk))
            user, known_as = request.user.get_username(), getattr(request, "correlation_id", "")
            done = backfill.carry_out(schedule, span, by=user, correlation_id=known_as)
        log.info(
            "backfill requested", schedule_id=schedule.pk, correlation_id=done.correlation_id, runs=done.will_run
        )
        return Response(as_json(done), status=202)

    @extend_schema(
        summary="Withdraw a backfill",
        description="Cancels what still waits of it; what runs goes on.",
        parameters=[PLACE, KEY],
        request=WithdrawSerializer,
        responses={200: WithdrawnSerializer, **WRITE_ERRORS},
    )
    def cancel(self, request: Request, schedule_id: str) -> Response:
        """Answer with how many runs were cancelled."""
        schedule = get_object_or_404(Schedule.objects.existing().visible_to(request.user), pk=schedule_id)
        asked = WithdrawSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        known_as = asked.validated_data["correlation_id"]
        cancelled, running = backfill.withdraw(schedule, known_as, by=request.user.get_username())
        return Response({"cancelled": cancelled, "running": running})
