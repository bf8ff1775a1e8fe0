"""Import a project's files now, or try to and roll everything back."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from integrations.access import environments_of
from integrations.rest.problems import Conflict
from jobruns.imports_api import by_hand
from jobtypes.csv_import import trying
from jobtypes.csv_import.params import CsvImportConfig
from jobtypes.models import ImportProject
from schedules.pages import need, page
from schedules.triggering import trigger

TRIAL_SECONDS = 25.0  # that a person waits for a page; the command `runschedule --dry-run` takes its time


@require_POST
@page("jobtypes.view_importproject")
def import_now(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a run that imports what is there, and show it."""
    project = _project(request, pk)
    try:
        with transaction.atomic():
            schedule = by_hand(project, _environment(request, project))
            params = {"project": project.name}
            run_id = trigger(schedule, by=request.user.get_username(), params=params)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    except Conflict as refused:
        messages.error(request, str(refused.detail))
    else:
        messages.success(request, _("Asked for an import of %(name)s. This is it.") % {"name": project.name})
        return redirect("run", run_id)
    return redirect("import_project", pk)


@require_POST
@page("jobtypes.view_importproject")
def import_dry_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Load everything, roll it back, and show what would have become of it."""
    project = _project(request, pk)
    went_well, said = trying.rehearse(CsvImportConfig(project=project.name), seconds=TRIAL_SECONDS)
    failed = sum(one["status"] == "failed" for one in said["files"])
    shown = {"project": project, "went_well": went_well, "said": said, "loaded": len(said["files"]) - failed}
    return render(request, "imports/tried.html", shown)


def _project(request: HttpRequest, pk: int) -> ImportProject:
    need(request, "jobtypes.import_importproject")
    return get_object_or_404(ImportProject.objects.visible_to(request.user), pk=pk)


def _environment(request: HttpRequest, project: ImportProject) -> str:
    """Return where an import by hand belongs: to the project's environment, or to one that is the visitor's."""
    places = environments_of(request.user)
    if project.environment or places is None or settings.DEFAULT_ENVIRONMENT in places:
        return project.environment or settings.DEFAULT_ENVIRONMENT
    return min(places)
