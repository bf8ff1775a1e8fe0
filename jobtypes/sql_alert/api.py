"""Alerts over HTTP: how they stand, and what people do about them."""

from __future__ import annotations

import time
from typing import Any

import django_filters
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations.access import environments_of
from integrations.rest.documentation import KEY, READ_ERRORS, WRITE_ERRORS
from integrations.rest.filters import FlagFilter, StrictFilterBackend
from integrations.rest.idempotency import IdempotentWrites
from integrations.rest.problems import Conflict
from jobtypes import connections, registry
from jobtypes.base import InvalidParams, JobFailed
from jobtypes.sql_alert import ask, serializers
from jobtypes.sql_alert.models import AlertIncident, AlertState, AlertStateQuerySet

LONGEST_TRIAL = 30  # seconds
ID = OpenApiParameter("id", str, OpenApiParameter.PATH, description="Its name, or the number of its schedule.")
PLACE = OpenApiParameter("environment", str, description="Where it lives, if its name is not unique.")
TRIAL = {"connection": "warehouse", "query": "SELECT 'OK' AS status, count(*) AS actual_value FROM orders"}


class AlertFilter(django_filters.FilterSet):
    """All that are given must hold."""

    name = django_filters.CharFilter(help_text="The whole name.")
    environment = django_filters.CharFilter()
    state = django_filters.ChoiceFilter("standing", choices=AlertState.Standing.choices)
    last_status = django_filters.ChoiceFilter(choices=[(one, one) for one in ("OK", "ALERT", "ERROR")])
    enabled = FlagFilter("is_active")
    search = django_filters.CharFilter("name", "icontains", help_text="In the name.")

    class Meta:
        model = AlertState
        fields: list[str] = []


@extend_schema_view(
    list=extend_schema(summary="List alerts", responses={200: serializers.AlertSerializer(many=True), **READ_ERRORS}),
    retrieve=extend_schema(
        summary="Read an alert",
        parameters=[ID, PLACE],
        responses={200: serializers.AlertSerializer, **WRITE_ERRORS},
    ),
)
class AlertViewSet(IdempotentWrites, GenericViewSet[AlertState]):
    """What SQL alerts last said."""

    queryset = AlertState.objects.watched()
    serializer_class = serializers.AlertSerializer
    filter_backends = [StrictFilterBackend]
    filterset_class = AlertFilter
    orderings = {"id": "schedule_id", "name": "name", "since": "since"}
    usual_ordering = "name"
    lookup_value_regex = "[^/]{1,255}"
    rights = {
        "silence": "jobtypes.silence_alertstate",
        "unsilence": "jobtypes.silence_alertstate",
        "acknowledge": "jobtypes.silence_alertstate",
        "incidents": "jobtypes.view_alertstate",
        "test": "schedules.add_schedule",
    }

    def get_queryset(self) -> AlertStateQuerySet:
        """Return the alerts that exist for the caller."""
        return AlertState.objects.watched().visible_to(self.request.user).with_incidents()

    def get_object(self) -> AlertState:
        """Return the alert that the address names; raises Http404, and Conflict where its name is not unique."""
        try:
            return self.get_queryset().named(self.kwargs["pk"], self.request.query_params.get("environment", ""))
        except AlertState.DoesNotExist as missing:
            raise Http404(str(missing)) from None
        except AlertState.MultipleObjectsReturned as several:
            raise Conflict(str(several)) from None

    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="List the incidents of an alert",
        description="The newest 100, those that last among them.",
        parameters=[ID, PLACE],
        filters=False,
        responses={200: serializers.IncidentSerializer(many=True), **WRITE_ERRORS},
    )
    @action(detail=True, pagination_class=None)
    def incidents(self, request: Request, pk: str) -> Response:
        found = AlertIncident.objects.filter(state=self.get_object())[:100]
        return Response(serializers.IncidentSerializer(found, many=True).data)

    @extend_schema(
        summary="Silence an alert",
        description="Nothing is told for a while; its query runs on. What lasts is told afterwards.",
        parameters=[ID, PLACE, KEY],
        request=serializers.SilenceSerializer,
        responses={200: serializers.AlertSerializer, **WRITE_ERRORS},
        examples=[OpenApiExample("Two hours", {"duration": "2h", "reason": "Migration"}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def silence(self, request: Request, pk: str) -> Response:
        alert = self.get_object()
        values = _read(serializers.SilenceSerializer(data=request.data))
        alert.silence(values["span"], by=request.user.get_username(), reason=values["reason"])
        return Response(self.get_serializer(alert).data)

    @extend_schema(
        summary="End the silence of an alert",
        description="What is still owed is told within half a minute. Twice is allowed.",
        parameters=[ID, PLACE, KEY],
        request=None,
        responses={200: serializers.AlertSerializer, **WRITE_ERRORS},
    )
    @action(detail=True, methods=["post"])
    def unsilence(self, request: Request, pk: str) -> Response:
        alert = self.get_object()
        alert.unsilence(by=request.user.get_username())
        return Response(self.get_serializer(alert).data)

    @extend_schema(
        summary="Acknowledge the open incidents of an alert",
        description="Stops reminders and escalation; the recovery is told. 409 where no incident is open.",
        parameters=[ID, PLACE, KEY],
        request=serializers.AcknowledgeSerializer,
        responses={200: serializers.AlertSerializer, **WRITE_ERRORS},
        examples=[OpenApiExample("On it", {"note": "I restart the loader."}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str) -> Response:
        alert = self.get_object()
        note = _read(serializers.AcknowledgeSerializer(data=request.data))["note"]
        alert.acknowledge(by=request.user.get_username(), note=note)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="Try a query",
        description="Runs an unsaved query once, read only and under the guards of a stored one; keeps nothing.",
        request=serializers.TrialSerializer,
        responses={200: serializers.TriedSerializer, **WRITE_ERRORS},
        examples=[OpenApiExample("Count orders", TRIAL, request_only=True)],
    )
    @action(detail=False, methods=["post"])
    def test(self, request: Request) -> Response:
        sent = _read(serializers.TrialSerializer(data=request.data))
        try:
            config = registry.validate("sql_alert", {"query_timeout_seconds": LONGEST_TRIAL, **sent})
        except InvalidParams as refused:
            raise ValidationError(refused.errors) from None
        if foreign := connections.out_of_place(config, environments_of(request.user)):
            raise ValidationError(foreign)
        began = time.monotonic()
        try:
            verdict = ask(config, seconds=LONGEST_TRIAL)  # type: ignore[arg-type]  # sql_alert's own configuration
            said = serializers.said(verdict)
        except JobFailed as failed:
            said = serializers.unanswered(str(failed))
        return Response({**said, "duration_ms": round((time.monotonic() - began) * 1000)})


def _read(serializer: Any) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values
