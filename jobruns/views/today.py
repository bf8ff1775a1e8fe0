"""Today: one sentence, the day as a timeline, and what fails, runs, comes and was."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from jobruns.day import rows
from jobruns.history import COUNTED
from jobruns.models import JobRun, SchedulerProcess
from jobruns.states import state_of
from jobruns.timeline import SPANS, grid, marks, midnight, window
from schedules.models import Schedule
from schedules.pages import page, viewer_zone

LISTED = 8


@page("schedules.view_schedule", "jobruns.view_jobrun")
def today(request: HttpRequest) -> HttpResponse:
    """Show the day, or the three ways to begin where nothing is scheduled yet."""
    if not Schedule.objects.existing().exists():
        return render(request, "welcome.html")
    now = timezone.now()
    chosen = request.GET.get("span", "today")
    view = window(chosen if chosen in SPANS else "today", now)
    starts = {moment: JobRun.objects.first_id_since(moment) for moment in {midnight(now), view.start}}
    everything = bool(request.GET.get("all"))
    return render(
        request,
        "today.html",
        {
            **lists(),
            **opening(now, starts[midnight(now)]),
            "span": chosen,
            "everything": everything,
            "marks": marks(view),
            "now_at": f"{view.at(now):.2f}",
            "grid": grid(view),
            "rows": rows(view, starts[view.start], everything=everything),
            "now": now,
            "zone": viewer_zone(request),
        },
    )


def opening(now: datetime, first: int) -> dict[str, Any]:
    """Return the numbers of the sentence: fires since midnight (ids from `first`) by kind, and the next fire."""
    counts = JobRun.objects.filter(pk__gte=first).tally()
    return {
        "counts": counts,
        "capped": counts["total"] > COUNTED,
        "following": Schedule.objects.upcoming().filter(next_run_at__gt=now).first(),
    }


def lists() -> dict[str, Any]:
    """Return what stands beside the timeline, each list bounded."""
    alive = SchedulerProcess.objects.alive()
    failing = Schedule.objects.failing()
    latest = list(JobRun.objects.ended().light().order_by("-pk")[:LISTED])
    return {
        "failing": failing[:5],
        "failing_count": failing.count(),
        "alerting": JobRun.objects.alerting(5),
        "running": JobRun.objects.running().light().select_related("schedule").order_by("started_at")[:LISTED],
        "slots": sum(one.slots for one in alive) or settings.SCHEDULER_EXECUTOR_POOL_SIZE,
        "upcoming": Schedule.objects.upcoming()[:5],
        "latest": [(run, state_of(run)) for run in latest],
    }
