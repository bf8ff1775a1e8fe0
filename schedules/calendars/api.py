"""Calendars over HTTP. Every change is a version, and plans the schedules on the calendar anew."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.access import environments_of, refuse_unless_changeable
from integrations.rest.collection import Versioned
from schedules.calendars import countries, effects, ical, serializers
from schedules.calendars.countries import UnknownHolidays
from schedules.calendars.definition import NamedDate
from schedules.calendars.documentation import describe
from schedules.calendars.ical import UnreadableFile
from schedules.calendars.models import CalendarQuerySet
from schedules.models import Calendar, CalendarVersion


class CalendarFilter(django_filters.FilterSet):
    """All that are given must hold."""

    name = django_filters.CharFilter(help_text="The whole name.")
    environment = django_filters.CharFilter(help_text="Of those that serve one environment only.")
    search = django_filters.CharFilter(field_name="name", lookup_expr="icontains", help_text="In the name.")

    class Meta:
        model = Calendar
        fields: list[str] = []


@describe
class CalendarViewSet(Versioned):
    """When work does not run: open weekdays, closed dates, maintenance windows."""

    queryset = Calendar.objects.all()
    serializer_class = serializers.CalendarSerializer
    filterset_class = CalendarFilter
    orderings = {"id": "id", "name": "name", "updated_at": "updated_at"}
    usual_ordering = "name"
    rights = {
        "preview_change": "schedules.change_calendar",
        "import_ical": "schedules.change_calendar",
        "import_holidays": "schedules.change_calendar",
        "roll_back": "schedules.change_calendar",
    }

    def get_queryset(self) -> CalendarQuerySet:
        """Return the calendars that exist for the caller."""
        return Calendar.objects.visible_to(self.request.user)

    def list(self, request: Request) -> Response:
        places = environments_of(request.user)
        seen = Q() if places is None else Q(schedules__environment__in=sorted(places))
        counted = Count("schedules", filter=seen & ~Q(schedules__status="deleted"))
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset().annotate(schedule_count=counted)))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)

    @action(detail=True)
    def versions(self, request: Request, pk: str) -> Response:
        found = self.get_object().versions.all()[:100]
        return Response(serializers.VersionsSerializer({"results": found}).data)

    @action(detail=True, methods=["post"], url_path="roll-back")
    @transaction.atomic
    def roll_back(self, request: Request, pk: str) -> Response:
        calendar = self.locked(pk)
        number = self._read(serializers.RollBackSerializer(data=request.data))["version"]
        try:
            calendar.roll_back(number, by=request.user.get_username())
        except CalendarVersion.DoesNotExist:
            raise ValidationError({"version": [f"{calendar.name} has no version {number}."]}) from None
        return self.shown(calendar)

    @action(detail=True, methods=["post"], url_path="preview-change")
    def preview_change(self, request: Request, pk: str) -> Response:
        stored = self.get_object()
        refuse_unless_changeable(stored, request.user)
        serializer = self.get_serializer(stored, data=request.data, partial=True)
        draft = copy.copy(stored)
        serializers.fill(draft, self._read(serializer))
        draft.full_clean()
        found = effects.of_change(stored, draft, timezone.now())
        return Response(serializers.EffectsSerializer(found).data)

    @action(detail=True, methods=["post"], url_path="import")
    @transaction.atomic
    def import_ical(self, request: Request, pk: str) -> Response:
        calendar = self.locked(pk)
        values = self._read(serializers.IcalSerializer(data=request.data))
        since, until = serializers.IcalSerializer.bounds(values)
        try:
            found = ical.dates(values["ics"], since=since, until=until)
        except UnreadableFile as refused:
            raise ValidationError({"ics": [str(refused)]}) from None
        return self._close(calendar, found, dry_run=values["dry_run"], why="Imported from an iCalendar file.")

    @action(detail=True, methods=["post"], url_path="holidays")
    @transaction.atomic
    def import_holidays(self, request: Request, pk: str) -> Response:
        calendar = self.locked(pk)
        values = self._read(serializers.HolidaysSerializer(data=request.data))
        try:
            found = countries.dates(values["country"], values["subdivision"], values["years"])
        except UnknownHolidays as refused:
            raise ValidationError({refused.field: [str(refused)]} if refused.field else str(refused)) from None
        where = " ".join(part for part in (values["country"], values["subdivision"]) if part).upper()
        return self._close(calendar, found, dry_run=values["dry_run"], why=f"Public holidays of {where}.")

    def _close(self, calendar: Calendar, found: Sequence[NamedDate], *, dry_run: bool, why: str) -> Response:
        """Close what was found, as a new version unless there is nothing new or nothing shall be stored."""
        added = calendar.close(found)
        if added and not dry_run:
            calendar.store(by=self.request.user.get_username(), why=why)
        told = {"found": found, "added": added, "version": calendar.version, "dry_run": dry_run}
        return Response(serializers.ImportedSerializer(told).data)

    def _read(self, serializer: Any) -> dict[str, Any]:
        serializer.is_valid(raise_exception=True)
        values: dict[str, Any] = serializer.validated_data
        return values
