"""The pages of templates: choose one, fill it in and see when it fires, bring its instances up to date."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError as Refused
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from rest_framework.exceptions import ValidationError

from schedules import ahead, changes
from schedules.models import Schedule, Template
from schedules.pages import need, page, row_number, viewer_zone
from schedules.patterns import instances
from schedules.patterns.forms import FillForm, UpgradeForm
from schedules.patterns.instances import MOST
from schedules.serializers import ScheduleSerializer

STATE = {"dependencies", "enabled"}
SHOWN, PAGE = 500, 50  # templates that the list shows, instances on one page


@page("schedules.view_template")
def templates(request: HttpRequest) -> HttpResponse:
    """List the templates."""
    found = Template.objects.visible_to(request.user).counted(request.user).order_by("name")[:SHOWN]
    return render(request, "patterns/list.html", {"templates": found})


@page("schedules.view_template", "schedules.add_schedule")
def fill(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the parameters of a template and make a schedule of it."""
    template = _template(request, pk)
    form = FillForm(template.asks, request.POST if request.method == "POST" else None)
    if form.is_valid() and (made := _made(request, template, form)):
        messages.success(request, _("%(name)s is scheduled.") % {"name": made.name})
        return redirect("schedule", made.pk)
    shown = _shown(request, template, form)
    return render(request, "patterns/fill.html", {"template": template, "form": form, "shown": shown})


@require_POST
@page("schedules.view_template", "schedules.add_schedule")
def fill_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer what was typed so far with the part of the page that says when it fires."""
    template = _template(request, pk)
    shown = _shown(request, template, FillForm(template.asks, request.POST))
    return render(request, "admin/schedules/schedule/preview.html", {"shown": shown})


@page("schedules.view_template", "schedules.view_schedule")
def made_from(request: HttpRequest, pk: int) -> HttpResponse:
    """List what came from a template; show what its newest version changes, and take it over when confirmed."""
    template = _template(request, pk)
    found = instances.of_template(template, request.user)
    context: dict[str, Any] = {"template": template}
    if request.method == "POST":
        need(request, "schedules.change_schedule")
        ids = [number for one in request.POST.getlist("id")[:MOST] if (number := row_number(one))]
        form = _upgrade_form(template, request, ids)
        if request.POST.get("sure") and form.is_valid():
            _report(request, template, ids, form)
            return redirect("template_instances", pk)
        now = timezone.now()
        sent = form.parameters() if form.is_bound and form.is_valid() else {}
        plans = [instances.plan(one, sent, now, request=request) for one in found.filter(pk__in=ids)]
        context |= {"plans": plans, "form": form, "by_hand": any(plan.by_hand for plan in plans)}
    shown = Paginator(found.order_by("origin__version", "name", "pk"), PAGE).get_page(request.GET.get("page"))
    rows = [(one, instances.edited(one)) for one in shown]
    context |= {"shown": shown, "rows": rows, "outdated": any(one.origin.is_outdated for one, _edited in rows)}
    return render(request, "patterns/instances.html", context)


def _template(request: HttpRequest, pk: int) -> Template:
    return get_object_or_404(Template.objects.visible_to(request.user), pk=pk)


def _made(request: HttpRequest, template: Template, form: FillForm) -> Schedule | None:
    """Return the schedule, or None with what stands in its way beside the fields."""
    sent = {"name": form.cleaned_data["name"], "parameters": form.parameters()}
    try:
        with transaction.atomic():
            return instances.make(template, **sent, request=request)
    except (ValidationError, Refused) as refused:
        form.show(instances.by_field(refused))
    except IntegrityError:  # somebody else was quicker, after the form was checked
        form.add_error("name", _("This name is taken; choose another."))
    return None


def _shown(request: HttpRequest, template: Template, form: FillForm) -> ahead.Shown:
    """Return when the schedule would fire, as far as it is filled in; the other fields are checked on saving."""
    values: dict[str, Any] = {}
    if form.is_bound:
        form.is_valid()
        values = form.parameters()
    version = instances.newest(template)
    name = form.cleaned_data.get("name") if form.is_bound else ""
    try:
        found = version.filled(instances.checked(version, values))
        serializer = ScheduleSerializer(data={**found, "name": name or "–"}, context={"request": request})
        serializer.is_valid(raise_exception=True)
    except ValidationError as refused:
        named = {name.removeprefix("parameters."): texts for name, texts in instances.by_field(refused).items()}
        missing = [name for name in named if name not in values and f"parameters.{name}" in form.fields]
        if missing:
            return ahead.Shown(error=_("Fill in %(names)s to see when it fires.") % {"names": ", ".join(missing)})
        return ahead.Shown(error=" ".join(f"{name}: {' '.join(texts)}" for name, texts in named.items()))
    now = timezone.now()
    schedule = Schedule(anchor_at=now.replace(microsecond=0))
    fields = {name: value for name, value in serializer.validated_data.items() if name not in STATE}
    changes.apply(schedule, fields)
    return ahead.shown(schedule, now, viewer_zone(request))


def _upgrade_form(template: Template, request: HttpRequest, ids: list[int]) -> UpgradeForm:
    """Return a form for what the newest version must be told and the chosen ones do not remember."""
    chosen = template.origins.filter(schedule__in=ids).values_list("parameters", flat=True)
    asks = [one for one in template.asks if one.required and any(one.name not in known for known in chosen)]
    return UpgradeForm(asks, request.POST if request.POST.get("sure") else None)


def _report(request: HttpRequest, template: Template, ids: list[int], form: UpgradeForm) -> None:
    """Take the newest version over, and say for how many that was possible and why not for the others."""
    done, failed = instances.upgrade_each(
        instances.of_template(template, request.user),
        ids,
        form.parameters(),
        overwrite=form.cleaned_data["overwrite"],
        request=request,
    )
    if done:
        told = ngettext("%(n)s schedule is", "%(n)s schedules are", len(done)) % {"n": len(done)}
        messages.success(request, _("%(told)s at version %(v)s now.") % {"told": told, "v": template.version})
    names = dict(Schedule.objects.visible_to(request.user).filter(pk__in=ids).values_list("pk", "name"))
    for pk, refused in failed[:5]:
        why = " ".join(" ".join(texts) for texts in instances.by_field(refused).values())
        messages.error(request, _("%(name)s stays as it is. %(why)s") % {"name": names.get(pk, pk), "why": why})
