"""Today: one sentence, the day as a timeline, and what fails, runs, comes and was."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from integrations.access import environments_of
from jobruns.day import rows
from jobruns.history import COUNTED
from jobruns.models import JobRun, SchedulerProcess
from jobruns.states import state_of
from jobruns.timeline import SPANS, grid, marks, midnight, window
from schedules.models import Schedule
from schedules.pages import page, viewer_zone

LISTED = 8
Places = frozenset[str] | None


@page("schedules.view_schedule", "jobruns.view_jobrun")
def today(request: HttpRequest) -> HttpResponse:
    """Show the day, or the three ways to begin where nothing is scheduled yet."""
    if not Schedule.objects.existing().visible_to(request.user).exists():
        return render(request, "welcome.html")
    now, places = timezone.now(), environments_of(request.user)
    chosen = request.GET.get("span", "today")
    view = window(chosen if chosen in SPANS else "today", now)
    starts = {moment: JobRun.objects.first_id_since(moment) for moment in {midnight(now), view.start}}
    everything = bool(request.GET.get("all"))
    return render(
        request,
        "today.html",
        {
            **lists(places),
            **opening(now, starts[midnight(now)], places),
            "span": chosen,
            "everything": everything,
            "marks": marks(view),
            "now_at": f"{view.at(now):.2f}",
            "grid": grid(view),
            "rows": rows(view, starts[view.start], places, everything=everything),
            "now": now,
            "zone": viewer_zone(request),
        },
    )


def opening(now: datetime, first: int, places: Places) -> dict[str, Any]:
    """Return the numbers of the sentence: fires since midnight (ids from `first`) by kind, and the next fire."""
    counts = JobRun.objects.within(places).filter(pk__gte=first).tally()
    return {
        "counts": counts,
        "capped": counts["total"] > COUNTED,
        "following": Schedule.objects.within(places).upcoming().filter(next_run_at__gt=now).first(),
    }


def lists(places: Places) -> dict[str, Any]:
    """Return what stands beside the timeline, each list bounded, of these environments or of all."""
    schedules, runs = Schedule.objects.within(places), JobRun.objects.within(places)
    alive = SchedulerProcess.objects.alive()
    failing = schedules.failing()
    latest = list(runs.ended().light().order_by("-pk")[:LISTED])
    return {
        "failing": failing[:5],
        "failing_count": failing.count(),
        "alerting": runs.alerting(5),
        "running": runs.running().light().select_related("schedule").order_by("started_at")[:LISTED],
        "slots": sum(one.slots for one in alive) or settings.SCHEDULER_EXECUTOR_POOL_SIZE,
        "upcoming": schedules.upcoming()[:5],
        "latest": [(run, state_of(run)) for run in latest],
    }
