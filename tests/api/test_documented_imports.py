"""The requests that the followed import service documents work as they are, but for host and authentication."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from integrations.models import Connection
from jobruns.models import JobRun
from jobtypes.models import ImportProject, ImportUse
from schedules.models import Schedule

pytestmark = pytest.mark.django_db
HOURLY = {
    "name": "hourly-customer-import",
    "project_name": "customer_project",
    "schedule_type": "interval",
    "interval_seconds": 7200,
    "timezone": "UTC",
    "enabled": True,
    "callback_url": "https://webhook.example.com/notify",
}
DAILY = {
    "name": "daily-sales-import",
    "project_name": "customer_project",
    "schedule_type": "cron",
    "cron_expression": "0 0 * * *",
    "timezone": "America/New_York",
    "enabled": True,
}


@pytest.fixture
def project(db):
    Connection(name="warehouse", kind="sql", address="postgresql://db.example/stock").store(by="tester")
    made = ImportProject(name="customer_project", connection="warehouse", config={"defaults": {"primary_key": "id"}})
    made.store(by="tester")
    return made


def test_the_hourly_import_is_made_as_it_is_documented(admin, project):
    answer = admin.post("schedules", HOURLY)
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert (made["job_type"], made["params"]) == ("csv_import", {"project": "customer_project"})
    assert (made["enabled"], made["next_run_at"] is not None) == (True, True)
    assert made["callback_url"] == HOURLY["callback_url"]


def test_the_daily_import_is_due_at_midnight_in_new_york(admin, project):
    made = admin.post("schedules", DAILY).json()
    assert datetime.fromisoformat(made["next_run_at"]).astimezone(ZoneInfo("America/New_York")).hour == 0


def test_the_other_documented_fields_are_parameters(admin, project):
    body = {**DAILY, "local_files": ["in/customers.csv"], "sftp_override": None}
    made = admin.post("schedules", body)
    assert made.json()["params"] == {"project": "customer_project", "local_files": ["in/customers.csv"]}


def test_an_unknown_project_is_a_400_on_the_field_that_named_it(admin):
    answer = admin.post("schedules", HOURLY)
    assert answer.status_code == 400
    assert answer.json()["errors"] == {"project_name": ["There is no import project named 'customer_project'."]}
    assert not Schedule.objects.exists()


def test_schedules_are_listed_by_project_and_by_whether_they_fire(admin, project):
    number = admin.post("schedules", HOURLY).json()["id"]
    admin.post("schedules", {**DAILY, "enabled": False})
    found = admin.get("schedules?project=customer_project&enabled=true").json()["results"]
    assert [one["id"] for one in found] == [number]
    assert len(admin.get("schedules?project=customer_project").json()["results"]) == 2
    assert admin.get("schedules?project=other").json()["results"] == []


def test_it_is_run_switched_off_and_on_and_its_history_is_read(admin, project):
    number = admin.post("schedules", HOURLY).json()["id"]
    asked = admin.post(f"schedules/{number}/run")
    assert asked.status_code == 202
    history = admin.get(f"schedules/{number}/history?limit=10").json()["results"]
    assert [one["id"] for one in history] == [asked.json()["execution_id"]]
    assert admin.post(f"schedules/{number}/disable").json()["enabled"] is False
    assert admin.post(f"schedules/{number}/enable").json()["enabled"] is True
    listed = admin.get("executions?job_type=csv_import").json()["results"]
    assert [one["id"] for one in listed] == [asked.json()["execution_id"]]


def test_a_null_clears_the_callback(admin, project):
    number = admin.post("schedules", HOURLY).json()["id"]
    assert admin.patch(f"schedules/{number}", {"callback_url": None}).json()["callback_url"] == ""


def test_put_changes_only_what_is_sent(admin, project):
    number = admin.post("schedules", DAILY).json()["id"]
    body = {"cron_expression": "0 6 * * *", "callback_url": "https://new-webhook.example.com/notify"}
    changed = admin.put(f"schedules/{number}", body).json()
    assert (changed["cron_expression"], changed["params"]) == ("0 6 * * *", {"project": "customer_project"})


@pytest.mark.parametrize(
    ("timing", "status"),
    [
        ({"interval_seconds": 3599}, 400),
        ({"interval_seconds": 3600}, 201),
        ({"schedule_type": "cron", "cron_expression": "* * * * *", "interval_seconds": None}, 400),
        ({"schedule_type": "cron", "cron_expression": "*/30 * * * *", "interval_seconds": None}, 400),
        ({"schedule_type": "cron", "cron_expression": "0 * * * *", "interval_seconds": None}, 201),
        ({"schedule_type": "cron", "cron_expression": "0,30 2 * * *", "interval_seconds": None}, 400),
    ],
)
def test_imports_lie_an_hour_apart_at_least(admin, project, timing, status):
    answer = admin.post("schedules", {**HOURLY, **timing})
    assert answer.status_code == status, answer.json()


def test_a_schedule_holds_its_project_until_it_is_deleted(admin, project):
    number = admin.post("schedules", HOURLY).json()["id"]
    refused = admin.delete("import-projects/customer_project")
    assert (refused.status_code, "hourly-customer-import" in refused.json()["detail"]) == (409, True)
    admin.delete(f"schedules/{number}")
    assert admin.delete("import-projects/customer_project").status_code == 204


def test_a_deleted_schedule_comes_back_only_with_its_project(admin, project):
    schedule = Schedule.objects.get(pk=admin.post("schedules", HOURLY).json()["id"])
    schedule.discard(by="ada")
    schedule.restore(by="ada")
    assert ImportUse.objects.get().schedule_id == schedule.pk
    schedule.discard(by="ada")
    project.remove(by="ada")
    with pytest.raises(Exception, match="There is no import project"):
        schedule.restore(by="ada")
    assert Schedule.objects.get(pk=schedule.pk).is_deleted


def test_a_schedule_that_does_other_work_now_holds_no_project(admin, project):
    number = admin.post("schedules", HOURLY).json()["id"]
    changed = admin.patch(f"schedules/{number}", {"job_type": "noop", "params": {}})
    assert changed.status_code == 200, changed.json()
    assert not ImportUse.objects.exists()


def test_an_import_by_hand_is_a_run_of_a_schedule_that_never_fires(admin, project):
    first = admin.post("import-projects/customer_project/import", {"project": "customer_project"})
    assert first.status_code == 202, first.json()
    told = first.json()
    assert told["execution_id"] == told["job_id"]
    run = JobRun.objects.get(pk=told["job_id"])
    assert (run.job_type, run.trigger, run.params) == ("csv_import", "api", {"project": "customer_project"})
    assert (run.schedule.schedule_type, run.schedule.next_run_at) == ("manual", None)
    again = admin.post("import-projects/customer_project/import", {"local_files": ["in/a.csv"]}).json()
    assert again["schedule_id"] == told["schedule_id"]
    assert JobRun.objects.get(pk=again["job_id"]).params["local_files"] == ["in/a.csv"]


def test_an_import_by_hand_calls_back_where_it_was_told_to(admin, project):
    url = "https://webhook.example.com/one"
    told = admin.post("import-projects/customer_project/import", {"callback_url": url}).json()
    assert Schedule.objects.get(pk=told["schedule_id"]).callback_url == url
    assert told["callback_secret"].startswith("whsec_")
    quiet = admin.post("import-projects/customer_project/import").json()
    assert quiet["schedule_id"] != told["schedule_id"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"project": "other"}, "project"),
        ({"surprise": 1}, "surprise"),
        ({"local_files": "in/a.csv"}, "local_files"),
        ({"sftp_override": {"source": "nowhere"}}, "sftp_override"),
        ({"sftp_override": {"host": "sftp.example.com", "password": "x"}}, "sftp_override.host"),
    ],
)
def test_what_is_wrong_with_an_import_by_hand_is_named(admin, project, body, field):
    answer = admin.post("import-projects/customer_project/import", body)
    assert answer.status_code == 400
    assert field in answer.json()["errors"], answer.json()
    assert not JobRun.objects.exists()
