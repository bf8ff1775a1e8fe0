"""Backfill a schedule from its page: first see what would run, then do it; withdraw what still waits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from jobruns import backfill
from schedules.changes import localise
from schedules.fields import MomentField, local_text
from schedules.models import Schedule
from schedules.pages import need, page

SHOWN = 200  # instants that the page lists


class SpanForm(forms.Form):
    """The range, in the schedule's zone."""

    start = MomentField(label=gettext_lazy("From"))
    end = MomentField(label=gettext_lazy("To"), help_text=gettext_lazy("Both ends are included."))
    rerun = forms.BooleanField(required=False, label=gettext_lazy("Also run again what succeeded or goes on"))

    def span(self, zone: str) -> backfill.Span:
        """Return the span that was typed."""
        start, end = (localise(self.cleaned_data[name], zone) or timezone.now() for name in ("start", "end"))
        return backfill.Span(start, end, self.cleaned_data["rerun"])


@page("schedules.view_schedule", "jobruns.view_jobrun")
def backfill_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a range, show what a backfill of it would do, and do it when that was confirmed."""
    need(request, "schedules.trigger_schedule")
    schedule = get_object_or_404(Schedule.objects.existing().visible_to(request.user), pk=pk)
    form = SpanForm(request.POST if request.method == "POST" else None, initial=last_day(schedule, timezone.now()))
    planned = None
    if form.is_valid():
        try:
            if request.POST.get("sure"):
                done = backfill.carry_out(
                    schedule,
                    form.span(schedule.timezone),
                    by=request.user.get_username(),
                    correlation_id=request.correlation_id,  # type: ignore[attr-defined]
                )
                report(request, done)
                return redirect("schedule", pk)
            planned = backfill.plan(schedule, form.span(schedule.timezone), timezone.now())
        except ValidationError as refused:
            show(form, refused)
    return render(request, "backfill.html", context(schedule, form, planned))


@require_POST
@page("schedules.view_schedule", "jobruns.view_jobrun")
def withdraw_backfill(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel what still waits of one backfill."""
    need(request, "jobruns.cancel_jobrun")
    schedule = get_object_or_404(Schedule.objects.existing().visible_to(request.user), pk=pk)
    known_as = request.POST.get("correlation_id", "")
    try:
        cancelled, running = backfill.withdraw(schedule, known_as, by=request.user.get_username())
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
        return redirect("schedule", pk)
    said = ngettext("%(n)s waiting run was cancelled.", "%(n)s waiting runs were cancelled.", cancelled)
    going = _(" %(n)s of it still runs.") % {"n": running} if running else ""
    messages.success(request, said % {"n": cancelled} + going)
    return redirect("schedule", pk)


def context(schedule: Schedule, form: SpanForm, planned: backfill.Backfill | None) -> dict[str, Any]:
    """Return what the page shows; the instants that run come first where not all fit."""
    steps = planned.steps if planned else ()
    zone = ZoneInfo(schedule.timezone)
    ordered = steps if len(steps) <= SHOWN else sorted(steps, key=lambda step: not step.will_run)
    return {
        "schedule": schedule,
        "form": form,
        "planned": planned,
        "steps": [(step, step.at.astimezone(zone)) for step in ordered[:SHOWN]],
        "more": max(len(steps) - SHOWN, 0),
    }


def last_day(schedule: Schedule, now: datetime) -> dict[str, str | None]:
    """Return the range that the form proposes: yesterday's midnight in the schedule's zone until now."""
    local = now.astimezone(ZoneInfo(schedule.timezone)).replace(second=0, microsecond=0)
    start = (local - timedelta(days=1)).replace(hour=0, minute=0)
    return {"start": local_text(start, schedule.timezone), "end": local_text(local, schedule.timezone)}


def report(request: HttpRequest, done: backfill.Backfill) -> None:
    """Say how many runs wait now."""
    if not done.will_run:
        messages.error(request, _("Nothing was left to run in this range."))
        return
    said = ngettext("%(n)s run waits in line now.", "%(n)s runs wait in line now.", done.will_run)
    messages.success(request, said % {"n": f"{done.will_run:,}"})


def show(form: SpanForm, refused: ValidationError) -> None:
    """Put what was refused beside the field that it is about."""
    fields = {"from": "start", "to": "end"}
    if not hasattr(refused, "error_dict"):
        form.add_error(None, refused)
        return
    for name, errors in refused.error_dict.items():
        form.add_error(fields.get(name), errors)
