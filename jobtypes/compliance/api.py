"""Systems, their evidence, catalogs with controls, own requirements and waivers over HTTP."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations.access import COMMON, environments_of
from integrations.rest.collection import Collection, Versioned
from integrations.rest.filters import StrictFilterBackend
from integrations.rest.idempotency import IdempotentWrites
from jobtypes.compliance import documentation, filters, serializers
from jobtypes.compliance.models import (
    Catalog,
    Control,
    ControlRequirement,
    Evidence,
    EvidenceAccess,
    EvidenceVersion,
    System,
    Waiver,
)

MOST = 100  # versions, and acts of the log, that are shown


@documentation.describe_systems
class SystemViewSet(Versioned):
    """What has to show evidence. A system's environment decides who sees it, and all that is known of it."""

    queryset = System.objects.all()
    serializer_class = serializers.SystemSerializer
    filterset_class = filters.SystemFilter
    orderings = {name: name for name in ("id", "name", "environment", "updated_at")}
    usual_ordering = "name"


@documentation.describe_evidence
class EvidenceViewSet(Versioned):
    """What systems have to show. Every change is a version, and everything done with it is logged."""

    queryset = Evidence.objects.kept().select_related("system")
    serializer_class = serializers.EvidenceSerializer
    filterset_class = filters.EvidenceFilter
    orderings = {name: name for name in ("id", "evidence_type", "collected_at", "expires_at", "updated_at")}
    usual_ordering = "-id"
    rights = {"accesses": "jobtypes.view_evidenceaccess"}

    def retrieve(self, request: Request, pk: str) -> Response:
        evidence = self.get_object()
        self._log_reading(evidence)
        return self.shown(evidence)

    @action(detail=True)
    def versions(self, request: Request, pk: str) -> Response:
        evidence = self.get_object()
        self._log_reading(evidence)
        found = EvidenceVersion.objects.filter(evidence=evidence)[:MOST]
        return Response(serializers.EvidenceVersionsSerializer({"results": found}).data)

    @action(detail=True)
    def accesses(self, request: Request, pk: str) -> Response:
        found = EvidenceAccess.objects.filter(evidence=self.get_object())[:MOST]
        return Response(serializers.EvidenceAccessesSerializer({"results": found}).data)

    def remove(self, row: Evidence) -> None:
        """Let it count no more."""
        row.remove(by=self.request.user.get_username(), address=self._address)

    def _log_reading(self, evidence: Evidence) -> None:
        who = self.request.user.get_username()
        EvidenceAccess.objects.log([evidence.pk], EvidenceAccess.Action.READ, who=who, address=self._address)

    @property
    def _address(self) -> str:
        return str(self.request.META.get("REMOTE_ADDR", ""))


@documentation.describe_catalogs
class CatalogViewSet(IdempotentWrites, GenericViewSet[Catalog]):
    """Catalogs and baselines, as `loadcatalog` read them. They are of no environment."""

    queryset = Catalog.objects.all()
    serializer_class = serializers.CatalogSerializer
    filter_backends = [StrictFilterBackend]
    filterset_class = filters.CatalogFilter
    lookup_value_regex = "[0-9]{1,18}"
    orderings = {name: name for name in ("id", "key", "loaded_at")}
    usual_ordering = "key"

    def get_queryset(self) -> Any:
        """Return the catalogs with the numbers of their controls."""
        return Catalog.objects.counted()

    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    @transaction.atomic
    def destroy(self, request: Request, pk: str) -> Response:
        catalog = get_object_or_404(Catalog.objects.select_for_update(), pk=pk)
        _refuse_limited(request)
        catalog.remove(by=request.user.get_username())
        return Response(status=204)


@documentation.describe_controls
class ControlViewSet(GenericViewSet[Control]):
    """The controls that a catalog has."""

    queryset = Control.objects.listed().select_related("parent")
    serializer_class = serializers.ControlSerializer
    filter_backends = [StrictFilterBackend]
    filterset_class = filters.ControlFilter
    orderings = {"id": "id", "position": "position", "control_id": "control_id"}
    usual_ordering = "position"

    def list(self, request: Request, catalog_id: str) -> Response:
        catalog = get_object_or_404(Catalog, pk=catalog_id)
        rows = self.filter_queryset(self.get_queryset().filter(catalog=catalog))
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(rows), many=True).data)


@documentation.describe_requirements
class ControlRequirementViewSet(Collection):
    """What controls and families require here, beating what Carillon knows. They are of no environment."""

    queryset = ControlRequirement.objects.all()
    serializer_class = serializers.ControlRequirementSerializer
    filterset_class = filters.ControlRequirementFilter
    orderings = {name: name for name in ("id", "control_id", "family", "updated_at")}
    usual_ordering = "id"

    def create(self, request: Request) -> Response:
        _refuse_limited(request)
        return super().create(request)


@documentation.describe_waivers
class WaiverViewSet(Versioned):
    """Why controls need not pass for a while. One that names no system is for all of them."""

    queryset = Waiver.objects.prefetch_related("systems")
    serializer_class = serializers.WaiverSerializer
    filterset_class = filters.WaiverFilter
    orderings = {name: name for name in ("id", "control_id", "expires", "updated_at")}
    usual_ordering = "expires"


def _refuse_limited(request: Request) -> None:
    """Raise PermissionDenied for a user who is limited to environments: this is for all of them."""
    if environments_of(request.user) is not None:
        raise PermissionDenied(COMMON)
