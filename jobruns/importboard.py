"""What the pages about imports show: how a project's last run went, its tables, and why rows were refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Max, Min, QuerySet
from django.utils.translation import gettext as _

from jobruns.models import JobRun
from jobruns.states import State, state_of
from jobtypes.csv_import.config import Defaults, ImportConfig, Table
from jobtypes.models import ImportFileResult, ImportProject, RejectedRow
from schedules.models import Schedule

COUNTS = ("rows_read", "inserted", "updated", "skipped", "rejected", "duplicates")
REASONS, LINES = 20, 12


@dataclass(frozen=True, slots=True)
class Line:
    """A project in the list: its last run, how that stands, the sum of its files, and what went wrong."""

    project: ImportProject
    run: JobRun | None
    state: State
    files: int
    loaded: int
    sums: dict[str, int]
    trouble: str
    schedules: list[Schedule]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why rows of one file were refused: how many of those kept, and the first of them."""

    file: str
    column: str
    reason: str
    rows: int
    line: int
    raw: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The refused rows of a run: exact number, those kept, the reasons with the most rows first, and some lines."""

    count: int = 0
    kept: int = 0
    reasons: list[Reason] = field(default_factory=list)
    lines: list[RejectedRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rule:
    """Which files go where and how they are read, as the project says it; `table` is empty where the name says it."""

    pattern: str
    table: str
    key: str
    written: str
    notes: list[str]


def board(projects: Sequence[ImportProject], user: Any) -> list[Line]:
    """Return a line for each project, those in trouble first."""
    schedules = _schedules(projects, user)
    runs = _last_runs(projects, schedules, user)
    found = ImportFileResult.objects.filter(run_id__in=[run.pk for run in runs.values()]).order_by("pk")
    files: dict[int, list[ImportFileResult]] = {}
    for one in found:
        files.setdefault(one.run_id, []).append(one)
    lines = [
        _line(one, runs.get(one.pk), files.get(runs[one.pk].pk, []) if one.pk in runs else [], schedules[one.pk])
        for one in projects
    ]
    return sorted(lines, key=lambda line: (line.state.key != "failed", line.project.name))


def file_state(result: ImportFileResult) -> State:
    """Return how a file went, with its glyph."""
    if result.status == ImportFileResult.Status.FAILED:
        return State("failed", _("Failed"))
    if result.status == ImportFileResult.Status.ALREADY_IMPORTED:
        return State("skipped", _("Imported before"))
    return State("evidence", _("Loaded in part")) if result.rejected else State("success", _("Loaded"))


def run_state(run: JobRun) -> State:
    """Return how a run of an import stands: failed in part is a word of its own."""
    if run.status == JobRun.Status.FAILED and run.result.get("status") == "partial":
        return State("failed", _("Partial"))
    return state_of(run)


def sums(files: Iterable[ImportFileResult]) -> dict[str, int]:
    """Add up what happened to the rows of some files."""
    listed = list(files)
    return {name: sum(getattr(one, name) for one in listed) for name in COUNTS}


def refused(run_id: int, counted: int) -> Refused:
    """Return why rows of a run were refused; `counted` is their exact number."""
    if not counted:
        return Refused()
    rows: QuerySet[RejectedRow] = RejectedRow.objects.filter(file__run_id=run_id)
    grouped = (
        rows.values("file__filename", "column", "reason")
        .annotate(rows=Count("pk"), first=Min("pk"))
        .order_by("-rows", "first")[:REASONS]
    )
    found = list(grouped)
    first = RejectedRow.objects.in_bulk([one["first"] for one in found])
    reasons = [
        Reason(
            one["file__filename"],
            one["column"],
            one["reason"],
            one["rows"],
            first[one["first"]].line,
            first[one["first"]].raw,
        )
        for one in found
    ]
    return Refused(counted, rows.count(), reasons, list(RejectedRow.objects.of_run(run_id)[:LINES]))


def tables(project: ImportProject, user: Any) -> list[tuple[ImportFileResult, State]]:
    """Return the last file of each table that was ever filled, by the table's name."""
    seen = ImportFileResult.objects.visible_to(user).filter(project=project.name).exclude(table_name="")
    last = seen.values("table_name").annotate(last=Max("pk")).values_list("last", flat=True)
    found = ImportFileResult.objects.filter(pk__in=list(last)).order_by("table_name")
    return [(one, file_state(one)) for one in found]


