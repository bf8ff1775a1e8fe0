"""Many schedules in one request: made together, or each paused, resumed, deleted or run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as Refused
from django.db import IntegrityError, transaction
from django.http import Http404, QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import GenericViewSet

from integrations.acting import because, together
from integrations.rest import problems
from integrations.rest.documentation import KEY, WRITE_ERRORS
from integrations.rest.fields import StrictFields
from integrations.rest.idempotency import IdempotentWrites
from integrations.rest.permissions import may, refusal
from integrations.rest.problems import Conflict
from schedules.filters import ScheduleFilter
from schedules.models import Schedule
from schedules.queries import ScheduleQuerySet
from schedules.serializers import ScheduleSerializer
from schedules.triggering import TriggerThrottle, trigger

MOST = 100
RIGHTS = {
    "pause": "schedules.pause_schedule",
    "resume": "schedules.pause_schedule",
    "delete": "schedules.delete_schedule",
    "trigger": "schedules.trigger_schedule",
}
KNOWN = (APIException, Refused, IntegrityError, Http404)


class BulkCreateSerializer(StrictFields):
    """Schedules to make, each as one by itself is sent."""

    schedules = serializers.ListField(child=serializers.DictField(), min_length=1, max_length=MOST)


class FailedItemSerializer(serializers.Serializer[Any]):
    """What is wrong with one schedule; `index` counts from 0."""

    index = serializers.IntegerField()
    errors = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))  # type: ignore[assignment]


class BulkCreatedSerializer(serializers.Serializer[Any]):
    """How many were made, in the order they were sent, and what was refused."""

    created = serializers.IntegerField()
    schedule_ids = serializers.ListField(child=serializers.IntegerField())
    failed = FailedItemSerializer(many=True)


class BulkOperationSerializer(StrictFields):
    """What to do, and to which: by their ids, or by a filter with the names of the list's query parameters."""

    operation = serializers.ChoiceField(list(RIGHTS))
    schedule_ids = serializers.ListField(required=False, min_length=1, max_length=MOST)
    filter = serializers.DictField(required=False)
    expected_count = serializers.IntegerField(
        required=False, min_value=0, help_text="Nothing is done unless the filter finds as many."
    )
    reason = serializers.CharField(max_length=500, allow_blank=True, default="")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse both, or neither, of ids and filter."""
        if ("schedule_ids" in values) == ("filter" in values):
            raise serializers.ValidationError({"schedule_ids": ["Send either schedule_ids or filter."]})
        return values


class FailedOperationSerializer(serializers.Serializer[Any]):
    """Why it was not done to one schedule."""

    schedule_id = serializers.CharField()
    error = serializers.CharField()


class BulkDoneSerializer(serializers.Serializer[Any]):
    """To which it was done, and to which not."""

    success = serializers.ListField(child=serializers.IntegerField())
    failed = FailedOperationSerializer(many=True)


class BulkViewSet(IdempotentWrites, GenericViewSet[Schedule]):
    """Many schedules in one request."""

    queryset = Schedule.objects.existing()
    serializer_class = BulkCreateSerializer
    pagination_class = None
    rights = {"create": "schedules.add_schedule", "operate": "schedules.view_schedule"}

    def get_queryset(self) -> ScheduleQuerySet:
        """Return the schedules that exist for the caller."""
        return Schedule.objects.existing().visible_to(self.request.user)

    def get_throttles(self) -> list[BaseThrottle]:
        """Return the usual throttles, and one more for requested runs."""
        sent = self.request.data if getattr(self, "action", "") == "operate" else {}
        asked = isinstance(sent, dict) and sent.get("operation") == "trigger"
        return [*super().get_throttles(), *([TriggerThrottle()] if asked else [])]

    @extend_schema(
        summary="Create many schedules",
        description="At most 100. All or none, unless `partial` is true: then each by itself.",
        request=BulkCreateSerializer,
        parameters=[KEY, OpenApiParameter("partial", OpenApiTypes.BOOL, default=False)],
        responses={201: BulkCreatedSerializer, **WRITE_ERRORS},
        examples=[
            OpenApiExample(
                "Two",
                {
                    "schedules": [
                        {"name": "a", "job_type": "noop", "schedule_type": "manual"},
                        {"name": "b", "job_type": "noop", "schedule_type": "interval", "interval_seconds": 60},
                    ]
                },
                request_only=True,
            )
        ],
    )
    def create(self, request: Request) -> Response:
        sent = _read(BulkCreateSerializer(data=request.data))["schedules"]
        partial = request.query_params.get("partial", "").lower() in {"true", "1"}
        made: list[int] = []
        failed: list[dict[str, Any]] = []
        with transaction.atomic(), together():
            for index, values in enumerate(sent):
                try:
                    with transaction.atomic():
                        made.append(self._make(values))
                except KNOWN as refused:
                    failed.append({"index": index, "errors": _errors(refused)})
            if failed and not partial:
                transaction.set_rollback(True)
                made = []
        body = {"created": len(made), "schedule_ids": made, "failed": failed}
        if made or not failed:
            return Response(body, status=201)
        sentence = f"{len(failed)} of {len(sent)} schedules are refused; none was made."
        return Response({**problems.problem_body(400, sentence), **body}, 400, content_type=problems.CONTENT_TYPE)

    @extend_schema(
        summary="Pause, resume, delete or run many schedules",
        description="At most 100, each by itself; ids that do not exist are not found.",
        request=BulkOperationSerializer,
        parameters=[KEY],
        responses={200: BulkDoneSerializer, **WRITE_ERRORS},
        examples=[
            OpenApiExample(
                "Maintenance",
                {"schedule_ids": [7, 8], "operation": "pause", "reason": "Maintenance window"},
                request_only=True,
            )
        ],
    )
    def operate(self, request: Request) -> Response:
        values = _read(BulkOperationSerializer(data=request.data))
        operation = values["operation"]
        if not may(request, RIGHTS[operation]):
            raise PermissionDenied(refusal(request, RIGHTS[operation]))
        success: list[int] = []
        failed: list[dict[str, str]] = []
        with together(), because(values["reason"]):
            for sent in self._chosen(values):
                try:
                    with transaction.atomic():
                        success.append(self._do(operation, sent, values["reason"]))
                except KNOWN as refused:
                    failed.append({"schedule_id": str(sent), "error": _sentence(refused)})
        return Response({"success": success, "failed": failed})

    def _make(self, values: dict[str, Any]) -> int:
        serializer = ScheduleSerializer(data=values, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return int(serializer.save().pk)

    def _chosen(self, values: dict[str, Any]) -> Iterable[Any]:
        """Return the ids that were sent, each once, or those that the filter finds."""
        if "schedule_ids" in values:
            return dict.fromkeys(str(one) for one in values["schedule_ids"])
        known = ScheduleFilter.base_filters
        if wrong := [name for name in values["filter"] if name not in known]:
            raise ValidationError({"filter": [f"There is no filter {name!r}." for name in wrong]})
        narrowed = ScheduleFilter(_as_query(values["filter"]), queryset=self.get_queryset())
        if not narrowed.is_valid():
            raise ValidationError({"filter": [str(text) for texts in narrowed.errors.values() for text in texts]})
        found = list(narrowed.qs.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
        if len(found) > MOST:
            raise ValidationError({"filter": [f"It finds more than {MOST} schedules; narrow it down."]})
        if "expected_count" in values and values["expected_count"] != len(found):
            raise Conflict(f"The filter finds {len(found)} schedules, not {values['expected_count']}.")
        return found

    def _do(self, operation: str, sent: Any, reason: str) -> int:
        by, pk = self.request.user.get_username(), str(sent)
        found = self.get_queryset().select_for_update(of=("self",))
        schedule = found.filter(pk=int(pk)).first() if pk.isascii() and pk.isdecimal() and len(pk) < 19 else None
        if schedule is None:
            raise Http404
        if operation == "pause":
            schedule.pause(by=by, reason=reason)
        elif operation == "resume":
            schedule.resume(by=by)
        elif operation == "delete":
            schedule.discard(by=by)
        else:
            trigger(schedule, by=by, correlation_id=getattr(self.request, "correlation_id", ""))
        return schedule.pk


def _read(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


def _as_query(values: dict[str, Any]) -> Any:
    query = QueryDict(mutable=True)
    for name, value in values.items():
        texts = value if isinstance(value, list) else [value]
        query.setlist(name, [str(text).lower() if isinstance(text, bool) else str(text) for text in texts])
    return query


def _errors(refused: Exception) -> dict[str, list[str]]:
    """Return a refusal by field; what belongs to none is under `detail`."""
    answer = problems.problem_response(refused, {})
    body = {} if answer is None else answer.data
    return body.get("errors") or {"detail": [body.get("detail", "It is refused.")]}


def _sentence(refused: Exception) -> str:
    if isinstance(refused, Http404):
        return "not found"
    answer = problems.problem_response(refused, {})
    return "refused" if answer is None else str(answer.data["detail"])
