"""What is said of an import that ended, for every ending: also when the run died, from what was kept until then."""

from __future__ import annotations

from jobtypes.base import Finished, JSONObject
from jobtypes.csv_import.models import ImportFileResult
from jobtypes.csv_import.report import Report, shown

MOST_FILES = 500


def body(finished: Finished) -> JSONObject:
    """Return what a callback gets: the keys that receivers of the followed system know, and each file."""
    report = Report(list(ImportFileResult.objects.of_run(finished.run_id)))
    return {
        "job_id": finished.run_id,
        "project": finished.params.get("project"),
        "status": _word(finished, report),
        "files_processed": report.done,
        "files_failed": len(report.failed),
        **report.totals(),
        "errors": _errors(finished, report),
        "duration_seconds": finished.duration_seconds,
        "files": [shown(one) for one in report.files[:MOST_FILES]],
    }


def result(finished: Finished) -> JSONObject:
    """Return the result of a run that could not say it itself: its process died, or was killed."""
    report = Report(list(ImportFileResult.objects.of_run(finished.run_id)))
    said = report.result(str(finished.params.get("project")))
    return {**said, "status": _word(finished, report), "errors": _errors(finished, report)}


def _word(finished: Finished, report: Report) -> str:
    """Return completed, partial or failed; a run that was stopped has done what was kept, and no more."""
    if finished.status == "success":
        return "completed"
    return "partial" if report.done else "failed"


def _errors(finished: Finished, report: Report) -> list[str]:
    """Return a sentence for each file that failed; where none says why the run did, the run's own."""
    found = report.errors()
    return found if found or not finished.error else [finished.error]
