"""Whether the process is up, whether it may be sent work, and, for those with a right, how things are."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from integrations.rest.permissions import OverAll
from jobruns.models import JobRun, SchedulerProcess
from scheduler_site import readiness
from schedules.models import RefusedFile, Schedule

NEVER_CACHED = {"Cache-Control": "no-store"}


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Answer 200 as long as the process answers at all; nothing else is looked at or told."""
    return JsonResponse({"status": "ok"}, headers=NEVER_CACHED)


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 if the database is there, a scheduler gave a fresh sign of life and fires keep up, else 503."""
    try:
        checks = {"database": "ok", **readiness.checks(timezone.now())}
    except (DatabaseError, InterfaceError):
        checks = {"database": "not reachable", "scheduler": "not known", "firing": "not known"}
    well = set(checks.values()) == {"ok"}
    body = {"status": "ok" if well else "unavailable", "checks": checks}
    return JsonResponse(body, status=200 if well else 503, headers=NEVER_CACHED)


class DetailedHealth(APIView):
    """Processes with their heartbeats, and what waits or is overdue."""

    permission_classes = [OverAll]
    rights = {"*": "jobruns.view_schedulerprocess"}

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        now = timezone.now()
        oldest = JobRun.objects.ready(now).order_by("available_at").values_list("available_at", flat=True).first()
        overdue = Schedule.objects.due(now).values_list("next_run_at", flat=True).first()
        alive = set(SchedulerProcess.objects.alive(now).values_list("pk", flat=True))
        checks = {"database": "ok", **readiness.checks(now)}
        return Response(
            {
                "status": "ok" if set(checks.values()) == {"ok"} else "unavailable",
                "checks": checks,
                "database": connection.vendor,
                "workers": readiness.workers(now),
                "processes": [
                    self._process(process, (now - process.heartbeat_at).total_seconds(), process.pk in alive)
                    for process in SchedulerProcess.objects.filter(stopped_at=None)[:100]
                ],
                "refused_files": [
                    {"source": one.source, "refused_at": one.refused_at, "problems": one.problems}
                    for one in RefusedFile.objects.all()[:100]
                ],
                "runs_pending": JobRun.objects.filter(status="pending").count(),
                "runs_running": JobRun.objects.running().count(),
                "oldest_ready_wait_seconds": (now - oldest).total_seconds() if oldest else 0,
                "overdue_schedules": Schedule.objects.due(now).count(),
                "most_overdue_seconds": (now - overdue).total_seconds() if overdue else 0,
            },
            headers=NEVER_CACHED,
        )

    def _process(self, process: SchedulerProcess, age: float, alive: bool) -> dict[str, Any]:
        return {
            "name": process.name,
            "version": process.version,
            "fires": process.fires,
            "queues": process.queues,
            "slots": process.slots,
            "busy": process.busy,
            "started_at": process.started_at,
            "heartbeat_age_seconds": round(age, 3),
            "alive": alive,
        }
