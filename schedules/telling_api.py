"""Rules for what is told to whom, over HTTP, and the secret that callbacks are signed with."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations.access import elsewhere
from integrations.rest.collection import Collection
from integrations.rest.documentation import KEY, READ_ERRORS, WRITE_ERRORS
from integrations.rest.fields import OneOfVisible, StrictFields
from integrations.rest.idempotency import IdempotentWrites
from integrations.rest.problems import Conflict
from schedules.models import Schedule
from schedules.telling import MOST_CHANNELS, NoticeRule

EXAMPLE = {"schedule_id": 7, "event": "repeated", "threshold": 3, "channels": ["on-call"]}
DEFAULT = {"environment": "production", "event": "failure", "channels": ["ops-mail"]}


class VisibleField(OneOfVisible, serializers.PrimaryKeyRelatedField[Schedule]):
    """A schedule by its id."""


class NoticeRuleSerializer(StrictFields, serializers.ModelSerializer[NoticeRule]):
    """What is told to which channels: of one schedule, or by default where `schedule_id` is null."""

    kept_by_us = frozenset(["id", "told_at"])

    schedule_id = VisibleField(
        source="schedule", queryset=Schedule.objects.existing(), allow_null=True, required=False
    )
    channels = serializers.ListField(child=serializers.CharField(max_length=255), max_length=MOST_CHANNELS)

    class Meta:
        model = NoticeRule
        fields = ["id", "schedule_id", "environment", "event", "threshold", "channels", "told_at"]
        read_only_fields = ["id", "told_at"]

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse a default for an environment that is not the caller's; raises ValidationError."""
        rule = self.instance or NoticeRule()
        place = values.get("environment", rule.environment)
        is_default = values.get("schedule", rule.schedule) is None
        if is_default and (sentence := elsewhere(self.context["request"].user, place)):
            raise serializers.ValidationError({"environment": [sentence]})
        return values

    def create(self, values: dict[str, Any]) -> NoticeRule:
        """Store a new rule; raises Django's ValidationError."""
        return self.update(NoticeRule(), values)

    def update(self, rule: NoticeRule, values: dict[str, Any]) -> NoticeRule:
        """Store what changed; raises Django's ValidationError."""
        for name, value in values.items():
            setattr(rule, name, value)
        rule.store(by=self.context["request"].user.get_username())
        return rule


class NoticeRuleFilter(django_filters.FilterSet):
    """All that are given must hold."""

    schedule_id = django_filters.NumberFilter(min_value=0, max_value=2**63 - 1)
    environment = django_filters.CharFilter()
    event = django_filters.ChoiceFilter(choices=NoticeRule.Event.choices)

    class Meta:
        model = NoticeRule
        fields: list[str] = []


@extend_schema_view(
    list=extend_schema(summary="List notice rules", responses={200: NoticeRuleSerializer(many=True), **READ_ERRORS}),
    create=extend_schema(
        summary="Create a notice rule",
        parameters=[KEY],
        responses={201: NoticeRuleSerializer, **WRITE_ERRORS},
        examples=[
            OpenApiExample("After three failures in a row", EXAMPLE, request_only=True),
            OpenApiExample("A default", DEFAULT, request_only=True),
        ],
    ),
    retrieve=extend_schema(summary="Read a notice rule", responses={200: NoticeRuleSerializer, **READ_ERRORS}),
    update=extend_schema(
        summary="Change a notice rule",
        request=NoticeRuleSerializer(partial=True),
        parameters=[KEY],
        responses={200: NoticeRuleSerializer, **WRITE_ERRORS},
    ),
    partial_update=extend_schema(
        summary="Change parts of a notice rule",
        parameters=[KEY],
        responses={200: NoticeRuleSerializer, **WRITE_ERRORS},
    ),
    destroy=extend_schema(
        summary="Delete a notice rule",
        parameters=[KEY],
        responses={204: OpenApiResponse(description="Done."), **WRITE_ERRORS},
    ),
)
class NoticeRuleViewSet(Collection):
    """What is told of schedules, and to whom."""

    queryset = NoticeRule.objects.all()
    serializer_class = NoticeRuleSerializer
    filterset_class = NoticeRuleFilter


class CallbackSecretSerializer(serializers.Serializer[Any]):
    """What a receiver needs to check callbacks with."""

    callback_secret = serializers.CharField(read_only=True)


class CallbackSecretViewSet(IdempotentWrites, GenericViewSet[Schedule]):
    """The secret by which a receiver checks a schedule's callbacks."""

    queryset = Schedule.objects.existing()
    serializer_class = CallbackSecretSerializer
    pagination_class = None
    rights = {"*": "schedules.change_schedule"}

    @extend_schema(
        summary="Make a new callback secret",
        description="The answer alone shows it. Callbacks written from now on are signed with it.",
        parameters=[KEY],
        request=None,
        responses={
            200: CallbackSecretSerializer,
            **WRITE_ERRORS,
        },
    )
    @transaction.atomic
    def rotate(self, request: Request, pk: str) -> Response:
        schedule = get_object_or_404(
            Schedule.objects.existing().visible_to(request.user).select_for_update(no_key=True), pk=pk
        )
        if not schedule.callback_url:
            raise Conflict(f"{schedule.name} has no callback_url.")
        schedule.rotate_callback_secret(by=request.user.get_username())
        return Response(dict(schedule.revealed), headers={"Cache-Control": "no-store"})

    def kept_data(self, data: Any) -> Any:
        """Keep the answer without the secret: a repeated request does not show it again."""
        return {"callback_secret": "***"} if data and "callback_secret" in data else data
