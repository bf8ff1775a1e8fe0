"""Carry out an import for a run, or try one: with the project, its connections, and what is kept of each file."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from django.conf import settings

from integrations import sftp
from integrations.kinds.base import Unusable
from integrations.models import Connection
from integrations.watchdog import Stopped, TookTooLong
from jobtypes import connections
from jobtypes.base import Context, InvalidParams, JobCancelled, JobFailed, JobTimedOut, Outcome
from jobtypes.csv_import import endings, keeping, loading, shape
from jobtypes.csv_import.config import ImportConfig
from jobtypes.csv_import.finding import Finding, SourceFailed, find
from jobtypes.csv_import.importing import Import, Loader, Table
from jobtypes.csv_import.models import ImportProject
from jobtypes.csv_import.outcome import FileResult
from jobtypes.csv_import.params import CsvImportConfig
from jobtypes.csv_import.plan import FilePlan
from jobtypes.csv_import.report import Report

MARGIN_SECONDS = 12.0  # the time that ending a stubborn statement takes, before the run's own deadline
Progress = Callable[[int, int | None, str], None]


@dataclass(frozen=True, slots=True)
class Job:
    """A project and what a run of it asks for. `seconds_left()` and `cancelled()` say when to stop."""

    project: ImportProject
    params: CsvImportConfig
    environment: str
    seconds_left: Callable[[], float]
    cancelled: Callable[[], bool] = lambda: False
    progress: Progress = lambda done, total, text: None
    trial: bool = False

    def go_on(self) -> None:
        """Raise Stopped or TookTooLong where no further file is to be begun."""
        if self.cancelled():
            raise Stopped
        if self.seconds_left() <= 0:
            raise TookTooLong


def run(config: CsvImportConfig, context: Context) -> Outcome:
    """Import the files of a run; each result is kept as its file ends. Raises JobFailed where not all went well."""
    project = _project(config)
    job = Job(
        project=project,
        params=config,
        environment=context.environment,
        seconds_left=lambda: context.seconds_left() - MARGIN_SECONDS,
        cancelled=context.cancelled,
        progress=context.progress,
    )

    def ended(result: FileResult, plan: FilePlan | None) -> None:
        keeping.keep(result, plan, project, run_id=context.run_id, environment=context.environment)
        context.log(endings.line(result), level="error" if result.status == "failed" else "info")

    report = carry_out(job, ended)
    for note in report.notes:
        context.log(note, level="warning")
    if report.failed:
        raise endings.failure(report, project)
    return Outcome(report.sentence(), report.metrics(), report.result(project.name))


def carry_out(job: Job, ended: Callable[[FileResult, FilePlan | None], None]) -> Report:
    """Find the files and import them; raises JobFailed where they cannot be found, or the time is over."""
    config = _read(job.project)
    target = _connection(job.project.connection, "sql", job.environment)
    done: list[FileResult] = []

    def note(result: FileResult, plan: FilePlan | None) -> None:
        clean = replace(result, error=target.scrub(result.error))
        done.append(clean)
        ended(clean, plan)

    try:
        with found(job) as finding:
            if not (finding.files or finding.refused) and config.no_files == "failed":
                raise endings.no_files(job.project, job.params, finding)
            work = Import(config, finding, _loader(job, target, config), note, job.go_on, trial=job.trial)
            report = work.work()
            return replace(report, files=tuple(done))
    except Stopped:
        raise endings.stopped(JobCancelled, "The import was stopped, as asked.", Report(done), job.project) from None
    except TookTooLong:
        raise endings.stopped(JobTimedOut, "The time for this run is over.", Report(done), job.project) from None


@contextmanager
def found(job: Job) -> Iterator[Finding]:
    """Find the files; raises JobFailed where the place cannot be looked into."""
    config = _read(job.project)
    is_remote = not job.params.local_files and config.local_dir is None
    try:
        with find(
            config,
            root=Path(settings.LOCAL_FILES_ROOT),
            local_files=job.params.local_files,
            server=_server(job) if is_remote else None,
            go_on=job.go_on,
        ) as finding:
            yield finding
    except SourceFailed as failed:
        result = {**Report(()).result(job.project.name), "status": "failed", "error_type": failed.error_type}
        raise JobFailed(str(failed), retry=failed.retry, result={**result, "errors": [str(failed)]}) from None


def _server(job: Job) -> sftp.Server | None:
    """Return where the files are fetched, and None if no source is named; raises JobFailed."""
    override = job.params.sftp_override
    name = (override and override.source) or job.project.source
    if not name:
        return None
    source = _connection(name, "sftp", job.environment)
    try:
        server = source.sftp_server()
    except Unusable as wrong:
        raise JobFailed(source.scrub(f"{wrong} Nothing was done.")) from None
    folder = (override and override.remote_path) or server.folder
    return replace(server, folder=folder if folder.startswith("/") else f"/{folder}")


def _loader(job: Job, target: Connection, config: ImportConfig) -> Loader:
    try:
        address = target.sql_url()
    except Unusable as wrong:
        raise JobFailed(target.scrub(f"{wrong} Nothing was changed.")) from None
    if address.get_backend_name() != "postgresql":
        raise JobFailed(f"{target.name} leads to no PostgreSQL database. Nothing was changed.", retry=False)
    place = loading.conninfo(address)

    def one(plan: FilePlan, path: Path) -> FileResult:
        return rebuild([(plan, path)])[0]

    def rebuild(files: Sequence[tuple[FilePlan, Path]]) -> Sequence[FileResult]:
        return loading.load_rebuild(
            place,
            files,
            progress=job.progress,
            cancelled=job.cancelled,
            seconds=job.seconds_left(),
            dry_run=job.trial,
        )

    def views(tables: Sequence[Table]) -> dict[str, object]:
        which: Literal["all", "dependents"] = "all" if config.refresh_materialized_views is True else "dependents"
        schemas = sorted(config.schemas)
        try:
            return _refreshed(
                loading.refresh_views(
                    place,
                    which,
                    schemas=schemas,
                    tables=tables,
                    progress=job.progress,
                    cancelled=job.cancelled,
                    seconds=job.seconds_left(),
                )
            )
        except TookTooLong:
            return _refreshed([loading.Refreshed("", False, 0, "There was no time left to refresh all views.")])

    return Loader(one, rebuild, views, lambda plan, path: _before(job.project, plan, path))


def _refreshed(views: Sequence[loading.Refreshed]) -> dict[str, object]:
    """Return how the refreshing of views went, as a run's result shows it."""
    wrong = [
        {"view": one.name, "error_type": one.error_type, "error": one.error, "duration_ms": one.duration_ms}
        for one in views
        if one.error
    ]
    return {"refreshed": [one.name for one in views if not one.error], "errors": wrong}


