"""Try an import: load everything and roll it back, or only look which files there are."""

from __future__ import annotations

import math
import time
from typing import Any

from integrations.kinds.base import Unusable
from integrations.models import Connection
from integrations.secrets import Undecryptable
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


def look(config: CsvImportConfig, project: ImportProject) -> JSONObject:
    """Say whether the database answers and which files a run would take now, and into which tables.

    Returns {ok, sentence, target, file_count, files, refused, waiting}. No file is read.
    """
    said: JSONObject = {"target": "", "file_count": 0, "files": [], "refused": [], "waiting": []}
    try:
        target = Connection.objects.named(project.connection, kind="sql")
        said["target"] = target.test().sentence
        job = running.Job(project, config, project.environment, seconds_left=lambda: math.inf)
        with running.found(job) as finding:
            files = [
                {"filename": one.name, "table_name": f"{one.plan.schema}.{one.plan.table}", "bytes": one.size}
                for one in finding.files
            ]
            refused = [
                {"filename": one.name, "error_type": one.error_type, "error": one.error} for one in finding.refused
            ]
            said |= {"file_count": len(files), "files": files[:MOST_FILES], "refused": refused[:MOST_FILES]}
            said["waiting"] = list(finding.waiting[:MOST_FILES])
    except (Connection.DoesNotExist, Unusable, Undecryptable, JobFailed) as wrong:
        return {"ok": False, "sentence": str(wrong), **said}
    count = "1 file" if said["file_count"] == 1 else f"{said['file_count']:,} files"
    return {"ok": not said["refused"], "sentence": f"{count} would be taken now. {said['target']}", **said}


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
