from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from jobruns.models import JobRun
from schedules.models import Schedule

SHOWN = (
    "id name description environment job_type params schedule_type cron_expression interval_seconds "
    "scheduled_at anchor_at timezone start_at end_at max_runs jitter_seconds enabled status pause_reason "
    "calendar calendar_rule channels callback_url paused_until "
    "priority queue tags depends_on overlap_policy max_instances misfire_policy misfire_grace_seconds "
    "catchup_limit timeout_seconds max_retries retry_delay_seconds retry_backoff created_by updated_by "
    "version next_run_at last_run_at last_run_id total_runs successful_runs failed_runs "
    "consecutive_failures created_at updated_at run_count success_count failure_count template template_version "
    "source"
)


def test_a_created_schedule_is_shown_with_its_next_instant(admin):
    answer = admin.post(
        "schedules",
        {
            "name": "daily_summary_emails",
            "description": "Send daily summary emails at 9 AM",
            "schedule_type": "cron",
            "cron_expression": "0 9 * * *",
            "timezone": "America/New_York",
            "job_type": "noop",
            "tags": ["email", "daily", "summary"],
            "priority": 7,
        },
    )
    assert answer.status_code == 201
    body = answer.json()
    assert sorted(body) == sorted(SHOWN.split())
    following = datetime.fromisoformat(body["next_run_at"]).astimezone(ZoneInfo("America/New_York"))
    assert (following.hour, following.minute) == (9, 0)
    assert (body["enabled"], body["status"], body["version"]) == (True, "active", 1)
    assert body["created_by"] == "ada"
    assert answer["Location"] == f"/api/v1/schedules/{body['id']}"
    assert Schedule.objects.get().owner == admin.user


def test_a_schedule_created_disabled_is_paused(a_schedule):
    body = a_schedule(enabled=False)
    assert (body["enabled"], body["status"], body["next_run_at"]) == (False, "paused", None)


def test_is_active_means_enabled(a_schedule):
    assert a_schedule(is_active=False)["status"] == "paused"


@pytest.mark.parametrize("method", ["put", "patch"])
def test_an_update_changes_only_what_is_sent(admin, a_schedule, method):
    before = a_schedule(tags=["a"], description="old", priority=8)
    answer = getattr(admin, method)(f"schedules/{before['id']}", {"description": "new"})
    assert answer.status_code == 200
    changed = {name for name, value in answer.json().items() if before[name] != value}
    assert changed == {"description", "version", "updated_at"}
    assert answer.json()["version"] == 2


def test_an_update_computes_the_next_instant_anew(admin, a_schedule):
    before = a_schedule()
    after = admin.patch(f"schedules/{before['id']}", {"cron_expression": "45 2 * * *"}).json()
    assert after["next_run_at"][14:16] == "45"


def test_null_clears(admin, a_schedule):
    before = a_schedule(description="x", tags=["a"], max_runs=3, timeout_seconds=7, priority=9)
    sent = dict.fromkeys(["description", "tags", "max_runs", "timeout_seconds", "priority", "params"])
    after = admin.patch(f"schedules/{before['id']}", sent).json()
    assert [after[name] for name in sent] == ["", [], None, 60, 5, {}]


def test_another_type_clears_the_fields_of_the_old_one(admin, a_schedule):
    before = a_schedule()
    after = admin.patch(f"schedules/{before['id']}", {"schedule_type": "interval", "interval_seconds": 60}).json()
    assert (after["cron_expression"], after["interval_seconds"]) == ("", 60)


def test_the_result_of_an_update_is_checked_as_a_whole(admin, a_schedule):
    before = a_schedule(end_at="2190-01-01T00:00:00Z")
    answer = admin.patch(f"schedules/{before['id']}", {"start_at": "2190-01-02T00:00:00Z"})
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"end_at"}
    assert admin.get(f"schedules/{before['id']}").json() == before


def test_an_answer_may_be_sent_back_as_it_is(admin, a_schedule):
    before = a_schedule()
    answer = admin.put(f"schedules/{before['id']}", before)
    assert answer.status_code == 200, answer.content


