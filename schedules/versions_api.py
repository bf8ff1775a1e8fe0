"""The versions of a schedule over HTTP: read them, compare them, go back to one."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as Refused
from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations.rest.conditions import check_match, tagged
from integrations.rest.documentation import CHANGE_ERRORS, IF_MATCH, KEY, READ_ERRORS
from integrations.rest.fields import StrictFields
from integrations.rest.filters import StrictFilterBackend
from integrations.rest.idempotency import IdempotentWrites
from integrations.rest.permissions import caller
from schedules import comparing
from schedules.ahead_serializers import ConsequencesSerializer
from schedules.models import Schedule
from schedules.serializers import ScheduleSerializer
from schedules.versions import ScheduleVersion

LARGEST = 2_147_483_647
PLACE = OpenApiParameter("schedule_id", OpenApiTypes.INT, OpenApiParameter.PATH)
NUMBER = OpenApiParameter("number", {"type": "integer", "minimum": 1}, OpenApiParameter.PATH)
AGAINST = OpenApiParameter(
    "against",
    {"type": "integer", "minimum": 1, "maximum": LARGEST},
    description="The version to compare with; the one before if left out.",
)


class ScheduleVersionSerializer(serializers.ModelSerializer[ScheduleVersion]):
    """A version of a schedule: who stored it, when, why and by which way. Its number is `version` after the edit."""

    version = serializers.IntegerField(source="number")

    class Meta:
        model = ScheduleVersion
        fields = ["version", "reason", "source", "created_by", "created_at"]


@extend_schema_field(OpenApiTypes.ANY)
class AnyField(serializers.Field):  # type: ignore[type-arg]
    """Any JSON value."""

    def to_representation(self, value: Any) -> Any:
        """Return it as it is."""
        return value


class FieldChangeSerializer(serializers.Serializer[Any]):
    """What one field, or one parameter as `params.name`, was and is."""

    field = serializers.CharField()
    before = AnyField(allow_null=True)
    after = AnyField(allow_null=True)


class ComparedVersionSerializer(ScheduleVersionSerializer):
    """A version with its definition, and what it changed."""

    definition = serializers.SerializerMethodField(help_text="The schedule's fields; secrets as `***`.")
    against = serializers.IntegerField(allow_null=True, help_text="The version compared with; null if there is none.")
    changes = FieldChangeSerializer(many=True)
    fires = ConsequencesSerializer(
        allow_null=True, help_text="The fires ahead that differ; null if none can be told."
    )

    class Meta(ScheduleVersionSerializer.Meta):
        fields = [*ScheduleVersionSerializer.Meta.fields, "definition", "against", "changes", "fires"]

    def get_definition(self, version: ScheduleVersion) -> dict[str, Any]:
        """Return the fields."""
        return comparing.shown(version.definition)


class RollBackScheduleSerializer(StrictFields):
    """The version to go back to, and why."""

    version = serializers.IntegerField(min_value=1, max_value=LARGEST)
    reason = serializers.CharField(max_length=500, allow_blank=True, default="")


class ScheduleVersionViewSet(IdempotentWrites, GenericViewSet[ScheduleVersion]):
    """What a schedule said before."""

    queryset = ScheduleVersion.objects.none()
    serializer_class = ScheduleVersionSerializer
    filter_backends = [StrictFilterBackend]
    orderings = {"version": "number"}
    usual_ordering = "-version"
    rights = {
        "list": "schedules.view_schedule",
        "retrieve": "schedules.view_schedule",
        "roll_back": "schedules.change_schedule",
    }

    @extend_schema(
        summary="List the versions of a schedule",
        parameters=[PLACE],
        responses={200: ScheduleVersionSerializer(many=True), **READ_ERRORS},
    )
    def list(self, request: Request, schedule_id: str) -> Response:
        """Answer with a page of versions, the newest first."""
        rows = self.paginate_queryset(self._schedule(schedule_id).versions.all())
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)

    @extend_schema(
        summary="Read and compare a version of a schedule",
        parameters=[PLACE, NUMBER, AGAINST],
        responses={200: ComparedVersionSerializer, **READ_ERRORS},
    )
    def retrieve(self, request: Request, schedule_id: str, number: str) -> Response:
        """Answer with the definition, what differs from another version, and which fires ahead do."""
        if wrong := [name for name in request.query_params if name != "against"]:
            raise ValidationError({name: ["There is no such parameter. Known: against."] for name in wrong})
        schedule = self._schedule(schedule_id)
        version = _version(schedule, number)
        other = version.one_before
        if (text := request.query_params.get("against")) is not None:
            other = _version(schedule, text, "against")
        told: Any = version
        told.against = other.number if other else None
        told.changes = comparing.differences(other.definition if other else {}, version.definition)
        told.fires = None if other is None else _fires(schedule, other, version)
        return Response(ComparedVersionSerializer(told).data)

    @extend_schema(
        summary="Go back to an earlier version of a schedule",
        description="Stores that definition as a new version: checked like any edit, and refused as any is.",
        parameters=[PLACE, KEY, IF_MATCH],
        request=RollBackScheduleSerializer,
        responses={200: ScheduleSerializer, **CHANGE_ERRORS},
        examples=[OpenApiExample("Back", {"version": 3, "reason": "The partner moved back"}, request_only=True)],
    )
    @transaction.atomic
    def roll_back(self, request: Request, schedule_id: str) -> Response:
        """Answer with the schedule as it is now."""
        visible = self._visible().select_for_update(no_key=True, of=("self",))
        schedule = get_object_or_404(visible, pk=schedule_id)
        check_match(request, schedule)
        asked = RollBackScheduleSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        try:
            schedule.roll_back(values["version"], by=caller(request), reason=values["reason"])
        except ScheduleVersion.DoesNotExist:
            raise Refused({"version": [f"{schedule.name} has no version {values['version']}."]}) from None
        return tagged(Response(ScheduleSerializer(schedule, context=self.get_serializer_context()).data), schedule)

    def kept_data(self, data: Any) -> Any:
        """Keep the answer without a secret that was made just now: a repeated request does not show it again."""
        return {**data, "callback_secret": "***"} if data and "callback_secret" in data else data

    def _schedule(self, pk: str) -> Schedule:
        return get_object_or_404(self._visible(), pk=pk)

    def _visible(self) -> QuerySet[Schedule]:
        return Schedule.objects.existing().visible_to(self.request.user)


def _version(schedule: Schedule, number: str, parameter: str = "") -> ScheduleVersion:
    """Return the version of that number; raises NotFound, or ValidationError on the parameter that named it."""
    readable = number.isascii() and number.isdecimal() and len(number) < 11 and 1 <= int(number) <= LARGEST
    found = schedule.versions.filter(number=int(number)).first() if readable else None
    if found is not None:
        version: ScheduleVersion = found
        return version
    sentence = f"{schedule.name} has no version {number[:20]}."
    raise ValidationError({parameter: [sentence]}) if parameter else NotFound(sentence)


def _fires(schedule: Schedule, other: ScheduleVersion, version: ScheduleVersion) -> Any:
    """Return how the fires ahead differ; None where one of the versions would be refused now."""
    try:
        return comparing.fires_changed(schedule, other.definition, version.definition, timezone.now())
    except Refused:
        return None
