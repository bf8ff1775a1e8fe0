"""The audit trail over HTTP: read, never written."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations.rest.documentation import READ_ERRORS
from integrations.rest.filters import MomentFilter, StrictFilterBackend
from integrations.trail import AuditEntry, AuditEntryQuerySet

EXAMPLE = {
    "id": 4711,
    "at": "2026-11-21T09:12:44.018233Z",
    "actor": "ada",
    "actor_id": 3,
    "source": "api",
    "act": "update",
    "kind": "schedule",
    "object_id": 7,
    "name": "nightly",
    "environment": "production",
    "reason": "The partner delivers later.",
    "on_behalf_of": "X-Created-By: bob",
    "correlation_id": "b1946ac92492d2347c6235b4d2611184",
    "bulk_id": "",
    "before": {"cron_expression": "0 2 * * *"},
    "after": {"cron_expression": "30 4 * * *"},
    "chain": {"position": 4711, "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
}


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    """One change. `before` and `after` hold the fields that changed, secrets as `***`."""

    before = serializers.DictField()
    after = serializers.DictField()
    chain = serializers.SerializerMethodField(help_text="Its place in the chain.")

    class Meta:
        model = AuditEntry
        fields = [
            *["id", "at", "actor", "actor_id", "source", "act", "kind", "object_id", "name", "environment"],
            *["reason", "on_behalf_of", "correlation_id", "bulk_id", "before", "after", "chain"],
        ]

    @extend_schema_field(
        {"type": "object", "properties": {"position": {"type": "integer"}, "digest": {"type": "string"}}}
    )
    def get_chain(self, entry: AuditEntry) -> dict[str, Any] | None:
        """Return position and digest of its link, None before its transaction has committed."""
        link = getattr(entry, "link", None)
        return None if link is None else {"position": link.position, "digest": link.digest}


class AuditFilter(django_filters.FilterSet):
    """All that are given must hold."""

    actor = django_filters.CharFilter(help_text="The whole name.")
    source = django_filters.MultipleChoiceFilter(
        choices=AuditEntry.Source.choices, help_text="Repeat it for changes by any of these ways."
    )
    act = django_filters.CharFilter(help_text="Such as create, update, delete, pause, resume, trigger.")
    kind = django_filters.CharFilter(help_text="Such as schedule, run, connection, channel, calendar, user.")
    object_id = django_filters.NumberFilter(min_value=0, max_value=2**63 - 1)
    environment = django_filters.CharFilter()
    correlation_id = django_filters.CharFilter()
    bulk_id = django_filters.CharFilter(help_text="Shared by what was done in one go.")
    since = MomentFilter("at", "gte", help_text="At this moment or later.")
    until = MomentFilter("at", "lt", help_text="Before this moment.")
    search = django_filters.CharFilter(method="having_text", help_text="In the name, the reason and the actor.")

    class Meta:
        model = AuditEntry
        fields: list[str] = []

    def having_text(self, rows: AuditEntryQuerySet, name: str, value: str) -> AuditEntryQuerySet:
        """Keep those that contain the text, whatever the case."""
        return rows.having_text(value)


@extend_schema_view(
    list=extend_schema(
        summary="List changes",
        description="Who changed what, by which way and why; newest first.",
        responses={200: AuditEntrySerializer(many=True), **READ_ERRORS},
    ),
    retrieve=extend_schema(
        summary="Read a change",
        responses={200: AuditEntrySerializer, **READ_ERRORS},
        examples=[OpenApiExample("An edit", EXAMPLE, response_only=True)],
    ),
)
class AuditViewSet(GenericViewSet[AuditEntry]):
    """The audit trail."""

    queryset = AuditEntry.objects.none()
    serializer_class = AuditEntrySerializer
    filter_backends = [StrictFilterBackend]
    filterset_class = AuditFilter
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[AuditEntry]:
        """Return what the caller may see."""
        return AuditEntry.objects.select_related("link").visible_to(self.request.user)

    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)
