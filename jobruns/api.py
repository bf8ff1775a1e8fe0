"""Runs over HTTP, also under the name of executions."""

from __future__ import annotations

from typing import Any

import structlog
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import GenericViewSet

from integrations.access import environments_of
from integrations.rest.filters import StrictFilterBackend
from integrations.rest.idempotency import IdempotentWrites
from integrations.rest.problems import Conflict
from jobruns import serializers, stats
from jobruns.documentation import describe_runs, describe_runs_of_schedule, describe_stats
from jobruns.filters import RunFilter
from jobruns.models import JobRun
from jobruns.queries import JobRunQuerySet
from schedules.models import Schedule
from schedules.triggering import TriggerThrottle

log = structlog.get_logger(__name__)

REPEATABLE = {JobRun.Status.FAILED, JobRun.Status.CANCELLED, JobRun.Status.SKIPPED, JobRun.Status.MISSED}


@describe_runs
class RunViewSet(IdempotentWrites, GenericViewSet[JobRun]):
    """What ran, what runs, and how it went. Newest first."""

    queryset = JobRun.objects.all()
    serializer_class = serializers.RunSerializer
    filter_backends = [StrictFilterBackend]
    filterset_class = RunFilter
    lookup_value_regex = "[0-9]{1,18}"
    orderings = {name: name for name in ("id", "scheduled_for", "started_at", "finished_at", "queued_at")}
    usual_ordering = "-id"
    rights = {"cancel": "jobruns.cancel_jobrun", "retry": "schedules.trigger_schedule"}

    def get_queryset(self) -> JobRunQuerySet:
        """Return the runs that exist for the caller."""
        runs: JobRunQuerySet = JobRun.objects.visible_to(self.request.user)
        return runs

    def get_throttles(self) -> list[BaseThrottle]:
        """Return the usual throttles, and one more for requested runs."""
        return [*super().get_throttles(), *([TriggerThrottle()] if self.action == "retry" else [])]

    def list(self, request: Request) -> Response:
        return self._page(self.filter_queryset(self.get_queryset()))

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(serializers.RunDetailSerializer(self.get_object()).data)

    @action(detail=False)
    def running(self, request: Request) -> Response:
        return self._page(self.filter_queryset(self.get_queryset().running()))

    @action(detail=False, url_path="by-correlation/(?P<correlation_id>[A-Za-z0-9._:-]{1,64})")
    def by_correlation(self, request: Request, correlation_id: str) -> Response:
        return self._page(self.filter_queryset(self.get_queryset().filter(correlation_id=correlation_id)))

    @describe_runs_of_schedule
    def of_schedule(self, request: Request, schedule_id: str) -> Response:
        schedule = get_object_or_404(Schedule.objects.visible_to(request.user), pk=schedule_id)
        return self._page(self.filter_queryset(self.get_queryset().filter(schedule=schedule)))

    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        run = self.get_object()
        if not run.cancel(by=request.user.get_username()):
            raise Conflict(f"Run {run.pk} has ended: {run.get_status_display().lower()}.")
        return Response(serializers.RunDetailSerializer(run).data)

    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        run = self.get_object()
        schedule = get_object_or_404(Schedule.objects.visible_to(request.user), pk=run.schedule_id)
        if run.status not in REPEATABLE:
            raise Conflict(
                f"Run {run.pk} is {run.get_status_display().lower()}; only what did not succeed is retried."
            )
        if run.job_type != schedule.job_type:
            raise Conflict(f"{schedule.name} does another kind of work now: {schedule.job_type}.")
        fresh = schedule.runs.request(
            by=request.user.get_username(),
            trigger="api",
            params=run.params,
            correlation_id=run.correlation_id,
            act="retry",
        )
        log.info("run requested", run_id=fresh.pk, schedule_id=schedule.pk, correlation_id=fresh.correlation_id)
        return Response({"run_id": fresh.pk, "execution_id": fresh.pk}, status=202)

    @action(detail=True, orderings={"number": "number"}, usual_ordering="number")
    def logs(self, request: Request, pk: str) -> Response:
        return self._page(self.get_object().log_lines.all(), serializers.LogLineSerializer)

    def _page(self, rows: Any, serializer: Any = serializers.RunSerializer) -> Response:
        if rows.model is JobRun:
            rows = rows.defer("traceback")
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(serializer(page, many=True).data)


@describe_stats
class StatsViewSet(GenericViewSet[JobRun]):
    """Totals, rates and durations of runs."""

    queryset = JobRun.objects.none()
    serializer_class = serializers.StatsSerializer
    pagination_class = None

    def list(self, request: Request) -> Response:
        return self._shown(request, None)

    def retrieve(self, request: Request, schedule_id: str) -> Response:
        return self._shown(request, get_object_or_404(Schedule.objects.visible_to(request.user), pk=schedule_id))

    def _shown(self, request: Request, schedule: Schedule | None) -> Response:
        hours = request.query_params.get("time_window_hours")
        name = "window" if hours is None else "time_window_hours"
        text = request.query_params.get("window", "24h") if hours is None else f"{hours}h"
        try:
            length = stats.window(text)
        except stats.NoWindow as refused:
            raise ValidationError({name: [str(refused)]}) from None
        found = {"window": text, **stats.of(length, timezone.now(), schedule, environments_of(request.user))}
        return Response(serializers.StatsSerializer(found).data)
