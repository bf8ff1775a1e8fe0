"""Schedules over HTTP. Every change goes through the model's verbs, under the lock that firing takes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework.decorators import action
from rest_framework.exceptions import ParseError, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import GenericViewSet

from integrations.rest.conditions import check_match, tagged
from integrations.rest.filters import StrictFilterBackend
from integrations.rest.idempotency import IdempotentWrites
from schedules import ahead_serializers, consequences, preview, serializers
from schedules.changes import localise
from schedules.documentation import describe
from schedules.filters import ScheduleFilter
from schedules.models import Schedule
from schedules.queries import ScheduleQuerySet
from schedules.timing import apart, occurrences
from schedules.triggering import TriggerThrottle, trigger

log = structlog.get_logger(__name__)


@describe
class ScheduleViewSet(IdempotentWrites, GenericViewSet[Schedule]):
    """What should run and when."""

    queryset = Schedule.objects.existing().with_parents()
    serializer_class = serializers.ScheduleSerializer
    filter_backends = [StrictFilterBackend]
    filterset_class = ScheduleFilter
    lookup_value_regex = "[0-9]{1,18}"
    orderings = {name: name for name in ("id", "name", "environment", "priority", "next_run_at", "last_run_at")} | {
        name: name for name in ("created_at", "updated_at", "total_runs", "failed_runs", "consecutive_failures")
    }
    usual_ordering = "name"
    rights = {
        "pause": "schedules.pause_schedule",
        "resume": "schedules.pause_schedule",
        "trigger": "schedules.trigger_schedule",
        "preview": "schedules.view_schedule",
        "preview_change": "schedules.view_schedule",
    }

    def get_queryset(self) -> ScheduleQuerySet:
        """Return the schedules that exist for the caller."""
        return Schedule.objects.existing().visible_to(self.request.user).with_parents()

    def get_throttles(self) -> list[BaseThrottle]:
        """Return the usual throttles, and one more for requested runs."""
        return [*super().get_throttles(), *([TriggerThrottle()] if self.action == "trigger" else [])]

    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(self.filter_queryset(Schedule.objects.visible_to(request.user).with_parents()))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)

    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        schedule = serializer.save()
        response = Response(serializer.data, status=201, headers={"Location": f"{request.path}/{schedule.pk}"})
        return tagged(response, schedule)

    def retrieve(self, request: Request, pk: str) -> Response:
        return self._shown(self.get_object())

    @transaction.atomic
    def update(self, request: Request, pk: str) -> Response:
        schedule = self._locked(pk)
        serializer = self.get_serializer(schedule, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        return self._shown(serializer.save())

    def partial_update(self, request: Request, pk: str) -> Response:
        return self.update(request, pk)

    @transaction.atomic
    def destroy(self, request: Request, pk: str) -> Response:
        schedule = self._locked(pk)
        if request.query_params.get("hard_delete", "").lower() not in {"true", "1"}:
            schedule.discard(by=self._user(request))
        elif request.user.is_superuser:
            schedule.erase(by=self._user(request))
        else:
            raise PermissionDenied("Only a superuser may delete a schedule together with its history.")
        return Response(status=204)

    @action(detail=True, methods=["post"])
    @transaction.atomic
    def pause(self, request: Request, pk: str) -> Response:
        schedule = self._locked(pk)
        sent = {**request.query_params.dict(), **_object(request.data)}
        values = self._read(serializers.PauseSerializer(data=sent))
        until = localise(values["until"], schedule.timezone)
        schedule.pause(by=self._user(request), reason=values["reason"], until=until)
        return self._shown(schedule)

    @action(detail=True, methods=["post"])
    @transaction.atomic
    def resume(self, request: Request, pk: str) -> Response:
        schedule = self._locked(pk)
        sent = {**request.query_params.dict(), **_object(request.data)}
        schedule.resume(by=self._user(request), missed=self._read(serializers.ResumeSerializer(data=sent))["missed"])
        return self._shown(schedule)

    @action(detail=True, methods=["post"])
    @transaction.atomic
    def trigger(self, request: Request, pk: str) -> Response:
        schedule = self._locked(pk)
        serializer = serializers.TriggerSerializer(data=request.data)
        self._read(serializer)
        run_id = trigger(
            schedule,
            by=self._user(request),
            params=serializer.params(),
            correlation_id=getattr(request, "correlation_id", ""),
        )
        return Response({"run_id": run_id, "execution_id": run_id}, status=202)

    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        values = self._read(
            ahead_serializers.PreviewSerializer(data=request.data, context=self.get_serializer_context())
        )
        return Response(ahead_serializers.PreviewedSerializer(preview.of(values)).data)

    @action(detail=True, methods=["post"], url_path="preview-change")
    def preview_change(self, request: Request, pk: str) -> Response:
        values = self._read(
            ahead_serializers.EditSerializer(data=request.data, context=self.get_serializer_context())
        )
        days = values.pop("days")
        found = consequences.of_edit(self.get_object(), values, timezone.now(), days=days)
        return Response(ahead_serializers.ConsequencesSerializer(found).data)

    @action(detail=True)
    def occurrences(self, request: Request, pk: str) -> Response:
        schedule = self.get_object()
        values = self._read(ahead_serializers.RangeSerializer(data=request.query_params.dict()))
        start = localise(values["start"], schedule.timezone) or timezone.now()
        end = localise(values["end"], schedule.timezone) or start + timedelta(days=7)
        preview.check_range(start, end)
        found = occurrences(schedule.timing, start - timedelta(microseconds=1), end, values["limit"] + 1)
        open_ones, closed = apart(schedule.timing, found[: values["limit"]])
        shown = {"schedule_id": schedule.pk, "start": start, "end": end, "occurrences": open_ones, "closed": closed}
        complete = len(found) <= values["limit"]
        return Response(ahead_serializers.OccurrencesSerializer({**shown, "complete": complete}).data)

    def kept_data(self, data: Any) -> Any:
        """Keep the answer without a secret that was made just now: a repeated request does not show it again."""
        return {**data, "callback_secret": "***"} if data and "callback_secret" in data else data

    def _locked(self, pk: str) -> Schedule:
        """Return the schedule under its lock, at the version that the caller has seen."""
        seen = Schedule.objects.existing().visible_to(self.request.user)
        schedule = get_object_or_404(seen.select_for_update(no_key=True), pk=pk)
        check_match(self.request, schedule)
        return schedule

    def _shown(self, schedule: Schedule) -> Response:
        return tagged(Response(self.get_serializer(schedule).data), schedule)

    def _user(self, request: Request) -> str:
        return request.user.get_username()

    def _read(self, serializer: BaseSerializer[Any]) -> dict[str, Any]:
        serializer.is_valid(raise_exception=True)
        values: dict[str, Any] = serializer.validated_data
        return values


def _object(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ParseError("Send a JSON object.")
    return data
