"""Results and findings over HTTP."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations.rest.documentation import KEY, READ_ERRORS, WRITE_ERRORS
from integrations.rest.filters import FlagFilter, MomentFilter, StrictFilterBackend
from integrations.rest.idempotency import IdempotentWrites
from jobtypes.compliance import results_serializers as serializers
from jobtypes.compliance.models import Finding, ValidationResult

ID = OpenApiParameter("id", {"type": "integer", "minimum": 1}, OpenApiParameter.PATH)
MOST = 2**63 - 1


class _ByControl(django_filters.FilterSet):
    """All that are given must hold."""

    system = django_filters.CharFilter("system__name", help_text="A system's name.")
    environment = django_filters.CharFilter("system__environment")
    catalog = django_filters.CharFilter("control__catalog__key", help_text="A catalog's key.")
    control = django_filters.CharFilter(method="of_control", help_text="A control's id, such as AC-2.")
    family = django_filters.CharFilter(method="of_family", help_text="Such as AC.")

    def of_control(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Keep those of the control, in whatever case it is written."""
        return rows.filter(control__control_id=value.upper())

    def of_family(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Keep those of the family, in whatever case it is written."""
        return rows.filter(control__family=value.upper())


class ResultFilter(_ByControl):
    """All that are given must hold."""

    run_id = django_filters.NumberFilter(min_value=1, max_value=MOST, help_text="Of this run.")
    status = django_filters.MultipleChoiceFilter(
        choices=ValidationResult.Status.choices, help_text="Repeat it for any of these."
    )
    waived = FlagFilter()
    validated_after = MomentFilter("validated_at", "gte", help_text="Decided at this moment or later.")

    class Meta:
        model = ValidationResult
        fields: list[str] = []


class FindingFilter(_ByControl):
    """All that are given must hold."""

    status = django_filters.MultipleChoiceFilter(
        choices=Finding.Status.choices, help_text="Repeat it for any of these."
    )
    severity = django_filters.ChoiceFilter(choices=Finding.Severity.choices)
    run_id = django_filters.NumberFilter(min_value=1, max_value=MOST, help_text="That this run opened.")

    class Meta:
        model = Finding
        fields: list[str] = []


@extend_schema_view(
    list=extend_schema(
        summary="List results", responses={200: serializers.ResultSerializer(many=True), **READ_ERRORS}
    ),
    retrieve=extend_schema(
        summary="Read a result", parameters=[ID], responses={200: serializers.ResultSerializer, **READ_ERRORS}
    ),
)
class ResultViewSet(GenericViewSet[ValidationResult]):
    """What validations found, the newest first. Results are kept for the auditor and never change."""

    queryset = ValidationResult.objects.all()
    serializer_class = serializers.ResultSerializer
    filter_backends = [StrictFilterBackend]
    filterset_class = ResultFilter
    lookup_value_regex = "[0-9]{1,18}"
    orderings = {"id": "id", "validated_at": "validated_at"}
    usual_ordering = "-id"

    def get_queryset(self) -> QuerySet[ValidationResult]:
        """Return the results of the systems that exist for the caller."""
        rows = ValidationResult.objects.visible_to(self.request.user)
        return rows.select_related("system", "control__catalog")

    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)


@extend_schema_view(
    list=extend_schema(
        summary="List findings", responses={200: serializers.FindingSerializer(many=True), **READ_ERRORS}
    ),
    retrieve=extend_schema(
        summary="Read a finding", parameters=[ID], responses={200: serializers.FindingSerializer, **READ_ERRORS}
    ),
)
class FindingViewSet(IdempotentWrites, GenericViewSet[Finding]):
    """What somebody has to look into: controls that got worse, or fail."""

    queryset = Finding.objects.all()
    serializer_class = serializers.FindingSerializer
    filter_backends = [StrictFilterBackend]
    filterset_class = FindingFilter
    lookup_value_regex = "[0-9]{1,18}"
    orderings = {"id": "id", "found_at": "found_at"}
    usual_ordering = "-id"
    rights = {"move": "jobtypes.acknowledge_finding"}

    def get_queryset(self) -> QuerySet[Finding]:
        """Return the findings on systems that exist for the caller."""
        rows = Finding.objects.visible_to(self.request.user)
        return rows.select_related("system", "control__catalog").prefetch_related("events")

    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="Move a finding on",
        description="open to investigating or closed, investigating to remediating or closed, remediating to "
        "investigating or closed, closed to open; 409 for any other step.",
        parameters=[ID, KEY],
        request=serializers.MoveSerializer,
        responses={200: serializers.FindingSerializer, **WRITE_ERRORS},
        examples=[
            OpenApiExample("Look into it", {"status": "investigating", "note": "Key rotation?"}, request_only=True)
        ],
    )
    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: str) -> Response:
        finding = self.get_object()
        wanted = serializers.MoveSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        values: dict[str, Any] = wanted.validated_data
        finding.move(values["status"], by=request.user.get_username(), note=values["note"])
        return Response(self.get_serializer(self.get_object()).data)
