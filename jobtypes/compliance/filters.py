"""What lists of systems, evidence, catalogs, controls and waivers can be narrowed by."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import django_filters
from django.db.models import Q
from django.utils import timezone

from integrations.rest.filters import FlagFilter, MomentFilter
from jobtypes.compliance.models import Catalog, Control, ControlRequirement, Evidence, System, Waiver
from jobtypes.compliance.oscal import spelled


class SystemFilter(django_filters.FilterSet):
    """All that are given must hold."""

    name = django_filters.CharFilter(help_text="The whole name.")
    environment = django_filters.CharFilter()
    search = django_filters.CharFilter(field_name="name", lookup_expr="icontains", help_text="In the name.")

    class Meta:
        model = System
        fields: list[str] = []


class EvidenceFilter(django_filters.FilterSet):
    """All that are given must hold."""

    system = django_filters.CharFilter(field_name="system__name", help_text="The whole name.")
    environment = django_filters.CharFilter(field_name="system__environment")
    evidence_type = django_filters.CharFilter(help_text="Such as audit-log.")
    type = django_filters.CharFilter(field_name="evidence_type", help_text="The same.")
    key = django_filters.CharFilter(help_text="The whole key.")
    sha256 = django_filters.CharFilter(lookup_expr="iexact")
    source = django_filters.CharFilter()
    expired = FlagFilter(method="by_expiry", help_text="Whether it expired.")
    expires_before = MomentFilter(field_name="expires_at", lookup_expr="lt")
    collected_after = MomentFilter(field_name="collected_at", lookup_expr="gte")
    collected_before = MomentFilter(field_name="collected_at", lookup_expr="lt")

    class Meta:
        model = Evidence
        fields: list[str] = []

    def by_expiry(self, rows: Any, name: str, value: bool) -> Any:
        """Return the rows that expired, or the others."""
        gone = Q(expires_at__isnull=False, expires_at__lte=timezone.now())
        return rows.filter(gone if value else ~gone)


class CatalogFilter(django_filters.FilterSet):
    """All that are given must hold."""

    key = django_filters.CharFilter(method="by_key", help_text="The whole key; `-` and `_` are alike.")
    framework = django_filters.CharFilter()
    baseline = django_filters.CharFilter(help_text="Such as LOW.")
    search = django_filters.CharFilter(field_name="title", lookup_expr="icontains", help_text="In the title.")

    class Meta:
        model = Catalog
        fields: list[str] = []

    def by_key(self, rows: Any, name: str, value: str) -> Any:
        """Return the catalog of that key."""
        return rows.filter(key=spelled(value))


class ControlFilter(django_filters.FilterSet):
    """All that are given must hold."""

    control_id = django_filters.CharFilter(lookup_expr="iexact", help_text="Such as AC-2.")
    family = django_filters.CharFilter(lookup_expr="iexact", help_text="Such as AC.")
    withdrawn = FlagFilter()
    depth = django_filters.NumberFilter(min_value=0, max_value=32_767, help_text="0: those that add to no other.")
    search = django_filters.CharFilter(field_name="title", lookup_expr="icontains", help_text="In the title.")

    class Meta:
        model = Control
        fields: list[str] = []


class ControlRequirementFilter(django_filters.FilterSet):
    """All that are given must hold."""

    control_id = django_filters.CharFilter(lookup_expr="iexact")
    family = django_filters.CharFilter(lookup_expr="iexact")

    class Meta:
        model = ControlRequirement
        fields: list[str] = []


class WaiverFilter(django_filters.FilterSet):
    """All that are given must hold."""

    control_id = django_filters.CharFilter(lookup_expr="iexact", help_text="Such as AC-2.")
    system = django_filters.CharFilter(method="by_system", help_text="Those that name it, or are for all.")
    active = FlagFilter(method="by_standing", help_text="Whether it holds today, in UTC.")

    class Meta:
        model = Waiver
        fields: list[str] = []

    def by_system(self, rows: Any, name: str, value: str) -> Any:
        """Return the waivers that hold for a system which the caller may see."""
        seen = System.objects.visible_to(self.request.user).filter(name=value).first()
        return rows.none() if seen is None else rows.for_system(seen)

    def by_standing(self, rows: Any, name: str, value: bool) -> Any:
        """Return the waivers that hold today, or the others."""
        today = timezone.now().astimezone(UTC).date()
        return rows.active_on(today) if value else rows.expired_on(today)
