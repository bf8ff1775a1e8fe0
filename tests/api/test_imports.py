"""Imports over HTTP with a real database: tried, run, and told of to callbacks."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import roles
from integrations.models import Delivery
from jobruns import retention, rollups
from jobruns.engine import claims, endings, ledger, processes
from jobruns.models import JobRun
from jobruns.runner import execute, stopped
from jobtypes.models import ImportedFile, ImportFileResult, RejectedRow
from schedules.models import Schedule
from tests.api.conftest import Caller
from tests.jobtypes.csv_import.conftest import imports_database, world
from tests.jobtypes.running import TrialContext

__all__ = ["imports_database", "world"]
pytestmark = pytest.mark.django_db
CUSTOMERS = "id,name\n1,Anna\n2,Bert\n"
URL = "https://webhook.example.com/notify"


def worked(run_id, *, dies=False):
    """Claim a run, do its work here, and record its ending, or that its process died afterwards."""
    process = processes.register(0, fires=False)
    assignment = claims.claim_one(run_id, process.name)
    ending = execute(assignment, TrialContext(run_id=run_id, seconds=120))
    if dies:
        ending = stopped(assignment, timezone.now(), why="lost")
    endings.record([ending], process.name)
    return JobRun.objects.get(pk=run_id)


def imported(admin, project="customer_project", **options):
    number = admin.post(f"import-projects/{project}/import", {"callback_url": URL}).json()["job_id"]
    return worked(number, **options)


def called_back():
    return [one.message["body"] for one in Delivery.objects.filter(url=URL).order_by("pk")]


def in_role(user, role, *environments):
    roles.give(user, role, environments)
    return Caller(type(user).objects.get(pk=user.pk))


def test_a_callback_has_the_keys_of_the_followed_system_and_the_usual_ones(admin, world):
    world.project()
    world.write("customers.csv", CUSTOMERS)
    run = imported(admin)
    body = called_back()[0]
    known = {"job_id": run.pk, "project": "customer_project", "status": "completed", "errors": []}
    known |= {"files_processed": 1, "files_failed": 0, "total_inserted": 2, "total_updated": 0, "total_skipped": 0}
    known |= {"total_rejected": 0, "total_duplicates": 0}
    assert {name: body[name] for name in known} == known
    assert body["duration_seconds"] >= 0
    assert (body["files"][0]["filename"], body["execution_id"], body["will_retry"]) == (
        "customers.csv",
        run.pk,
        False,
    )


def test_the_callback_of_a_partial_run_lists_each_file_s_error(admin, world):
    world.project()
    for name, text in (("a.csv", CUSTOMERS), ("b.csv", "id,name\n1\n"), ("c.csv", CUSTOMERS)):
        world.write(name, text)
    run = imported(admin)
    assert (run.status, run.reason, run.result["status"]) == ("failed", "expected", "partial")
    body = called_back()[0]
    assert (body["status"], body["files_processed"], body["files_failed"]) == ("partial", 2, 1)
    assert [error.partition(":")[0] for error in body["errors"]] == ["b.csv"]
    assert body["files"][1]["error"] in body["errors"][0]


def test_the_callback_of_a_run_that_died_says_why_and_what_was_loaded(admin, world):
    world.project()
    world.write("customers.csv", CUSTOMERS)
    run = imported(admin, dies=True)
    body = called_back()[0]
    assert (run.reason, body["status"], body["total_inserted"]) == ("lost", "partial", 2)
    assert "process died" in body["errors"][0]
    assert body["will_retry"]
    assert (run.result["status"], run.result["files"][0]["filename"]) == ("partial", "customers.csv")


def test_a_run_that_never_came_to_a_file_calls_back_failed(admin, world):
    world.project()
    imported(admin)
    body = called_back()[0]
    assert (body["status"], body["files"]) == ("failed", [])
    assert "There is no file" in body["errors"][0]


def test_other_kinds_of_work_call_back_as_ever(admin, make_schedule):
    schedule = make_schedule(callback_url=URL)
    worked(schedule.runs.request(by="ada").pk)
    assert (called_back()[0]["status"], "job_id" in called_back()[0]) == ("success", False)


def test_files_and_rejects_of_a_run_are_read_also_as_of_an_execution(admin, world):
    project = world.project(config={"defaults": {"primary_key": "id"}, "local_dir": "in", "reject_limit": 1})
    world.write("customers.csv", "id,name\n1,Anna\n2\n")
    run = imported(admin, project.name)
    for word in ("runs", "executions"):
        (file,) = admin.get(f"{word}/{run.pk}/files").json()["results"]
        assert (file["filename"], file["table_name"], file["inserted"], file["rejected"]) == (
            "customers.csv",
            "public.customers",
            1,
            1,
        )
        (row,) = admin.get(f"{word}/{run.pk}/rejects?filename=customers.csv").json()["results"]
        assert (row["line"], row["raw"], row["run_id"]) == (3, "2", run.pk)
    assert admin.get(f"runs/{run.pk}/rejects?filename=other.csv").json()["results"] == []
    assert admin.get(f"runs/{run.pk}/files?status=failed").json()["results"] == []
    assert admin.get("executions/999999/files").status_code == 404


def test_a_trial_answers_what_would_change_and_keeps_nothing(admin, world):
    world.project()
    world.write("customers.csv", CUSTOMERS)
    answer = admin.post("import-projects/customer_project/dry-run").json()
    assert (answer["ok"], answer["status"], answer["total_inserted"]) == (True, "completed", 2)
    assert answer["files"][0]["changes"][0]["operation"] == "insert"
    assert world.ask("SELECT to_regclass('customers') IS NULL") == [(True,)]
    assert not ImportFileResult.objects.exists()


def test_a_test_lists_the_files_with_their_tables_and_reads_none(admin, world):
    world.project()
    world.write("customers.csv", CUSTOMERS)
    world.write("half.csv", CUSTOMERS, age=0)
    answer = admin.post("import-projects/customer_project/test").json()
    assert (answer["ok"], answer["file_count"], answer["waiting"]) == (True, 1, ["half.csv"])
    assert answer["files"][0]["table_name"] == "public.customers"


@pytest.mark.parametrize(
    ("override", "field"), [({"host": "sftp.example.com"}, "sftp_override.host"), ({"source": "x"}, "sftp_override")]
)
def test_a_trial_refuses_a_place_for_files_that_is_none(admin, world, override, field):
    world.project()
    answer = admin.post("import-projects/customer_project/dry-run", {"sftp_override": override})
    assert (answer.status_code, field in answer.json()["errors"]) == (400, True)


def test_operators_import_and_try_and_viewers_do_not(admin, nobody, world):
    world.project()
    world.write("customers.csv", CUSTOMERS)
    viewer = in_role(nobody.user, "viewer")
    for act in ("import", "dry-run", "test"):
        assert viewer.post(f"import-projects/customer_project/{act}").status_code == 403
    operator = in_role(nobody.user, "operator")
    assert operator.post("import-projects/customer_project/import").status_code == 202
    assert operator.post("import-projects/customer_project/dry-run").json()["ok"]
    assert operator.post("import-projects/customer_project/import", {"callback_url": URL}).status_code == 403


def test_imports_of_another_environment_are_not_there(admin, nobody, world):
    world.project(environment="production")
    world.write("customers.csv", CUSTOMERS)
    run = imported(admin)
    operator = in_role(nobody.user, "operator", "staging")
    for act in ("import", "dry-run", "test"):
        assert operator.post(f"import-projects/customer_project/{act}").status_code == 404
    for what in ("files", "rejects"):
        assert operator.get(f"runs/{run.pk}/{what}").status_code == 404


def test_who_is_limited_imports_a_common_project_into_his_environment(nobody, world):
    world.project()
    operator = in_role(nobody.user, "operator", "staging")
    number = operator.post("import-projects/customer_project/import").json()["job_id"]
    assert JobRun.objects.get(pk=number).environment == "staging"
    refused = operator.post("import-projects/customer_project/import", {"environment": "production"})
    assert "environment" in refused.json()["errors"]


def test_pruning_takes_results_and_rejects_with_their_runs_and_keeps_the_memory(admin, world):
    project = world.project(config={"defaults": {"primary_key": "id"}, "local_dir": "in", "reject_limit": 1})
    world.write("customers.csv", "id,name\n1,Anna\n2\n")
    old, young = imported(admin, project.name), imported(admin, project.name)
    JobRun.objects.filter(pk=old.pk).update(queued_at=timezone.now() - timedelta(days=100))
    now = timezone.now()
    rollups.catch_up(now)
    retention.prune(now - timedelta(days=90), now=now, stopped=lambda seconds: False)
    assert not JobRun.objects.filter(pk=old.pk).exists()
    assert set(ImportFileResult.objects.values_list("run_id", flat=True)) == {young.pk}
    assert RejectedRow.objects.count() == 1
    assert ImportedFile.objects.exists()


def test_a_schedule_erased_with_its_history_leaves_no_results(admin, world):
    world.project()
    world.write("customers.csv", CUSTOMERS)
    run = imported(admin)
    Schedule.objects.get(pk=run.schedule_id).erase(by="ada")
    assert not ImportFileResult.objects.exists()


def test_two_fires_at_once_run_one_after_the_other(admin, world):
    world.project()
    body = {"name": "hourly", "project_name": "customer_project", "schedule_type": "interval"}
    number = admin.post("schedules", {**body, "interval_seconds": 3600}).json()["id"]
    first = admin.post(f"schedules/{number}/run").json()["execution_id"]
    process = processes.register(0, fires=False)
    assert claims.claim_one(first, process.name) is not None
    past = timezone.now().replace(microsecond=0) - timedelta(seconds=30)
    Schedule.objects.filter(pk=number).update(next_run_at=past, anchor_at=past)
    ledger.fire_due()
    fired = JobRun.objects.exclude(pk=first).get()
    assert (fired.status, fired.reason) == ("skipped", "overlap")
