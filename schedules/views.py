"""What a person does to schedules from the dashboard: asked once on a page of its own, then done."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from schedules.models import Schedule
from schedules.pages import need, page, row_number
from schedules.search import find
from schedules.verbs import VERBS, Verb

OFFERED = {"run", "pause", "resume"}
MOST = 1_000


@page("schedules.view_schedule")
def act_on_one(request: HttpRequest, pk: int, verb: str) -> HttpResponseBase:
    """Ask about and do `verb` to one schedule; running it now needs no question."""
    schedule = get_object_or_404(Schedule.objects.existing().visible_to(request.user), pk=pk)
    chosen = allowed(request, verb)
    return act(request, chosen, [schedule], sure=request.method == "POST" and chosen.name == "run")


@page("schedules.view_schedule")
def act_on_many(request: HttpRequest, verb: str) -> HttpResponseBase:
    """Ask about and do `verb` to the ticked schedules, or to all that a search finds; says the count first."""
    told = request.POST if request.method == "POST" else request.GET
    if told.get("all"):
        schedules = list(find(told.get("q", ""), Schedule.objects.visible_to(request.user))[: MOST + 1])
    else:
        ticked = [number for one in told.getlist("id") if (number := row_number(one)) is not None][: MOST + 1]
        schedules = list(Schedule.objects.existing().visible_to(request.user).filter(pk__in=ticked))
    if not schedules or len(schedules) > MOST:
        sentence = _("Nothing was ticked; tick the schedules that you mean.")
        if schedules:
            sentence = _("These are more than %(most)s schedules; narrow the search.") % {"most": f"{MOST:,}"}
        messages.error(request, sentence)
        return redirect(way_back(request))
    return act(request, allowed(request, verb), schedules)


def act(request: HttpRequest, verb: Verb, schedules: list[Schedule], *, sure: bool = False) -> HttpResponse:
    """Show the question of `verb`, or do it when it was answered."""
    answered = request.method == "POST" and (sure or bool(request.POST.get("sure")))
    form = verb.question(request.POST if answered else None)
    if answered and not changed_meanwhile(request, schedules) and form.is_valid():
        done, refused = verb.do(schedules, by=request.user.get_username(), answers=form.cleaned_data)
        if done or not form.fields:
            report(request, verb, done, refused)
            return redirect(way_back(request))
        show(form, refused)
    return render(request, "question.html", question(request, verb, schedules, form))


def report(request: HttpRequest, verb: Verb, done: list[Schedule], refused: list[ValidationError]) -> None:
    """Say to how many it was done and why not to the others."""
    if done:
        sentence = str(verb.done) % {"what": what(done)}
        messages.success(request, format_html("{} {}", sentence, undo(verb, done)))
    for refusal in refused[:5]:
        messages.error(request, " ".join(refusal.messages))


def show(form: Any, refused: list[ValidationError]) -> None:
    """Put what was refused beside the field that it is about, once each."""
    for refusal in refused[:1]:
        named = refusal.error_dict if hasattr(refusal, "error_dict") else {"": refusal}
        for field, error in named.items():
            form.add_error(field if field in form.fields else None, error)


def undo(verb: Verb, done: list[Schedule]) -> str:
    """Return the link that takes `verb` back, where there is one."""
    if verb.undo not in OFFERED or len(done) != 1:
        return ""
    return format_html('<a href="{}">{}</a>', reverse("schedule_act", args=[done[0].pk, verb.undo]), _("Undo"))


def question(request: HttpRequest, verb: Verb, schedules: list[Schedule], form: Any) -> dict[str, Any]:
    """Return what the question page shows."""
    told = request.POST if request.method == "POST" else request.GET
    return {
        "verb": verb,
        "title": str(verb.title) % {"what": what(schedules)},
        "schedules": schedules,
        "one": schedules[0] if len(schedules) == 1 else None,
        "form": form,
        "changed": request.method == "POST" and changed_meanwhile(request, schedules),
        "everything": told.get("all", ""),
        "query": told.get("q", ""),
        "back": way_back(request),
    }


def changed_meanwhile(request: HttpRequest, schedules: list[Schedule]) -> bool:
    """Tell whether more or fewer schedules are meant now than the question said."""
    return row_number(request.POST.get("count")) not in (None, len(schedules))


def what(schedules: list[Schedule]) -> str:
    """Name one schedule, count several."""
    if len(schedules) == 1:
        return schedules[0].name
    return ngettext("%(n)s schedule", "%(n)s schedules", len(schedules)) % {"n": f"{len(schedules):,}"}


def allowed(request: HttpRequest, name: str) -> Verb:
    """Return the verb of that name if this user may; raises Http404 or PermissionDenied."""
    if name not in OFFERED:
        raise Http404
    verb = VERBS[name]
    need(request, f"schedules.{verb.permission}")
    return verb


def way_back(request: HttpRequest) -> str:
    """Return the page that asked, if it is one of ours; else the list of schedules."""
    told = request.POST.get("next") or request.GET.get("next") or request.headers.get("Referer", "")
    is_address = told.startswith(("/", "http://", "https://"))  # any other word would be taken for a view's name
    ours = is_address and url_has_allowed_host_and_scheme(
        told, {request.get_host()}, require_https=request.is_secure()
    )
    return (
        told if ours and "/schedules/act/" not in told and not told.endswith(tuple(OFFERED)) else reverse("schedules")
    )
