"""The list of runs: what is active first, then the newest; filters live in the address."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobruns.history import COUNTED
from jobruns.models import JobRun
from jobruns.queries import JobRunQuerySet
from jobruns.states import state_of, why
from jobtypes import registry
from schedules.models import Schedule
from schedules.pages import page, row_number, viewer_zone
from schedules.search import words

PAGE, ACTIVE, NAMED = 50, 20, 500
SPANS = {
    "hour": (gettext_lazy("Hour"), timedelta(hours=1)),
    "day": (gettext_lazy("24 h"), timedelta(days=1)),
    "week": (gettext_lazy("7 d"), timedelta(days=7)),
    "month": (gettext_lazy("30 d"), timedelta(days=30)),
    "all": (gettext_lazy("All"), None),
}
CHIPS = ("failed", "running", "pending", "success", "skipped", "missed", "cancelled", "late", "alert")
FIELDS = {"reason": "reason", "type": "job_type", "trigger": "trigger", "env": "environment", "by": "triggered_by"}


@page("jobruns.view_jobrun")
def runs(request: HttpRequest) -> HttpResponse:
    """Show one page of the runs that the filters leave."""
    span = request.GET.get("span", "")
    span = span if span in SPANS else "day"
    status = request.GET.get("status", "")
    status = status if status in CHIPS else ""
    before = row_number(request.GET.get("before"))
    found, problem = search(JobRun.objects.visible_to(request.user), request.GET.get("q", ""))
    within = SPANS[span][1]
    if within is not None:
        found = found.since(timezone.now() - within)
    chosen = of_state(found, status)
    active = list(chosen.active().light().order_by("-pk")[:ACTIVE]) if before is None else []
    newest, older = chosen.exclude(pk__in=[run.pk for run in active]).light().older_than(before, PAGE)
    counts = found.tally()
    return render(
        request,
        "runs.html",
        {
            "rows": [(run, state_of(run), why(run)) for run in [*active, *newest]],
            "kinds": dict(registry.choices()),
            "older": older,
            "before": before,
            "status": status,
            "span": span,
            "spans": [(key, label) for key, (label, _length) in SPANS.items()],
            "query": request.GET.get("q", ""),
            "problem": problem,
            "chips": chips(counts, status),
            "total": counted(counts["total"]),
            "live": before is None,
            "zone": viewer_zone(request),
        },
    )


def search(found: JobRunQuerySet, text: str) -> tuple[JobRunQuerySet, str]:
    """Return the runs that a search line leaves, and a sentence if it cannot be read."""
    try:
        split = words(text)
    except ValueError:
        return found.none(), _("A quotation mark is open; close it.")
    names = Q()
    for word in split:
        key, colon, value = word.partition(":")
        if not colon or key == "schedule":
            names &= Q(name__icontains=value if colon else word)
        elif key == "status":
            found = of_state(found, value)
        elif key in FIELDS:
            found = found.filter(**{FIELDS[key]: registry.canonical(value) if key == "type" else value})
        else:
            known = ", ".join(f"{one}:" for one in ("schedule", "status", *FIELDS))
            return found.none(), _("There is no %(name)s:. Write %(known)s") % {"name": key, "known": known}
    if names:
        meant = Schedule.objects.filter(names).order_by("pk").values_list("pk", flat=True)[:NAMED]
        found = found.filter(schedule__in=list(meant))
    return found, ""


def of_state(found: JobRunQuerySet, status: str) -> JobRunQuerySet:
    """Return the runs in a state: a status, or what a success may mean: late, alert."""
    if status == "late":
        return found.late()
    if status == "alert":
        return found.filter(status="success", result__status="ALERT")
    return found.filter(status=status) if status else found


def chips(counts: dict[str, int], status: str) -> list[dict[str, Any]]:
    """Return a chip for each state that occurs, and for the one that is chosen."""
    words = {**dict(JobRun.Status.choices), "late": _("Late"), "alert": _("Alert")}
    return [
        {"key": key, "word": words[key], "count": counted(counts[key]), "current": key == status}
        for key in CHIPS
        if counts[key] or key == status
    ]


def counted(number: int) -> str:
    """Write a count that stops at 10,000."""
    return f"{COUNTED:,}+" if number > COUNTED else f"{number:,}"
