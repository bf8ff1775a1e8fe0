"""Filters of the list of runs."""

from __future__ import annotations

import django_filters
from django.db.models import Q

from integrations.rest.filters import MomentFilter
from jobruns.models import JobRun
from jobruns.queries import JobRunQuerySet
from jobtypes.filters import JobTypeFilter
from schedules.models import Schedule


class RunFilter(django_filters.FilterSet):
    """All that are given must hold."""

    schedule = django_filters.CharFilter(method="of_schedule", help_text="A schedule's id or name.")
    schedule_id = django_filters.CharFilter(method="of_schedule", help_text="The same as `schedule`.")
    status = django_filters.MultipleChoiceFilter(
        choices=JobRun.Status.choices, help_text="Repeat it for runs of any of these."
    )
    reason = django_filters.ChoiceFilter(choices=[choice for choice in JobRun.Reason.choices if choice[0]])
    trigger = django_filters.ChoiceFilter(choices=JobRun.Trigger.choices)
    environment = django_filters.CharFilter()
    job_type = JobTypeFilter(help_text="A name of `job-types`, or an alias of one.")
    started_after = MomentFilter("started_at", "gte", help_text="Started at this moment or later.")
    started_before = MomentFilter("started_at", "lt", help_text="Started before this moment.")
    correlation_id = django_filters.CharFilter()
    search = django_filters.CharFilter(method="having_text", help_text="In the schedule's name, summary and error.")

    class Meta:
        model = JobRun
        fields: list[str] = []

    def of_schedule(self, rows: JobRunQuerySet, name: str, value: str) -> JobRunQuerySet:
        """Keep the runs of the schedule with this id, or of those with this name."""
        named = Q(name=value)
        if value.isascii() and value.isdigit() and len(value) <= 18:
            named |= Q(pk=int(value))
        return rows.filter(schedule_id__in=list(Schedule.objects.filter(named).values_list("pk", flat=True)))

    def having_text(self, rows: JobRunQuerySet, name: str, value: str) -> JobRunQuerySet:
        """Keep those that contain the text, whatever the case."""
        return rows.filter(
            Q(schedule_name__icontains=value) | Q(summary__icontains=value) | Q(error__icontains=value)
        )