def test_status_is_changed_by_pausing_and_not_by_writing_it(admin, a_schedule):
    answer = admin.patch(f"schedules/{a_schedule()['id']}", {"status": "paused"})
    assert answer.status_code == 400
    assert "status" in answer.json()["errors"]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"calendar": "ie"}, "calendar"),
        ({"callback_url": "http://169.254.169.254/"}, "callback_url"),
        ({"channels": ["nobody"]}, "channels"),
        ({"channels": ["a"] * 21}, "channels"),
        ({"cron_expression": "61 * * * *"}, "cron_expression"),
        ({"cron_expression": "0 0 31 2 *"}, "cron_expression"),
        ({"interval_seconds": 60}, "interval_seconds"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"priority": 11}, "priority"),
        ({"priority": 0}, "priority"),
        ({"max_retries": 11}, "max_retries"),
        ({"retry_delay_seconds": 3601}, "retry_delay_seconds"),
        ({"timeout_seconds": 86_401}, "timeout_seconds"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"name": "a\x1b[31m"}, "name"),
        ({"description": "x" * 1001}, "description"),
        ({"tags": ["x"] * 21}, "tags"),
        ({"tags": ["x" * 65]}, "tags.0"),
        ({"tags": "email"}, "tags"),
        ({"job_type": "nothing"}, "job_type"),
        ({"job_type": None}, "job_type"),
        ({"params": {"sleep_seconds": -1}}, "params"),
        ({"params": {"colour": 1}}, "params"),
        ({"params": []}, "params"),
        ({"schedule_type": "weekly"}, "schedule_type"),
        ({"start_at": "yesterday"}, "start_at"),
        ({"start_at": "9999-12-31T23:59:59-14:00"}, "start_at"),
        ({"start_at": "0001-01-01T00:00:00+14:00"}, "start_at"),
        ({"start_at": 5}, "start_at"),
        ({"jitter_seconds": 3601}, "jitter_seconds"),
        ({"max_runs": 0}, "max_runs"),
        ({"max_instances": 10**30}, "max_instances"),
        ({"enabled": "perhaps"}, "enabled"),
        ({"is_active": True, "enabled": True}, "enabled"),
    ],
)
def test_bad_input_is_refused_under_its_field_and_stores_nothing(admin, sent, field):
    good = {"name": "n", "job_type": "noop", "schedule_type": "cron", "cron_expression": "0 9 * * *"}
    answer = admin.post("schedules", {**good, **sent})
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert field in answer.json()["errors"]
    assert not Schedule.objects.exists()


def test_errors_of_parameters_name_the_inner_field(admin, a_schedule):
    errors = admin.patch(f"schedules/{a_schedule()['id']}", {"params": {"sleep_seconds": "long"}}).json()["errors"]
    assert errors["params"][0].startswith("sleep_seconds: ")


def test_a_moment_without_offset_is_in_the_zone_of_the_schedule(admin):
    at = (timezone.now() + timedelta(days=3)).strftime("%Y-%m-%dT12:00:00")
    body = {"name": "once", "job_type": "noop", "schedule_type": "one_time", "scheduled_at": at}
    shown = admin.post("schedules", {**body, "timezone": "Asia/Tokyo"}).json()
    assert shown["scheduled_at"] == shown["next_run_at"] == at.replace("T12:00:00", "T03:00:00Z")


def test_a_taken_name_is_a_conflict(admin, a_schedule):
    a_schedule()
    answer = admin.post("schedules", {"name": "nightly", "job_type": "noop", "schedule_type": "manual"})
    assert answer.status_code == 409
    assert Schedule.objects.count() == 1


def test_a_name_taken_by_a_rival_in_the_same_moment_is_a_conflict(admin, a_schedule, monkeypatch):
    a_schedule()
    monkeypatch.setattr(Schedule, "validate_constraints", lambda *args, **options: None)  # as if both had looked
    answer = admin.post("schedules", {"name": "nightly", "job_type": "noop", "schedule_type": "manual"})
    assert answer.status_code == 409


def test_the_name_of_a_deleted_schedule_is_free(admin, a_schedule):
    admin.delete(f"schedules/{a_schedule()['id']}")
    assert a_schedule()["name"] == "nightly"


def test_a_deleted_schedule_is_gone_but_its_history_stays(admin, a_schedule):
    pk = a_schedule()["id"]
    run = admin.post(f"schedules/{pk}/trigger").json()["run_id"]
    assert admin.delete(f"schedules/{pk}").status_code == 204
    assert admin.get(f"schedules/{pk}").status_code == 404
    assert admin.post(f"schedules/{pk}/trigger").status_code == 404
    assert [one["id"] for one in admin.get(f"schedules/{pk}/runs").json()["results"]] == [run]
    assert [one["id"] for one in admin.get("schedules?status=deleted").json()["results"]] == [pk]


def test_a_hard_delete_takes_the_history_along(admin, a_schedule):
    pk = a_schedule()["id"]
    admin.post(f"schedules/{pk}/trigger")
    assert admin.delete(f"schedules/{pk}?hard_delete=true").status_code == 204
    assert not JobRun.objects.exists()


def test_only_a_superuser_deletes_for_good(having, a_schedule):
    pk = a_schedule()["id"]
    answer = having("schedules.delete_schedule").delete(f"schedules/{pk}?hard_delete=true")
    assert answer.status_code == 403
    assert Schedule.objects.existing().filter(pk=pk).exists()
