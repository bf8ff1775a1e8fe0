"""Versions of a schedule over HTTP: every edit keeps one, they are compared, and one goes back to them."""

import pytest
from django.contrib.auth.models import User

from integrations.models import AuditEntry, Connection
from integrations.roles import give
from schedules.models import Schedule
from schedules.versions import ScheduleVersion
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def edited(admin, a_schedule):
    """A schedule whose cron and priority were changed once."""
    pk = a_schedule()["id"]
    sent = {"cron_expression": "0 4 * * *", "priority": 9}
    assert admin.patch(f"schedules/{pk}", sent, X_Change_Reason="The partner moved").status_code == 200
    return pk


def test_every_edit_keeps_a_version_with_who_why_and_how(admin, edited):
    admin.post(f"schedules/{edited}/pause", {})
    found = admin.get(f"schedules/{edited}/versions").json()["results"]
    kept = [(one["version"], one["created_by"], one["reason"], one["source"]) for one in found]
    assert kept == [(2, "ada", "The partner moved", "api"), (1, "ada", "", "api")]
    assert admin.get(f"schedules/{edited}").json()["version"] == 3


def test_a_version_is_compared_with_the_one_before(admin, edited):
    told = admin.get(f"schedules/{edited}/versions/2").json()
    assert told["against"] == 1
    assert told["definition"]["cron_expression"] == "0 4 * * *"
    assert told["changes"] == [
        {"field": "cron_expression", "before": "30 2 * * *", "after": "0 4 * * *"},
        {"field": "priority", "before": 5, "after": 9},
    ]
    assert told["fires"]["removed_count"] == told["fires"]["added_count"] == 30
    assert "removes 30 and adds 30 fire times" in told["fires"]["summary"]


def test_a_version_is_compared_with_any_other(admin, edited):
    told = admin.get(f"schedules/{edited}/versions/1?against=2").json()
    assert told["changes"][1] == {"field": "priority", "before": 9, "after": 5}
    first = admin.get(f"schedules/{edited}/versions/1").json()
    assert (first["against"], first["fires"]) == (None, None)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("versions/3", 404),
        ("versions/0", 404),
        ("versions/9999999999", 404),
        ("versions/1?against=7", 400),
        ("versions/1?against=x", 400),
        ("versions/1?agianst=1", 400),
        ("versions?limit=x", 400),
    ],
)
def test_what_is_not_there_is_said(admin, edited, address, status):
    assert admin.get(f"schedules/{edited}/{address}").status_code == status


def test_rolling_back_stores_the_old_definition_as_a_new_version(admin, edited):
    answer = admin.post(f"schedules/{edited}/rollback", {"version": 1, "reason": "It moved back"})
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["cron_expression"], shown["priority"], shown["version"]) == ("30 2 * * *", 5, 3)
    assert answer.headers["ETag"] == '"3"'
    newest = admin.get(f"schedules/{edited}/versions").json()["results"][0]
    assert (newest["version"], newest["reason"]) == (3, "It moved back")
    entry = AuditEntry.objects.get(act="rollback")
    assert (entry.reason, entry.before["priority"], entry.after["priority"]) == ("It moved back", 9, 5)


def test_rolling_back_brings_parents_calendar_and_moments_back(admin, a_schedule):
    parent = a_schedule(name="parent")["id"]
    admin.post("calendars", {"name": "Works"})
    start = "2026-12-01T10:30:00.123456Z"
    pk = a_schedule(depends_on=[{"schedule": "parent"}], calendar="Works", start_at=start)["id"]
    admin.patch(f"schedules/{pk}", {"depends_on": [], "calendar": None, "start_at": None})
    shown = admin.post(f"schedules/{pk}/rollback", {"version": 1}).json()
    assert [one["schedule_id"] for one in shown["depends_on"]] == [parent]
    assert (shown["calendar"], shown["start_at"]) == ("Works", start)


