"""What the pages about imports show: how a project's last run went, its tables, and why rows were refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from jobruns.models import JobRun
from jobruns.states import State, state_of
from jobtypes.csv_import.config import Defaults, ImportConfig, Table
from jobtypes.models import ImportFileResult, ImportProject, RejectedRow
from schedules.models import Schedule

COUNTS = ("rows_read", "inserted", "updated", "skipped", "rejected", "duplicates")
REASONS, LINES, DRIFT = 20, 12, 12
RECENT = 2_000  # files of a project that are looked through
GROUPED = 10_000  # refused rows of a run whose reasons are counted


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
    """Why rows of one file were refused: how many of those kept."""

    file: str
    column: str
    reason: str
    rows: int


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
    totals, troubles = _totals([run.pk for run in runs.values()])
    lines = [_line(one, runs.get(one.pk), schedules[one.pk], totals, troubles) for one in projects]
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
        RejectedRow.objects.filter(pk__in=rows.order_by("pk").values("pk")[:GROUPED])
        .values_list("file__filename", "column", "reason")
        .annotate(rows=Count("pk"), first=Min("pk"))
        .order_by("-rows", "first")[:REASONS]
    )
    reasons = [Reason(file, column, reason, count) for file, column, reason, count, _first in grouped]
    return Refused(counted, rows.count(), reasons, list(RejectedRow.objects.of_run(run_id)[:LINES]))


def tables(project: ImportProject, user: Any) -> tuple[list[tuple[ImportFileResult, State]], list[ImportFileResult]]:
    """Return the last file of each table, by the table's name, and the newest files that brought columns.

    Looks at the project's last RECENT files.
    """
    seen = ImportFileResult.objects.visible_to(user).filter(project=project.name).order_by("-pk")
    last: dict[str, int] = {}
    new: list[int] = []
    for pk, table, columns in seen.values_list("pk", "table_name", "columns_added")[:RECENT]:
        last.setdefault(table, pk)
        if columns and len(new) < DRIFT:
            new.append(pk)
    found = ImportFileResult.objects.in_bulk([*last.values(), *new])
    return [(found[pk], file_state(found[pk])) for table, pk in sorted(last.items()) if table], [
        found[pk] for pk in new
    ]


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
    newest = {
        one.pk: max((schedule.last_run_id or 0 for schedule in schedules[one.pk]), default=0) for one in projects
    }
    orphans = {one.name: one.pk for one in projects if not newest[one.pk]}  # their schedules are gone, or never ran
    seen = ImportFileResult.objects.visible_to(user).filter(project__in=orphans)
    for name, last in seen.values_list("project").annotate(last=Max("run_id")).order_by():
        newest[orphans[name]] = last
    runs = JobRun.objects.visible_to(user).in_bulk([pk for pk in newest.values() if pk])
    return {pk: runs[run] for pk, run in newest.items() if run in runs}


def _totals(runs: Sequence[int]) -> tuple[dict[int, dict[str, int]], dict[int, str]]:
    """Return by run the numbers of its files, and what went wrong with the first that failed."""
    files = ImportFileResult.objects.filter(run_id__in=runs).order_by()
    failed = Q(status=ImportFileResult.Status.FAILED)
    numbers = files.values("run_id").annotate(
        files=Count("pk"), failed=Count("pk", filter=failed), **{name: Sum(name) for name in COUNTS}
    )
    first = files.filter(failed).values("run_id").annotate(first=Min("pk")).values("first")
    troubles = ImportFileResult.objects.filter(pk__in=first).values_list("run_id", "filename", "error")
    by_run: dict[int, dict[str, int]] = {one["run_id"]: dict(one) for one in numbers}  # type: ignore[arg-type]
    return by_run, {run: f"{name}: {error}" for run, name, error in troubles}


def _line(
    project: ImportProject,
    run: JobRun | None,
    schedules: list[Schedule],
    totals: dict[int, dict[str, int]],
    troubles: dict[int, str],
) -> Line:
    state = run_state(run) if run else State("pending", _("Not imported yet"))
    numbers = totals.get(run.pk, {}) if run else {}
    files = numbers.get("files", 0)
    return Line(
        project=project,
        run=run,
        state=state,
        files=files,
        loaded=files - numbers.get("failed", 0),
        sums={name: numbers.get(name, 0) for name in COUNTS},
        trouble=troubles.get(run.pk, run.error) if run else "",
        schedules=schedules,
    )