def _before(project: ImportProject, plan: FilePlan, path: Path) -> FileResult | None:
    """Return the result of a file whose bytes are in its table already, if the project skips these."""
    if plan.already_imported != "skip":
        return None
    began = time.monotonic()
    digest = keeping.sha256_of(path)
    if keeping.known(project, plan, digest) is None:
        return None
    return FileResult(
        filename=plan.filename,
        table_name=keeping.table_of(plan),
        status="already_imported",
        bytes=path.stat().st_size,
        sha256=digest,
        duration_ms=round((time.monotonic() - began) * 1000),
    )


def _project(config: CsvImportConfig) -> ImportProject:
    try:
        return ImportProject.objects.named(config.project)
    except ImportProject.DoesNotExist as missing:
        raise JobFailed(f"{missing} Nothing was done.", retry=False) from None


def _read(project: ImportProject) -> ImportConfig:
    try:
        return project.read
    except shape.Unreadable as refused:
        raise JobFailed(f"{project.name} cannot be read any more. {refused} Nothing was done.", retry=False) from None


def _connection(name: str, kind: str, environment: str) -> Connection:
    """Return a connection that serves this environment, "" being all; raises JobFailed."""
    connection = connections.use(name, kind=kind)
    if environment and connection.environment not in {"", environment}:
        raise JobFailed(f"There is no connection named {name!r}. Nothing was done.", retry=False)
    return connection


def check_override(config: CsvImportConfig) -> None:
    """Refuse another source that is none; raises InvalidParams."""
    if config.sftp_override is None or config.sftp_override.source is None:
        return
    try:
        Connection.objects.named(config.sftp_override.source, kind="sftp")
    except Connection.DoesNotExist as missing:
        raise InvalidParams({"sftp_override": [str(missing)]}) from None


def out_of_place(config: CsvImportConfig, places: Collection[str] | None) -> Mapping[str, list[str]]:
    """Return what a schedule of these environments, None being all, may not name, as if it were not there."""
    errors = {}
    if not ImportProject.objects.within(places).filter(name=config.project).exists():
        errors["project"] = [f"There is no import project named {config.project!r}."]
    source = config.sftp_override.source if config.sftp_override else None
    if source and not Connection.objects.within(places).filter(name=source).exists():
        errors["sftp_override"] = [f"There is no connection named {source!r}."]
    return errors
