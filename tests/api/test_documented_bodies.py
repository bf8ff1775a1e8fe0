"""The requests that the followed systems document work as they are, but for host and authentication."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from schedules.models import Schedule

pytestmark = pytest.mark.django_db
DAILY = {
    "name": "daily_summary_emails",
    "description": "Send daily summary emails at 9 AM",
    "schedule_type": "cron",
    "cron_expression": "0 9 * * *",
    "timezone": "America/New_York",
    "target_command": "cmd.notification.send.bulk",
    "command_payload": {"notification_type": "daily_summary", "recipient_filter": "active_users"},
    "tags": ["email", "daily", "summary"],
    "priority": 7,
}
HOURLY = {
    "name": "hourly_metrics_collection",
    "schedule_type": "interval",
    "interval_seconds": 3600,
    "max_retries": 5,
    "target_command": "cmd.analytics.collect.metrics",
    "command_payload": {"sources": ["web"]},
}


def test_the_daily_cron_is_made_and_due_at_nine_in_new_york(admin):
    answer = admin.post("schedules", DAILY)
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert made["job_type"] == "command"
    assert made["params"] == {"target_command": DAILY["target_command"], "command_payload": DAILY["command_payload"]}
    assert datetime.fromisoformat(made["next_run_at"]).astimezone(ZoneInfo("America/New_York")).hour == 9
    assert made["priority"] == 7


def test_the_interval_is_made_and_triggered_with_a_payload_of_its_own(admin):
    made = admin.post("schedules", HOURLY)
    assert made.status_code == 201
    number = made.json()["id"]
    asked = admin.post(
        f"schedules/{number}/trigger", {"override_payload": {"sources": ["app"]}}, X_Triggered_By="ops"
    )
    assert asked.status_code == 202
    run = Schedule.objects.get(pk=number).runs.get(pk=asked.json()["execution_id"])
    assert run.params == {"target_command": HOURLY["target_command"], "command_payload": {"sources": ["app"]}}


def test_bulk_pause_takes_ids_and_a_reason(admin):
    number = admin.post("schedules", HOURLY).json()["id"]
    answer = admin.post(
        "schedules/bulk/operation",
        {"schedule_ids": [str(number)], "operation": "pause", "reason": "Maintenance window"},
    )
    assert answer.status_code == 200
    assert Schedule.objects.get(pk=number).status_reason == "Maintenance window"


def test_a_patch_of_the_payload_keeps_the_command(admin):
    number = admin.post("schedules", HOURLY).json()["id"]
    changed = admin.patch(f"schedules/{number}", {"command_payload": {"sources": []}})
    assert changed.status_code == 200
    assert changed.json()["params"] == {
        "target_command": HOURLY["target_command"],
        "command_payload": {"sources": []},
    }


def test_many_are_made_at_once_from_shorthand(admin):
    answer = admin.post("schedules/bulk/create", {"schedules": [DAILY, HOURLY]})
    assert answer.status_code == 201
    assert Schedule.objects.filter(job_type="command").count() == 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"target_command": "cmd.evil.thing.done"}, "target_command"),
        ({"command_payload": {"a": "x" * 262_144}}, "command_payload"),
        ({"command_payload": "text"}, "command_payload"),
        ({"job_type": "noop"}, "target_command"),
        ({"params": {"target_command": "cmd.billing.process.invoices"}}, "target_command"),
    ],
)
def test_what_is_wrong_is_named_by_the_field_that_was_sent(admin, values, field):
    answer = admin.post("schedules", {**HOURLY, **values})
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert not Schedule.objects.exists()


def test_a_body_without_any_kind_of_work_is_refused(admin):
    answer = admin.post("schedules", {"name": "x", "schedule_type": "manual"})
    assert answer.json()["errors"] == {"job_type": ["This field is required."]}


def test_schedules_are_found_by_the_import_project_that_they_name(admin):
    admin.post("schedules", HOURLY)
    answer = admin.get("schedules?project=customer_project&enabled=true")
    assert (answer.status_code, answer.json()["results"]) == (200, [])
