"""The acts of the workshop's list and pages: one page asks, then each schedule is done or refused on its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from schedules.models import Schedule
from schedules.verbs import VERBS, Question, Verb

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Schedule]
else:
    ModelAdmin = admin.ModelAdmin

NAMED = 20  # schedules that a question or an answer lists by name
FITTING = {
    Schedule.Status.ACTIVE: ("run", "pause", "delete"),
    Schedule.Status.PAUSED: ("run", "resume", "delete"),
    Schedule.Status.COMPLETED: ("run", "delete"),
    Schedule.Status.SUSPENDED: ("resume", "delete"),
    Schedule.Status.DELETED: ("restore",),
}


class Acts(ModelAdmin):
    """Run now, pause, resume, delete and bring back, for one schedule or for many."""

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        deleted = request.GET.get("status") == Schedule.Status.DELETED
        names = FITTING[Schedule.Status.DELETED] if deleted else ("run", "pause", "resume", "delete")
        offered = (VERBS[name] for name in names if self._may(request, VERBS[name]))
        return {verb.name: (partial(_on_many, verb), verb.name, verb.label) for verb in offered}

    def get_urls(self) -> Any:
        act = path(
            "<int:pk>/act/<slug:name>/", self.admin_site.admin_view(self.act_view), name="schedules_schedule_act"
        )
        return [act, *super().get_urls()]

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """Schedules are deleted softly: lead to the question that says so."""
        if not object_id.isdecimal():
            raise Http404
        return HttpResponseRedirect(_address(int(object_id), "delete"))

    def act_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponseBase:
        """Ask about one schedule, and do it."""
        schedule = get_object_or_404(self.get_queryset(request), pk=pk)
        if name not in VERBS:
            raise Http404
        page = "changelist" if name == "delete" else "change"
        back = reverse(f"admin:schedules_schedule_{page}", args=[] if name == "delete" else [pk])
        return self.ask(request, VERBS[name], self.get_queryset(request).filter(pk=schedule.pk), back)

    def ask(self, request: HttpRequest, verb: Verb, chosen: QuerySet[Schedule], back: str) -> HttpResponseBase:
        """Do `verb` to the chosen schedules if the question is answered, else ask it."""
        if not self._may(request, verb):
            raise PermissionDenied
        question = verb.question(request.POST if "confirmed" in request.POST else None)
        if question.is_valid() and self._done(request, verb, chosen, question):
            return HttpResponseRedirect(back)
        first, number = list(chosen[:NAMED]), chosen.count()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": verb.title % {"what": what(first, number)},
            "verb": verb,
            "question": question,
            "schedules": first,
            "more": number - len(first),
            "zone": first[0].timezone if len({one.timezone for one in first}) == 1 else "",
            "back": back,
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "select_across": request.POST.get("select_across", "0"),
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/schedules/schedule/ask.html", context)

    def offered(self, request: HttpRequest, schedule: Schedule) -> list[tuple[Verb, str]]:
        """Return the acts that fit the schedule's state and the user's rights, with their addresses."""
        fitting = (VERBS[name] for name in FITTING[Schedule.Status(schedule.status)])
        return [(verb, _address(schedule.pk, verb.name)) for verb in fitting if self._may(request, verb)]

    def _done(self, request: HttpRequest, verb: Verb, chosen: QuerySet[Schedule], question: Question) -> bool:
        """Do it and say so; False if the only answer is that the question was answered wrongly."""
        done, refused = verb.do(chosen, by=request.user.get_username(), answers=question.cleaned_data)
        if refused and not done and set(getattr(refused[0], "error_dict", {"": 0})) <= set(question.fields):
            question.add_error(None, refused[0])
            return False
        if done:
            said = verb.done % {"what": what(done, len(done))}
            undo = _address(done[0].pk, verb.undo) if verb.undo and len(done) == 1 else ""
            messages.success(request, format_html('{} <a href="{}">{}</a>', said, undo, _("Undo")) if undo else said)
        if refused:
            messages.warning(request, _sentences(refused))
        return True

    def _may(self, request: HttpRequest, verb: Verb) -> bool:
        return request.user.has_perm(f"schedules.{verb.permission}")


def what(schedules: list[Schedule], number: int) -> str:
    """Return the name of the one schedule, or how many there are."""
    if number == 1:
        return schedules[0].name
    return ngettext("%(number)d schedule", "%(number)d schedules", number) % {"number": number}


def _on_many(verb: Verb, acts: Acts, request: HttpRequest, chosen: QuerySet[Schedule]) -> HttpResponseBase:
    return acts.ask(request, verb, chosen, request.get_full_path())


def _address(pk: int, name: str) -> str:
    return reverse("admin:schedules_schedule_act", args=[pk, name])


def _sentences(refused: list[ValidationError]) -> SafeString:
    said = [" ".join(refusal.messages) for refusal in refused[:NAMED]]
    if len(refused) > NAMED:
        said.append(_("And %d more were refused.") % (len(refused) - NAMED))
    return format_html_join(" ", "{}", ((sentence,) for sentence in said))
