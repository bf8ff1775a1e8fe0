"""By what the workshop's lists can be narrowed, those of schedules and those of runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from jobtypes import registry
from schedules.models import Calendar, Schedule

Rows = QuerySet[Any]


class ByStatus(admin.SimpleListFilter):
    """Deleted schedules are hidden unless they are asked for."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        return list(Schedule.Status.choices)

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        if self.value() in Schedule.Status.values:
            return queryset.filter(status=self.value())
        return queryset.exclude(status=Schedule.Status.DELETED)


class ByJobType(admin.SimpleListFilter):
    title = _("job type")
    parameter_name = "job_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        return list(registry.choices())

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        return queryset.filter(job_type=self.value()) if self.value() else queryset


class ByCalendar(admin.RelatedFieldListFilter):
    """Offers the calendars that the user may see."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(one.pk), one.name) for one in Calendar.objects.visible_to(request.user)]


class ByEnvironment(admin.SimpleListFilter):
    """Offers the environments that schedules name, also where runs are listed: schedules are few, runs are many."""

    title = _("environment")
    parameter_name = "environment"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        names = (
            Schedule.objects.visible_to(request.user)
            .order_by("environment")
            .values_list("environment", flat=True)
            .distinct()
        )
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        return queryset.filter(environment=self.value()) if self.value() else queryset


class ByNextRun(admin.SimpleListFilter):
    title = _("next run")
    parameter_name = "next"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        return [("hour", _("Next hour")), ("day", _("Next 24 hours")), ("none", _("None"))]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        spans = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
        if self.value() == "none":
            return queryset.filter(next_run_at__isnull=True)
        if span := spans.get(self.value() or ""):
            return queryset.filter(next_run_at__lte=timezone.now() + span)
        return queryset
