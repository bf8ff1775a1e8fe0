"""Filters of the list of schedules."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Q

from integrations.rest.filters import FlagFilter, WordsFilter
from jobtypes.filters import JobTypeFilter
from schedules.models import Schedule
from schedules.queries import ScheduleQuerySet


class ScheduleFilter(django_filters.FilterSet):
    """All that are given must hold. Deleted schedules are listed by `status=deleted` only."""

    name = django_filters.CharFilter(help_text="The whole name.")
    environment = django_filters.CharFilter()
    job_type = JobTypeFilter(help_text="A name of `job-types`, or an alias of one.")
    schedule_type = django_filters.ChoiceFilter(choices=Schedule.Kind.choices)
    status = django_filters.ChoiceFilter(choices=Schedule.Status.choices)
    enabled = FlagFilter(method="having_enabled", help_text="Also under the name `is_active`.")
    is_active = FlagFilter(method="having_enabled", help_text="The same as `enabled`.")
    tag = WordsFilter(method="having_tags", help_text="Repeat it for schedules that carry all of them.")
    calendar = django_filters.CharFilter("calendar__name", help_text="The name of its calendar.")
    project = django_filters.CharFilter("params__project", help_text="The import project that its job names.")
    created_by = django_filters.CharFilter(help_text="A user's name.")
    search = django_filters.CharFilter(method="having_text", help_text="In name and description.")

    class Meta:
        model = Schedule
        fields: list[str] = []

    def filter_queryset(self, queryset: ScheduleQuerySet) -> ScheduleQuerySet:
        """Return the rows that pass, deleted ones left out unless they are asked for."""
        rows: ScheduleQuerySet = super().filter_queryset(queryset)
        return rows if self.form.cleaned_data.get("status") == Schedule.Status.DELETED else rows.existing()

    def having_enabled(self, rows: ScheduleQuerySet, name: str, value: bool) -> ScheduleQuerySet:
        """Keep those that fire, or those that do not."""
        return rows.filter(status="active") if value else rows.exclude(status="active")

    def having_tags(self, rows: ScheduleQuerySet, name: str, value: list[str]) -> ScheduleQuerySet:
        """Keep those that carry every tag."""
        return rows.tagged(*value) if value else rows

    def having_text(self, rows: ScheduleQuerySet, name: str, value: Any) -> ScheduleQuerySet:
        """Keep those whose name or description contains the text, whatever the case."""
        return rows.filter(Q(name__icontains=value) | Q(description__icontains=value))
