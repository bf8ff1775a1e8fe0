"""Try an import: load everything and roll it back, or only look which files there are."""

from __future__ import annotations

import time
from typing import Any

from jobtypes.base import JobFailed, JSONObject
from jobtypes.csv_import import running
from jobtypes.csv_import.models import ImportProject
from jobtypes.csv_import.outcome import FileResult
from jobtypes.csv_import.params import CsvImportConfig
from jobtypes.csv_import.plan import FilePlan
from jobtypes.csv_import.report import shown

SHOWN_REJECTS = 20
MOST_FILES = 500


def rehearse(config: CsvImportConfig, *, seconds: float) -> tuple[bool, JSONObject]:
    """Load all files within `seconds` and roll each back; return whether all went well, and what it showed.

    Nothing is kept, and files stay where they are. Of each file: its numbers, first changes and first rejects.
    """
    end = time.monotonic() + seconds
    files: list[JSONObject] = []

    def ended(result: FileResult, plan: FilePlan | None) -> None:
        files.append({**shown(result), **_details(result)})

    try:
        project = ImportProject.objects.named(config.project)
        job = running.Job(
            project=project,
            params=config,
            environment=project.environment,
            seconds_left=lambda: end - time.monotonic(),
            trial=True,
        )
        report = running.carry_out(job, ended)
    except ImportProject.DoesNotExist as missing:
        return False, {"sentence": str(missing), "status": "failed", "files": []}
    except JobFailed as failed:
        return False, {"sentence": str(failed), "status": "failed", "files": files[:MOST_FILES]}
    said = {"sentence": report.sentence(), "status": report.status, **report.totals(), "files": files[:MOST_FILES]}
    return not report.failed, said


def _details(result: FileResult) -> dict[str, Any]:
    return {
        "rejects": [
            {"line": one.line, "column": one.column, "reason": one.reason, "raw": one.raw}
            for one in result.rejects[:SHOWN_REJECTS]
        ],
        "changes": [
            {"operation": one.operation, "key": one.key, "before": one.before, "after": one.after}
            for one in result.changes
        ],
    }
