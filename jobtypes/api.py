"""The job types of this installation over HTTP, each with the JSON schema of its parameters."""

from __future__ import annotations

from typing import Any

from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from integrations.rest.documentation import READ_ERRORS
from jobtypes import registry
from jobtypes.base import InvalidParams, JobType


class JobTypeSerializer(serializers.Serializer[Any]):
    """One kind of work."""

    name = serializers.CharField(help_text="What a schedule's `job_type` says.")
    title = serializers.CharField(source="label")
    description = serializers.CharField()
    timeout_seconds = serializers.IntegerField(help_text="Of a schedule that names none.")
    max_retries = serializers.IntegerField(allow_null=True, help_text="Null: the DEFAULT_MAX_RETRIES setting.")
    min_interval_seconds = serializers.IntegerField(help_text="The least time between two fires.")
    params_schema = serializers.SerializerMethodField()

    def get_params_schema(self, kind: JobType[Any]) -> dict[str, Any]:
        """Return the JSON schema of a schedule's `params`."""
        return kind.Config.model_json_schema()


class JobTypesSerializer(serializers.Serializer[Any]):
    """All job types, on one page that looks like those of other lists."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = JobTypeSerializer(many=True)


@extend_schema_view(
    list=extend_schema(
        summary="List job types",
        responses={200: forced_singular_serializer(JobTypesSerializer), **READ_ERRORS},  # type: ignore[no-untyped-call]
    ),
    retrieve=extend_schema(
        summary="Read a job type",
        parameters=[OpenApiParameter("name", str, OpenApiParameter.PATH)],
        responses={200: JobTypeSerializer, **READ_ERRORS},
    ),
)
class JobTypeViewSet(ViewSet):
    """The kinds of work that schedules can do."""

    rights = {"*": "schedules.view_schedule"}

    def list(self, request: Request) -> Response:
        shown = JobTypeSerializer(list(registry.job_types().values()), many=True)
        return Response({"next": None, "previous": None, "results": shown.data})

    def retrieve(self, request: Request, name: str) -> Response:
        try:
            kind = registry.job_type(name)
        except InvalidParams as unknown:
            raise NotFound(" ".join(unknown.errors["job_type"])) from None
        return Response(JobTypeSerializer(kind).data)
