"""Say how an import ended: in the words of a run that failed or was stopped, and of a line of its log."""

from __future__ import annotations

from jobtypes.base import JobFailed
from jobtypes.csv_import.finding import Finding
from jobtypes.csv_import.models import ImportProject
from jobtypes.csv_import.outcome import FileResult
from jobtypes.csv_import.params import CsvImportConfig
from jobtypes.csv_import.report import Report


def no_files(project: ImportProject, params: CsvImportConfig, finding: Finding) -> JobFailed:
    """Return that there is nothing to import, and where was looked."""
    if finding.waiting:
        names = ", ".join(finding.waiting[:5])
        sentence = (
            f"{names} {'is' if len(finding.waiting) == 1 else 'are'} still being written, and there is no other"
        )
    else:
        sentence = "There is no"
    where = _place(project, params)
    result = {**Report(()).result(project.name), "status": "failed", "error_type": "NoFiles"}
    text = f"{sentence} file in {where} that a pattern of {project.name} matches. Nothing was changed."
    return JobFailed(text, retry=False, result={**result, "errors": [text]})


def _place(project: ImportProject, params: CsvImportConfig) -> str:
    if folder := project.config.get("local_dir"):
        return str(folder)
    override = params.sftp_override
    return (override.source if override else None) or project.source or "any place"


def failure(report: Report, project: ImportProject) -> JobFailed:
    retry = any(one.retryable for one in report.failed)
    return JobFailed(
        report.failing(),
        retry=retry,
        summary=report.sentence(),
        metrics=report.metrics(),
        result=report.result(project.name),
    )


def stopped(kind: type[JobFailed], why: str, report: Report, project: ImportProject) -> JobFailed:
    """Return that a run was stopped; what its files did until then stays."""
    before = {0: "nothing was loaded", 1: "the one before it stays loaded"}
    stays = before.get(report.done, f"the {report.done:,} before it stay loaded")
    said = f"{why} The file under way was rolled back on the server; {stays}."
    result = {**report.result(project.name), "status": "partial" if report.done else "failed"}
    return kind(said, summary=report.sentence(), metrics=report.metrics(), result=result)


def line(result: FileResult) -> str:
    """Return how one file went, as the run's log says it."""
    if result.status == "failed":
        return f"{result.filename}: {result.error}"
    if result.status == "already_imported":
        return f"{result.filename} was loaded into {result.table_name} before; it is left out."
    numbers = f"{result.inserted:,} inserted, {result.updated:,} updated, {result.skipped:,} unchanged"
    more = "".join(
        f", {getattr(result, name):,} {name}" for name in ("rejected", "duplicates") if getattr(result, name)
    )
    return f"{result.filename} → {result.table_name}: {numbers}{more}."
