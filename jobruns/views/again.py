"""Run again with other parameters: the same fields as in the editor, for this one run only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from integrations.limited import OffersToVisitor
from integrations.secrecy import masked
from integrations.secrets import MASK
from jobruns.models import JobRun
from jobtypes import registry
from jobtypes.base import InvalidParams, JSONObject
from jobtypes.forms import PREFIX, field_of, form_fields, typed_params
from schedules.models import Schedule
from schedules.pages import need, page


class ParamsForm(forms.Form):
    """The parameters of a run, secrets as `***`: they stay only if nothing is changed, or are written again."""

    def __init__(self, run: JobRun, visitor: Any, *args: Any) -> None:
        super().__init__(*args)
        self.kind = run.job_type
        self.config = registry.job_type(run.job_type).Config
        self.stored: JSONObject = run.params
        self.shown: JSONObject = masked(run.params, hidden=MASK)
        for name, field in form_fields(self.config, self.shown).items():
            self.fields[name] = field
            if isinstance(field, OffersToVisitor):
                field.offer_to(visitor)

    def clean(self) -> JSONObject:
        """Refuse a secret that would go along with what was changed, for it may go elsewhere then."""
        typed = self.typed()
        for name, value in self.shown.items():
            if (
                typed != self.shown
                and value != self.stored[name]
                and (typed.get(name) == value or _hides(typed, name))
            ):
                self.add_error(PREFIX + name, _("What is hidden here goes only where it went: write it again."))
        return self.cleaned_data

    def typed(self) -> JSONObject:
        """Return what was typed, secrets as they were shown."""
        return typed_params(self.config, self.cleaned_data, self.shown)

    def overrides(self, own: JSONObject) -> JSONObject:
        """Return what to put over the schedule's `own` parameters; raises InvalidParams.

        One that was emptied is sent as its default, for otherwise the schedule's own would stand.
        """
        typed = self.stored if self.typed() == self.shown else self.typed()
        if not (emptied := own.keys() - typed.keys()):
            return typed
        whole = registry.parse(self.kind, typed).model_dump(mode="json", by_alias=True)
        return {**typed, **{name: whole[name] for name in emptied if name in whole}}

    def refuse(self, refused: ValidationError) -> None:
        """Put each sentence about a parameter beside its field."""
        for sentence in refused.messages:
            name, _colon, rest = sentence.partition(": ")
            here = field_of(name) if rest else None
            self.add_error(here if here in self.fields else None, rest if here in self.fields else sentence)


@page("jobruns.view_jobrun")
def again_with_changes(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the parameters of a run to be changed, and ask for a run with them."""
    need(request, "schedules.trigger_schedule")
    run = get_object_or_404(JobRun.objects.visible_to(request.user).select_related("schedule"), pk=pk)
    if run.job_type != run.schedule.job_type or run.job_type not in registry.job_types():
        messages.error(request, _("The schedule does another kind of work now; run it from its own page."))
        return redirect("run", pk)
    get_object_or_404(Schedule.objects.visible_to(request.user), pk=run.schedule_id)
    form = ParamsForm(run, request.user, request.POST if request.method == "POST" else None)
    if form.is_valid() and (new := _asked(request, run, form)):
        messages.success(request, _("Asked for a run with these parameters. This is it."))
        return redirect("run", new.pk)
    return render(request, "again.html", {"run": run, "form": form})


def _asked(request: HttpRequest, run: JobRun, form: ParamsForm) -> JobRun | None:
    """Return the run that was asked for; None with what stands in its way beside the fields."""
    try:
        params = form.overrides(run.schedule.params)
        new: JobRun = run.schedule.runs.request(
            by=request.user.get_username(), trigger="manual", act="retry", params=params
        )
    except InvalidParams as refused:
        form.refuse(ValidationError(refused.sentences()))
    except ValidationError as refused:
        form.refuse(refused)
    else:
        return new
    return None


def _hides(typed: JSONObject, name: str) -> bool:
    """Tell whether a typed parameter still holds a hidden value."""

    def within(value: Any) -> bool:
        if isinstance(value, dict):
            return any(map(within, value.values()))
        return any(map(within, value)) if isinstance(value, list) else value == MASK

    return within(typed.get(name))
