"""Limits of tags over HTTP."""

from __future__ import annotations

from typing import Any

import django_filters
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.access import COMMON, environments_of
from integrations.rest.collection import Collection
from integrations.rest.documentation import KEY, READ_ERRORS, WRITE_ERRORS
from integrations.rest.fields import StrictFields
from schedules.limits import TagLimit
from schedules.models import Schedule

KEPT = ["id", "running", "created_by", "updated_by", "created_at", "updated_at"]


class TagLimitSerializer(StrictFields, serializers.ModelSerializer[TagLimit]):
    """How many runs of schedules with one tag may go on at once."""

    kept_by_us = frozenset(KEPT)

    tag = serializers.CharField(max_length=64, trim_whitespace=False)
    running = serializers.SerializerMethodField(help_text="How many run now.")

    class Meta:
        model = TagLimit
        fields = ["id", "tag", "max_running", "running", "note", *KEPT[2:]]
        read_only_fields = KEPT
        validators: list[Any] = []
        extra_kwargs = {"note": {"allow_null": True, "required": False}}

    def get_running(self, limit: TagLimit) -> int:
        """Return how many runs go on that the limit counts."""
        return Schedule.objects.running_tagged(limit.tag)

    def create(self, values: dict[str, Any]) -> TagLimit:
        """Store a new limit; raises ValidationError."""
        return self.update(TagLimit(), values)

    def update(self, limit: TagLimit, values: dict[str, Any]) -> TagLimit:
        """Store what was sent, null clearing the note; raises ValidationError."""
        for name, value in values.items():
            setattr(limit, name, "" if value is None else value)
        limit.store(by=self.context["request"].user.get_username())
        return limit


class TagLimitFilter(django_filters.FilterSet):
    """All that are given must hold."""

    tag = django_filters.CharFilter(help_text="The whole tag.")

    class Meta:
        model = TagLimit
        fields: list[str] = []


BILLING = {"tag": "billing", "max_running": 2, "note": "The invoicing service takes two calls at a time."}


@extend_schema_view(
    list=extend_schema(summary="List limits of tags", responses={200: TagLimitSerializer(many=True), **READ_ERRORS}),
    create=extend_schema(
        summary="Limit a tag",
        description="Counts from the next claim on; what runs already goes on.",
        parameters=[KEY],
        responses={201: TagLimitSerializer, **WRITE_ERRORS},
        examples=[OpenApiExample("Two at a time", BILLING, request_only=True)],
    ),
    retrieve=extend_schema(summary="Read the limit of a tag", responses={200: TagLimitSerializer, **READ_ERRORS}),
    update=extend_schema(
        summary="Change the limit of a tag",
        description="Only what is sent changes.",
        request=TagLimitSerializer(partial=True),
        parameters=[KEY],
        responses={200: TagLimitSerializer, **WRITE_ERRORS},
    ),
    partial_update=extend_schema(
        summary="Change parts of the limit of a tag",
        parameters=[KEY],
        responses={200: TagLimitSerializer, **WRITE_ERRORS},
        examples=[OpenApiExample("Four at a time", {"max_running": 4}, request_only=True)],
    ),
    destroy=extend_schema(
        summary="Remove the limit of a tag",
        parameters=[KEY],
        responses={204: OpenApiResponse(description="Removed; what waited for it may start."), **WRITE_ERRORS},
    ),
)
class TagLimitViewSet(Collection):
    """How many runs of schedules with one tag may go on at once."""

    queryset = TagLimit.objects.all()
    serializer_class = TagLimitSerializer
    filterset_class = TagLimitFilter
    orderings = {name: name for name in ("id", "tag", "max_running")}
    usual_ordering = "tag"

    def create(self, request: Request) -> Response:
        if environments_of(request.user) is not None:
            raise PermissionDenied(COMMON)
        return super().create(request)
