"""A version of a schedule: what it changed, and going back to it, asked once with what that would change."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.roles import lacking
from integrations.trail import AuditEntry
from integrations.trail_words import Difference, in_words
from schedules import comparing
from schedules.models import Schedule
from schedules.pages import page
from schedules.versions import ScheduleVersion

LISTED = 50  # versions on the schedule's page
INSTANTS = 10  # of each kind that the page lists


class RollBackForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("For whoever looks later."),
    )


@page("schedules.view_schedule")
def version_page(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Show a version, say what going back to it would change, and do that when it was confirmed."""
    schedule = get_object_or_404(Schedule.objects.visible_to(request.user), pk=pk)
    version = get_object_or_404(schedule.versions, number=number)
    latest = schedule.versions.all()[0]
    form = RollBackForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and not may_roll_back(request, schedule):
        raise PermissionDenied(lacking(request.user, "schedules.change_schedule"))
    if form.is_valid() and rolled_back(request, schedule, number, form):
        return redirect("schedule", pk)
    before = version.one_before
    return render(
        request,
        "version.html",
        {
            "schedule": schedule,
            "version": version,
            "way": dict(AuditEntry.Source.choices).get(version.source, version.source),
            "before": before,
            "changed": told(before.definition if before else {}, version.definition),
            "is_latest": version == latest,
            "form": form if may_roll_back(request, schedule) else None,
            **({} if version == latest else would_change(schedule, latest, version)),
        },
    )


def may_roll_back(request: HttpRequest, schedule: Schedule) -> bool:
    """Tell whether this user may edit the schedule, and whether it is still there."""
    return request.user.has_perm("schedules.change_schedule") and not schedule.is_deleted


def rolled_back(request: HttpRequest, schedule: Schedule, number: int, form: RollBackForm) -> bool:
    """Go back to that version and say so; False with what was refused in the form."""
    if not request.user.is_authenticated:
        return False
    try:
        schedule.roll_back(number, by=request.user, reason=form.cleaned_data["reason"])
    except ValidationError as refused:
        named = refused.message_dict if hasattr(refused, "error_dict") else {"": refused.messages}
        for field, sentences in named.items():
            form.add_error(None, [f"{field.replace('_', ' ')}: {one}" if field else one for one in sentences])
        return False
    said = _("%(name)s says again what version %(number)d said; that is version %(now)d.")
    messages.success(request, said % {"name": schedule.name, "number": number, "now": schedule.version})
    return True


def told(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    """Return in words what differs between two definitions."""
    return [
        Difference(one.field.replace("_", " "), in_words(one.before) if before else None, in_words(one.after))
        for one in comparing.differences(before, after)
    ]


def would_change(schedule: Schedule, latest: ScheduleVersion, version: ScheduleVersion) -> dict[str, Any]:
    """Return what going back would change: fields, and the fires ahead in the zone of that version."""
    fields = told(latest.definition, version.definition)
    try:
        found = comparing.fires_changed(schedule, latest.definition, version.definition, timezone.now())
    except ValidationError as refused:
        return {"would_change": fields, "unknown": " ".join(refused.messages)}
    zone = ZoneInfo(str(version.definition.get("timezone", "UTC")))
    moved = {"removed": found.difference.removed, "added": found.difference.added}
    listed = {name: [at.astimezone(zone) for at in found_ones[:INSTANTS]] for name, found_ones in moved.items()}
    return {"would_change": fields, "consequences": found, "zone_of_version": zone, **listed}
