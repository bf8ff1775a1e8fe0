"""What was told, to whom, and how it went: the list with its filters, one delivery, and sending it again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from integrations.models import Delivery
from integrations.queries import DeliveryQuerySet
from jobruns.models import JobRun
from jobruns.states import State
from jobruns.views.runs import counted
from schedules.models import Schedule
from schedules.pages import need, page, row_number, viewer_zone

PAGE, NAMED = 50, 500
KEYS = {
    "pending": "pending",
    "sending": "running",
    "delivered": "success",
    "failed": "failed",
    "discarded": "skipped",
}
Row = tuple[Delivery, State, str]


@page("integrations.view_delivery")
def deliveries(request: HttpRequest) -> HttpResponse:
    """Show one page of the deliveries that the filters leave."""
    told = request.GET
    mine = Delivery.objects.visible_to(request.user)
    found = narrowed(mine, request)
    status = told.get("status", "")
    status = status if status in KEYS else ""
    before = row_number(told.get("before"))
    counts = found.tally()
    rows, older = (found.filter(status=status) if status else found).older_than(before, PAGE)
    return render(
        request,
        "deliveries.html",
        {
            "rows": shown(rows, request),
            "older": older,
            "before": before,
            "status": status,
            "chips": [
                {"key": key, "glyph": KEYS[key], "word": str(word), "count": counted(counts[key])}
                for key, word in Delivery.Status.choices
                if counts[key] or key == status
            ],
            "total": counted(counts["total"]),
            "query": told.get("q", ""),
            "channels": choices(mine.lately("channel_name"), told.get("channel", "")),
            "events": choices(mine.lately("event"), told.get("event", "")),
            "about": about(request),
            "filtered": any(told.get(name) for name in ("q", "channel", "event", "status", "schedule", "run")),
            "zone": viewer_zone(request),
        },
    )


@page("integrations.view_delivery")
def delivery(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one delivery: the message, how often it was sent, and what the receiver said."""
    one = get_object_or_404(Delivery.objects.visible_to(request.user).select_related("told_in"), pk=pk)
    run = JobRun.objects.visible_to(request.user).filter(pk=one.run_id).first() if one.run_id else None
    context = {
        "delivery": one,
        "state": state_of(one),
        "schedule": Schedule.objects.visible_to(request.user).filter(pk=one.schedule_id or 0).first(),
        "run": run if request.user.has_perm("jobruns.view_jobrun") else None,
        "message": one.message,
        "attempts": [attempt(entry) for entry in one.log],
        "body": json.dumps(one.message.get("body") or {}, indent=2, ensure_ascii=False),
        "ended": one.finished_at is not None and not one.is_under_way,
        "zone": viewer_zone(request),
    }
    return render(request, "delivery.html", context)


@require_POST
@page("integrations.view_delivery")
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a delivery again, under the same id."""
    need(request, "integrations.replay_delivery")
    one = get_object_or_404(Delivery.objects.changeable_by(request.user), pk=pk)
    if one.replay(by=request.user.get_username()):
        messages.success(request, _("It is sent again, under the same id."))
    else:
        messages.error(request, _("It has not ended yet; there is nothing to send again."))
    return redirect("delivery", pk)


def narrowed(found: DeliveryQuerySet, request: HttpRequest) -> DeliveryQuerySet:
    """Return the deliveries that the filters leave, whatever their status."""
    told = request.GET
    if name := told.get("q", "").strip():
        meant = Schedule.objects.visible_to(request.user).filter(name__icontains=name)
        found = found.filter(schedule_id__in=list(meant.order_by("pk").values_list("pk", flat=True)[:NAMED]))
    for column, value in (("channel_name", told.get("channel")), ("event", told.get("event"))):
        if value:
            found = found.filter(**{column: value})
    for column, number in (("schedule_id", told.get("schedule")), ("run_id", told.get("run"))):
        if number:
            found = found.filter(**{column: row_number(number) or 0})
    return found


def shown(rows: Iterable[Delivery], request: HttpRequest) -> list[Row]:
    """Return each delivery with its state and the name of its schedule, if this user may see that."""
    rows = list(rows)
    ids = {one.schedule_id for one in rows if one.schedule_id}
    names = dict(Schedule.objects.visible_to(request.user).filter(pk__in=ids).values_list("pk", "name"))
    return [(one, state_of(one), names.get(one.schedule_id or 0, "")) for one in rows]


def state_of(one: Delivery) -> State:
    """Return the glyph and the word for how it stands."""
    return State(KEYS[one.status], str(Delivery.Status(one.status).label))


def attempt(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry of a delivery's log for its page: the moment as such, and how it went."""
    outcome = entry["outcome"]
    words = {"pending": State("failed", _("Failed")), "replayed": State("pending", _("Asked for again"))}
    state = words.get(outcome) or State(KEYS[outcome], str(Delivery.Status(outcome).label))
    return {**entry, "at": datetime.fromisoformat(entry["at"]), "state": state}


def choices(known: list[str], chosen: str) -> list[tuple[str, bool]]:
    """Return what a filter offers, and which of it is chosen."""
    return [(name, name == chosen) for name in dict.fromkeys([*known, *([chosen] if chosen else [])])]


def about(request: HttpRequest) -> dict[str, Any]:
    """Return the run and the schedule that the list is narrowed to, as far as this user may see them."""
    number, schedule = row_number(request.GET.get("run")), row_number(request.GET.get("schedule"))
    return {
        "run": number,
        "schedule": Schedule.objects.visible_to(request.user).filter(pk=schedule).first() if schedule else None,
    }
