"""A run: what happened, when, why, what it said, and what one may do about it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from integrations.models import Delivery
from integrations.secrecy import masked
from jobruns.models import JobRun
from jobruns.panels import facts, number, panel
from jobruns.phases import phases
from jobruns.queries import JobRunQuerySet
from jobruns.states import State, state_of, why
from jobruns.views import deliveries
from jobruns.waiting import held_up
from jobtypes import registry
from schedules.models import Schedule
from schedules.pages import need, page, row_number, viewer_zone

LINES = 2_000
CHAIN = 50
TOLD = 20


@page("jobruns.view_jobrun")
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one run."""
    shown = get_object_or_404(seen(request).select_related("schedule"), pk=pk)
    before = JobRun.objects.last_success(shown) if not shown.is_active and shown.metrics else None
    return render(
        request,
        "run.html",
        {
            "run": shown,
            "state": state_of(shown),
            "verdict": held_up(shown) or why(shown),
            "phases": phases(shown, timezone.now(), shown.schedule.usual_seconds),
            "panel": panel(shown),
            "kind": dict(registry.choices()).get(shown.job_type, shown.job_type),
            "lines": shown.log_lines.all()[:LINES],
            "line_count": shown.log_lines.count(),
            "params": facts(masked(shown.params)),
            "attempts": [(one, state_of(one)) for one in attempts(shown)],
            "compared": compared(shown, before) if before else [],
            "before": before,
            "chain": [(one, state_of(one)) for one in chain(shown, seen(request))],
            "followed": followed(shown, seen(request)),
            "told": told(request, shown),
            "zone": viewer_zone(request),
        },
    )


@page("jobruns.view_jobrun")
def log_lines(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the log lines after `after`; when the run has ended, the page loads itself anew."""
    shown = get_object_or_404(seen(request), pk=pk)
    if not shown.is_active:
        return HttpResponse(headers={"HX-Refresh": "true"})
    after = row_number(request.GET.get("after")) or 0
    return render(
        request, "parts/log.html", {"run": shown, "lines": shown.log_lines.filter(number__gt=after)[:LINES]}
    )


@page("jobruns.view_jobrun")
def raw_log(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the log as plain text."""
    shown = get_object_or_404(seen(request), pk=pk)
    text = "".join(f"{line.at.isoformat()} {line.level} {line.text}\n" for line in shown.log_lines.iterator())
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers={"X-Content-Type-Options": "nosniff"})


@require_POST
@page("jobruns.view_jobrun")
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel a run that waits, ask one that runs to stop."""
    need(request, "jobruns.cancel_jobrun")
    shown = get_object_or_404(seen(request), pk=pk)
    if not shown.cancel(by=request.user.get_username()):
        messages.error(request, _("It has ended already; there is nothing to cancel."))
    elif shown.is_active:
        messages.success(request, _("It was asked to stop. If it does not, it is killed."))
    else:
        messages.success(request, _("Cancelled before it started."))
    return redirect("run", pk)


@require_POST
@page("jobruns.view_jobrun")
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for another run with the parameters of this one, and show it."""
    need(request, "schedules.trigger_schedule")
    shown = get_object_or_404(seen(request).select_related("schedule"), pk=pk)
    get_object_or_404(Schedule.objects.visible_to(request.user), pk=shown.schedule_id)
    try:
        asked = {"by": request.user.get_username(), "trigger": "manual", "act": "retry"}
        new = shown.schedule.runs.request(**asked, params=shown.params)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
        return redirect("run", pk)
    messages.success(request, _("Asked for a run with the same parameters. This is it."))
    return redirect("run", new.pk)


def seen(request: HttpRequest) -> JobRunQuerySet:
    """Return the runs that exist for the user."""
    runs: JobRunQuerySet = JobRun.objects.visible_to(request.user)
    return runs


def attempts(shown: JobRun) -> list[JobRun]:
    """Return all attempts at the same instant, oldest first; a run without retries stands alone."""
    same = JobRun.objects.filter(correlation_id=shown.correlation_id, idempotency_key=shown.idempotency_key)
    return list(same.light().order_by("attempt", "pk")[:20])


def chain(shown: JobRun, runs: JobRunQuerySet) -> list[JobRun]:
    """Return what else of `runs` has its correlation id, oldest first, this run among it; nothing if it is alone.

    The runs of one backfill share an id, but are no chain.
    """
    if shown.trigger == JobRun.Trigger.BACKFILL:
        return []
    same = runs.regular().filter(correlation_id=shown.correlation_id)
    found = list(same.light().order_by("pk")[:CHAIN])
    return found if len({one.schedule_id for one in found}) > 1 else []


def told(request: HttpRequest, shown: JobRun) -> list[tuple[Delivery, State]]:
    """Return what was told of the run, and how that stands; nothing to a user who may not see it."""
    if not request.user.has_perm("integrations.view_delivery"):
        return []
    found = Delivery.objects.visible_to(request.user).filter(run_id=shown.pk).order_by("pk")
    return [(one, deliveries.state_of(one)) for one in found[:TOLD]]


def followed(shown: JobRun, runs: JobRunQuerySet) -> JobRun | None:
    """Return the run that this one follows, if it is still kept."""
    return runs.filter(pk=(shown.parent or {}).get("run_id")).first() if shown.parent else None


def compared(shown: JobRun, before: JobRun) -> list[dict[str, Any]]:
    """Return each number of both runs side by side with the difference, and how long they took."""
    mine = {**masked(shown.metrics), "took": shown.duration_seconds}
    theirs = {**masked(before.metrics), "took": before.duration_seconds}
    rows = []
    for name, value in mine.items():
        here, there = number(value), number(theirs.get(name))
        if here is not None and there is not None:
            shape = {"name": name.replace("_", " "), "here": here, "there": there, "seconds": name == "took"}
            rows.append({**shape, "difference": here - there, "more": here > there, "same": here == there})
    return rows