def rules(config: ImportConfig) -> list[Rule]:
    """Return what a project says of its files, in the order in which it is asked."""
    said: list[Table | Defaults] = [*config.tables, *([config.defaults] if config.defaults else [])]
    return [_rule(config, one) for one in said]


def last_run(project: ImportProject, user: Any) -> JobRun | None:
    """Return the newest run of any schedule of the project."""
    return _last_runs([project], _schedules([project], user), user).get(project.pk)


def schedules_of(project: ImportProject, user: Any) -> list[Schedule]:
    """Return the schedules that import the project, by name."""
    return _schedules([project], user)[project.pk]


def _rule(config: ImportConfig, rule: Table | Defaults) -> Rule:
    def said(name: str) -> Any:
        return getattr(rule if name in rule.model_fields_set else config, name)

    delimiter = {"\t": _("tab"), " ": _("blank")}.get(said("delimiter"), said("delimiter"))
    written = f"{delimiter}  {said('encoding')}" + (f"  +{said('skiprows')}" if said("skiprows") else "")
    notes = [
        (said("rebuild_table"), _("the table is rebuilt")),
        (said("reject_limit") != 0, _("up to %(limit)s refused") % {"limit": said("reject_limit")}),
        (said("duplicates") != "last", _("repeated keys: %(how)s") % {"how": said("duplicates")}),
        (said("ragged") == "pad", _("short rows are filled")),
        (said("already_imported") == "skip", _("known files are skipped")),
        (said("after_success") != "keep", _("afterwards: %(what)s") % {"what": said("after_success")}),
    ]
    return Rule(
        pattern=rule.file_pattern,
        table=f"{said('schema_')}.{rule.target_table}" if isinstance(rule, Table) else "",
        key=", ".join(rule.primary_key),
        written=written,
        notes=[word for holds, word in notes if holds],
    )


def _schedules(projects: Sequence[ImportProject], user: Any) -> dict[int, list[Schedule]]:
    uses = {use.schedule_id: use.project_id for one in projects for use in one.uses.all()}
    found: dict[int, list[Schedule]] = {one.pk: [] for one in projects}
    for schedule in Schedule.objects.visible_to(user).filter(pk__in=uses).order_by("name"):
        found[uses[schedule.pk]].append(schedule)
    return found


def _last_runs(
    projects: Sequence[ImportProject], schedules: dict[int, list[Schedule]], user: Any
) -> dict[int, JobRun]:
    """Return the newest run of each project that has one, among its schedules and what became of its files."""
    seen = ImportFileResult.objects.visible_to(user).filter(project__in=[one.name for one in projects])
    by_files = dict(seen.values_list("project").annotate(last=Max("run_id")).order_by())
    newest = {
        one.pk: max(
            [by_files.get(one.name) or 0, *(schedule.last_run_id or 0 for schedule in schedules[one.pk])], default=0
        )
        for one in projects
    }
    runs = JobRun.objects.visible_to(user).in_bulk([pk for pk in newest.values() if pk])
    return {pk: runs[run] for pk, run in newest.items() if run in runs}


def _line(
    project: ImportProject, run: JobRun | None, files: list[ImportFileResult], schedules: list[Schedule]
) -> Line:
    failed = [one for one in files if one.status == ImportFileResult.Status.FAILED]
    trouble = f"{failed[0].filename}: {failed[0].error}" if failed else (run.error if run else "")
    state = run_state(run) if run else State("pending", _("Not imported yet"))
    loaded = len(files) - len(failed)
    return Line(project, run, state, len(files), loaded, sums(files), trouble, schedules)
