"""Try a configuration on a file: what of it would be read, and how, before anything is stored."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from jobruns.importtrial import tried
from jobruns.uploads import MOST_BYTES, Beginning
from jobtypes.csv_import import shape
from jobtypes.csv_import.config import ImportConfig
from jobtypes.csv_import.forms import ConfigField
from jobtypes.models import ImportProject
from schedules.pages import need, page

EXAMPLE = {"defaults": {"file_pattern": "*.csv", "primary_key": "id", "delimiter": ",", "encoding": "utf-8"}}


class TrialForm(forms.Form):
    """A file and the configuration to read it with."""

    file = forms.FileField(
        label=_("File"), help_text=_("Its first megabyte is looked at, and kept nowhere. Its name chooses the rule.")
    )
    config = ConfigField(
        label=_("Configuration"),
        widget=forms.Textarea(attrs={"rows": 12, "class": "mono", "spellcheck": "false"}),
        max_length=1_000_000,
        help_text=_("As in an import project. What you change here is stored nowhere."),
    )

    def clean_config(self) -> ImportConfig:
        """Return the configuration; each sentence on what is wrong names its key."""
        try:
            return shape.read(self.cleaned_data["config"])
        except shape.Unreadable as refused:
            raise ValidationError(refused.sentences) from None


@csrf_exempt  # until the upload's handler is there; `_trial` asks for the token
def import_try(request: HttpRequest, pk: int | None = None) -> HttpResponseBase:
    """Show the form, and below it what the file says under the configuration of a project or another one."""
    request.upload_handlers = [Beginning(request)]
    return _trial(request, pk)


@csrf_protect
@page("jobtypes.view_importproject")
def _trial(request: HttpRequest, pk: int | None) -> HttpResponse:
    need(request, "jobtypes.import_importproject")
    seen = ImportProject.objects.visible_to(request.user)
    project = None if pk is None else get_object_or_404(seen, pk=pk)
    shown: dict[str, Any] = {"project": project, "most": MOST_BYTES}
    if request.method != "POST":
        form = TrialForm(initial={"config": project.config if project else EXAMPLE})
        return render(request, "imports/try.html", {**shown, "form": form})
    form = TrialForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        shown["trial"] = tried(form.cleaned_data["config"], file.name, file.read(), size=file.size)
    return render(request, "imports/try.html", {**shown, "form": form})
