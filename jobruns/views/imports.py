"""Imports: the projects and how their last runs went, one project with its tables, and what people do about it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from jobruns import spreadsheets
from jobruns.importboard import board, file_state, last_run, rules, run_state, schedules_of, sums, tables
from jobruns.models import JobRun
from jobtypes.csv_import import shape
from jobtypes.models import ImportFileResult, ImportProject, RejectedRow
from schedules.models import Schedule
from schedules.pages import page, row_number, viewer_zone
from schedules.timing import TimingError, sentence

SHOWN, RECENT = 200, 40
REJECT_COLUMNS = ("file", "table", "line", "column", "reason", "row")


@page("jobtypes.view_importproject")
def imports(request: HttpRequest) -> HttpResponse:
    """Show all projects with their last runs, those in trouble first."""
    seen = ImportProject.objects.visible_to(request.user)
    lines = board(list(seen.prefetch_related("uses").order_by("name")[:SHOWN]), request.user)
    return render(
        request,
        "imports/board.html",
        {
            "lines": lines,
            "failed": sum(line.state.key == "failed" for line in lines),
            "total": seen.count(),
            "shown": SHOWN,
            "zone": viewer_zone(request),
        },
    )


@page("jobtypes.view_importproject")
def import_project(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one project: its last run, its tables, what it reads, and the files of its runs."""
    project = _project(request, pk)
    before = row_number(request.GET.get("before"))
    results = ImportFileResult.objects.visible_to(request.user).filter(project=project.name).order_by("-pk")
    rows = list((results if before is None else results.filter(pk__lt=before))[: RECENT + 1])
    filled, drift = tables(project, request.user)
    run = last_run(project, request.user)
    files = list(ImportFileResult.objects.of_run(run.pk)) if run else []
    return render(
        request,
        "imports/project.html",
        {
            "project": project,
            "run": run,
            "state": run_state(run) if run else None,
            "files": files,
            "loaded": sum(one.status != ImportFileResult.Status.FAILED for one in files),
            "sums": sums(files),
            "tables": filled,
            **_said(project),
            "drift": drift,
            "results": [(one, file_state(one)) for one in rows[:RECENT]],
            "older": rows[RECENT - 1].pk if len(rows) > RECENT else None,
            "before": before,
            "schedules": [(one, _timing(one)) for one in schedules_of(project, request.user)],
            "zone": viewer_zone(request),
        },
    )


@page("jobruns.view_jobrun")
def run_rejects(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Return the refused rows of a run that were kept as a file for spreadsheets; with `file`, those of one file."""
    run = get_object_or_404(JobRun.objects.visible_to(request.user), pk=pk)
    found = RejectedRow.objects.of_run(run.pk)
    if (file := row_number(request.GET.get("file"))) is not None:
        found = found.filter(file_id=file)
    rows = (
        (one.file.filename, one.file.table_name, one.line, one.column, one.reason, one.raw)
        for one in found.iterator(chunk_size=1_000)
    )
    return spreadsheets.download(spreadsheets.as_csv(REJECT_COLUMNS, rows), f"refused-rows-of-run-{run.pk}.csv")


def _project(request: HttpRequest, pk: int) -> ImportProject:
    return get_object_or_404(ImportProject.objects.visible_to(request.user), pk=pk)


def _said(project: ImportProject) -> dict[str, Any]:
    """Return what a project says of its files: its rules and where they come from, or why it cannot be read."""
    try:
        config = project.read
    except shape.Unreadable as wrong:
        return {"unreadable": wrong.sentences}
    place = _("the folder %(folder)s") % {"folder": config.local_dir} if config.local_dir else project.source
    return {"rules": rules(config), "origin": place or _("what a schedule names")}


def _timing(schedule: Schedule) -> str:
    """Return when it imports, in a sentence."""
    try:
        return sentence(schedule.timing)
    except TimingError as broken:
        return str(broken)