def test_rolling_back_changes_the_kind_of_timing_back(admin, edited):
    admin.patch(f"schedules/{edited}", {"schedule_type": "interval", "interval_seconds": 60})
    shown = admin.post(f"schedules/{edited}/rollback", {"version": 2}).json()
    assert (shown["schedule_type"], shown["interval_seconds"], shown["cron_expression"]) == (
        "cron",
        None,
        "0 4 * * *",
    )


def test_a_version_whose_connection_is_gone_is_refused_with_the_reason(admin, a_schedule):
    connection = Connection(name="crm", kind="http", address="https://crm.example.com")
    connection.store(by="ada")
    params = {"url": "/contacts", "connection": "crm"}
    pk = a_schedule(job_type="http_request", params=params)["id"]
    admin.patch(f"schedules/{pk}", {"params": {"url": "https://other.example.com/x"}})
    connection.remove(by="ada")
    answer = admin.post(f"schedules/{pk}/rollback", {"version": 1})
    assert answer.status_code == 400
    assert "crm" in str(answer.json()["errors"]["params"])
    assert admin.get(f"schedules/{pk}").json()["version"] == 2


def test_a_version_whose_calendar_is_gone_is_refused_with_the_reason(admin, a_schedule):
    calendar = admin.post("calendars", {"name": "Works"}).json()["id"]
    pk = a_schedule(calendar="Works")["id"]
    admin.patch(f"schedules/{pk}", {"calendar": None})
    admin.delete(f"calendars/{calendar}")
    answer = admin.post(f"schedules/{pk}/rollback", {"version": 1})
    assert answer.json()["errors"] == {"calendar": ["There is no calendar 'Works' any more."]}


def test_a_version_whose_name_is_taken_is_refused(admin, a_schedule):
    pk = a_schedule(name="old")["id"]
    admin.patch(f"schedules/{pk}", {"name": "new"})
    a_schedule(name="old")
    assert admin.post(f"schedules/{pk}/rollback", {"version": 1}).status_code == 409
    assert Schedule.objects.get(pk=pk).name == "new"


@pytest.mark.parametrize(
    ("body", "status"),
    [({"version": 9}, 400), ({}, 400), ({"version": 0}, 400), ({"version": 1, "why": "x"}, 400)],
)
def test_what_cannot_be_gone_back_to_is_said(admin, edited, body, status):
    assert admin.post(f"schedules/{edited}/rollback", body).status_code == status


def test_rolling_back_looks_at_if_match_and_repeats_once(admin, edited):
    assert admin.post(f"schedules/{edited}/rollback", {"version": 1}, If_Match='"1"').status_code == 412
    for _ in range(2):
        answer = admin.post(f"schedules/{edited}/rollback", {"version": 1}, Idempotency_Key="once")
        assert answer.json()["version"] == 3


def test_only_who_may_edit_rolls_back_and_only_what_he_sees(admin, edited):
    for role, places, read, write in (
        ("viewer", [], 200, 403),
        ("editor", [], 200, 200),
        ("editor", ["staging"], 404, 404),
    ):
        user = User.objects.create_user(f"{role}-{len(places)}")
        give(user, role, places)
        caller = Caller(user)
        assert caller.get(f"schedules/{edited}/versions").status_code == read
        assert caller.get(f"schedules/{edited}/versions/1").status_code == read
        assert caller.post(f"schedules/{edited}/rollback", {"version": 1}).status_code == write


def test_nobody_goes_back_into_an_environment_of_others(admin, a_schedule):
    pk = a_schedule(environment="staging")["id"]
    admin.patch(f"schedules/{pk}", {"environment": "production"})
    user = User.objects.create_user("eve")
    give(user, "editor", ["production"])
    assert Caller(user).post(f"schedules/{pk}/rollback", {"version": 1}).status_code == 400
    assert Schedule.objects.get(pk=pk).environment == "production"


def test_the_first_edit_of_a_schedule_without_versions_keeps_both(admin, edited):
    ScheduleVersion.objects.all().delete()
    admin.patch(f"schedules/{edited}", {"priority": 3})
    kept = {one.number: one.definition["priority"] for one in ScheduleVersion.objects.all()}
    assert kept == {2: 9, 3: 3}
