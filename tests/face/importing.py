"""An import project under test, and runs of it whose files went one way or another."""

from typing import Any

from django.utils import timezone

from integrations.models import Connection
from jobruns.models import JobRun
from jobtypes.models import ImportFileResult, ImportProject, ImportUse, RejectedRow
from schedules.models import Schedule

CONFIG = {
    "local_dir": "in",
    "defaults": {"file_pattern": "Hx*.csv", "primary_key": "REC_ID", "delimiter": "|", "encoding": "cp1252"},
    "table_naming": {"strip_prefix": "Hx"},
    "tables": [{"file_pattern": "berths_*.csv", "target_table": "berths", "primary_key": ["port", "berth"]}],
}


def a_project(name: str = "harbour-erp", **fields: Any) -> ImportProject:
    if not Connection.objects.filter(name="warehouse").exists():
        Connection(name="warehouse", kind="sql", address="postgresql://db.example/warehouse").store(by="test")
    project = ImportProject(**{"name": name, "connection": "warehouse", "config": CONFIG, **fields})
    project.store(by="test")
    return project


def a_schedule(project: ImportProject, name: str = "erp-nightly") -> Schedule:
    """Return a schedule that counts as one of the project's."""
    schedule = Schedule(name=name, job_type="noop", schedule_type="cron", cron_expression="30 2 * * *")
    schedule.store(by="test")
    ImportUse.objects.create(
        project=project, schedule_id=schedule.pk, schedule_name=name, environment=schedule.environment
    )
    return schedule


def imported(schedule: Schedule, project: ImportProject, *files: dict[str, Any], **fields: Any) -> JobRun:
    """Return a run that ended just now with these files; a file's `rejects` are (line, column, reason, raw)."""
    now = timezone.now()
    wrong = {"view": "public.crews", "error_type": "MaterializedViewRefreshError", "error": "out of memory"}
    views = {"refreshed": ["public.fleet", "public.ports"], "errors": [{**wrong, "duration_ms": 3}]}
    failed = sum(one.get("status") == "failed" for one in files)
    word = "completed" if not failed else "failed" if failed == len(files) else "partial"
    run = JobRun.objects.create(
        **{
            "schedule": schedule,
            "schedule_name": schedule.name,
            "job_type": "csv_import",
            "environment": schedule.environment,
            "scheduled_for": now,
            "queued_at": now,
            "available_at": now,
            "started_at": now,
            "finished_at": now,
            "status": "failed" if failed else "success",
            "reason": "expected" if failed else "",
            "error": "1 file failed." if failed else "",
            "result": {
                "status": word,
                "project": project.name,
                "files": [],
                "notes": ["HxVessels.csv stays."],
                "views": views,
            },
            "idempotency_key": f"{schedule.pk}-{now.isoformat()}",
            **fields,
        }
    )
    for one in files:
        rejects = one.pop("rejects", [])
        kept = ImportFileResult.objects.create(
            **{"run_id": run.pk, "project": project.name, "environment": run.environment, "status": "loaded", **one}
        )
        RejectedRow.objects.bulk_create(
            RejectedRow(file=kept, line=line, column=column, reason=reason, raw=raw)
            for line, column, reason, raw in rejects
        )
    Schedule.objects.filter(pk=schedule.pk).update(last_run_id=run.pk)
    return run


def vessels(**fields: Any) -> dict[str, Any]:
    return {"filename": "HxVessels.csv", "table_name": "public.vessels", "rows_read": 3, "inserted": 2, **fields}


REJECTS = [
    (5, "", "3 cells, 4 expected", "3|Borealis|NO"),
    (9, "length", "not a number", '=HYPERLINK("http://x.example")'),
]


def a_partial_run(schedule: Schedule, project: ImportProject) -> JobRun:
    """Return a run with a file that was loaded, one with refused rows and one that failed."""
    return imported(
        schedule,
        project,
        vessels(rejected=2, rejects=REJECTS, columns_added=["flag_state"], duration_ms=2400),
        {"filename": "berths_north.csv", "table_name": "public.berths", "rows_read": 40, "updated": 4, "skipped": 36},
        {
            "filename": "HxCrew.csv",
            "table_name": "public.crew",
            "status": "failed",
            "error_type": "HeaderError",
            "error": "The key column REC_ID is not in the header <b>. The table was left as it was.",
        },
    )
