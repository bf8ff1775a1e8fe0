"""Alerts: the board of how they stand, one alert with its values over time, and what people do about them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from jobruns.alertboard import board, card
from jobruns.answers import answers, curve
from jobruns.panels import facts
from jobtypes.models import AlertIncident, AlertState
from jobtypes.sql_alert.durations import seconds
from schedules.files.models import RefusedFile
from schedules.models import Schedule
from schedules.pages import need, page, row_number, viewer_zone
from schedules.timing import TimingError, sentence

SHOWN, INCIDENTS, MOST_ANSWERS = 200, 50, 2_000
TALL = 180
SPANS = {
    "day": (gettext_lazy("24 h"), timedelta(days=1)),
    "week": (gettext_lazy("7 d"), timedelta(days=7)),
    "month": (gettext_lazy("30 d"), timedelta(days=30)),
    "quarter": (gettext_lazy("90 d"), timedelta(days=90)),
}
SILENCES = (
    ("1h", gettext_lazy("1 hour")),
    ("4h", gettext_lazy("4 hours")),
    ("1d", gettext_lazy("1 day")),
    ("7d", gettext_lazy("1 week")),
)
HIDDEN = ("query", "notify", "escalate", "inhibited_by", "labels", "runbook_url")


@page("jobtypes.view_alertstate")
def alerts(request: HttpRequest) -> HttpResponse:
    """Show how all alerts stand: those in trouble as cards, the others in a table."""
    seen = AlertState.objects.watched().visible_to(request.user)
    cards, rows = board(list(seen.with_incidents().order_by("name")[:SHOWN]), timezone.now())
    counts = {key: sum(one.key == key for one in cards) for key in ("alert", "silenced", "error")}
    return render(
        request,
        "alerts/board.html",
        {
            "cards": cards,
            "rows": rows,
            "counts": counts,
            "ok": sum(one.key == "success" for one in rows),
            "total": seen.count(),
            "shown": SHOWN,
            "silences": SILENCES,
            "open": AlertIncident.objects.visible_to(request.user).open().count(),
            "refused": RefusedFile.objects.visible_to(request.user),
            "zone": viewer_zone(request),
        },
    )


@page("jobtypes.view_alertstate")
def incidents(request: HttpRequest) -> HttpResponse:
    """Show the incidents of all alerts, the newest first."""
    before = row_number(request.GET.get("before"))
    found = AlertIncident.objects.visible_to(request.user).select_related("state").order_by("-pk")
    if before is not None:
        found = found.filter(pk__lt=before)
    rows = list(found[: INCIDENTS + 1])
    return render(
        request,
        "alerts/incidents.html",
        {
            "incidents": rows[:INCIDENTS],
            "older": rows[INCIDENTS - 1].pk if len(rows) > INCIDENTS else None,
            "before": before,
            "open": AlertIncident.objects.visible_to(request.user).open().count(),
            "zone": viewer_zone(request),
        },
    )


@page("jobtypes.view_alertstate")
def alert(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one alert; `pk` is the number of its schedule."""
    shown = _alert(request, pk)
    span = request.GET.get("span", "")
    span = span if span in SPANS else "day"
    now = timezone.now()
    found = answers(pk, most=MOST_ANSWERS, since=now - SPANS[span][1])
    params = {name: value for name, value in shown.params.items() if name not in HIDDEN}
    return render(
        request,
        "alerts/alert.html",
        {
            "card": card(shown, now),
            "alert": shown,
            "query": shown.params.get("query", ""),
            "facts": facts({**params, **(shown.params.get("labels") or {})}),
            "notify": shown.params.get("notify") or [],
            "runbook": shown.params.get("runbook_url", ""),
            "context": facts(shown.context),
            "chart": curve(found, high=TALL, label=_("Values against the threshold"), key="gap"),
            "first": found[0] if found else None,
            "last": found[-1] if found else None,
            "count": len(found),
            "cut": len(found) == MOST_ANSWERS,
            "spans": [(key, label) for key, (label, _length) in SPANS.items()],
            "span": span,
            "incidents": AlertIncident.objects.filter(state=shown)[:INCIDENTS],
            "timing": _timing(pk),
            "silences": SILENCES,
            "zone": viewer_zone(request),
        },
    )


@require_POST
@page("jobtypes.view_alertstate")
def alert_silence(request: HttpRequest, pk: int) -> HttpResponse:
    """Tell nothing of an alert for a while."""
    need(request, "jobtypes.silence_alertstate")
    shown = _alert(request, pk)
    asked = request.POST.get("other", "").strip() or request.POST.get("for", "")
    try:
        shown.silence(
            timedelta(seconds=seconds(asked)),
            by=request.user.get_username(),
            reason=request.POST.get("reason", "").strip()[:500],
        )
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    except ValueError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("%(name)s is silenced. Its query runs on.") % {"name": shown.name})
    return _back(request, pk)


@require_POST
@page("jobtypes.view_alertstate")
def alert_unsilence(request: HttpRequest, pk: int) -> HttpResponse:
    """End a silence."""
    need(request, "jobtypes.silence_alertstate")
    shown = _alert(request, pk)
    shown.unsilence(by=request.user.get_username())
    messages.success(request, _("%(name)s is told again.") % {"name": shown.name})
    return _back(request, pk)


@require_POST
@page("jobtypes.view_alertstate")
def alert_acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Take on what is open: no more reminders."""
    need(request, "jobtypes.silence_alertstate")
    shown = _alert(request, pk)
    try:
        shown.acknowledge(by=request.user.get_username(), note=request.POST.get("note", "").strip()[:500])
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        said = _("You have taken on %(name)s. There are no more reminders; its end is told.")
        messages.success(request, said % {"name": shown.name})
    return _back(request, pk)


def _alert(request: HttpRequest, pk: int) -> AlertState:
    seen: Any = AlertState.objects.watched().visible_to(request.user).with_incidents()
    found: AlertState = get_object_or_404(seen, schedule_id=pk, key="")
    return found


def _timing(schedule_id: int) -> str:
    """Return when it is asked, in a sentence."""
    try:
        return sentence(get_object_or_404(Schedule, pk=schedule_id).timing)
    except TimingError as broken:
        return str(broken)


def _back(request: HttpRequest, pk: int) -> HttpResponse:
    return redirect("alert", pk) if request.POST.get("next") == "alert" else redirect("alerts")
