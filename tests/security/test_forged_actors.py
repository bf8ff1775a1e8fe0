"""Who did it is who signed in, whatever a request says of itself; and authority is looked at again at the fire."""

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobruns.models import JobRun
from jobruns.runner import Assignment, execute
from schedules.models import Schedule
from tests.jobtypes.running import TrialContext

FORGED = ["X-User", "X-Remote-User", "Remote-User", "REMOTE_USER", "X-Forwarded-User", "X-Forwarded-Email", "X-Actor",
          "X-Original-User", "X-Authenticated-User", "X-WEBAUTH-USER", "From", "X-On-Behalf-Of",
          "X-Auth-Request-User"]  # fmt: skip
BODY = {"name": "s", "job_type": "noop", "schedule_type": "manual"}


@pytest.mark.parametrize("header", FORGED)
def test_a_header_makes_nobody_out_of_a_stranger(db, header):
    User.objects.create_superuser("root", password="x")
    stranger = Client(headers={header: "root"})
    assert stranger.get("/api/v1/schedules").status_code == 401
    assert stranger.post("/api/v1/schedules", BODY, content_type="application/json").status_code == 401
    assert stranger.get("/schedules").status_code == 302
    assert stranger.get("/admin/").status_code == 302


@pytest.mark.parametrize("header", FORGED)
def test_a_header_makes_nobody_else_out_of_a_user(having, header):
    User.objects.create_superuser("root", password="x")
    caller = having("schedules.add_schedule", "schedules.trigger_schedule", "schedules.view_schedule")
    made = caller.post("schedules", BODY, **{header.replace("-", "_"): "root"})
    assert made.json()["created_by"] == caller.user.username
    caller.post(f"schedules/{made.json()['id']}/trigger", {}, **{header.replace("-", "_"): "root"})
    assert JobRun.objects.get().triggered_by == caller.user.username
    assert caller.get("tokens").json()["results"][0]["user"] == caller.user.username


@pytest.mark.parametrize(
    "field", ["created_by", "updated_by", "status_changed_by", "triggered_by", "user", "actor", "by"]
)
def test_a_body_names_no_actor(admin, field):
    answer = admin.post("schedules", {**BODY, field: "root"})
    assert answer.status_code in {201, 400}
    assert "root" not in str(list(Schedule.objects.values_list("created_by", "updated_by")))
    pk = admin.post("schedules", {**BODY, "name": "t"}).json()["id"]
    admin.post(f"schedules/{pk}/trigger", {field: "root"})
    assert "root" not in str(list(JobRun.objects.values_list("triggered_by")))


def test_a_form_of_another_site_acts_for_nobody(admin):
    pk = admin.post("schedules", BODY).json()["id"]
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(admin.user)
    for path in (f"/schedules/{pk}/run", f"/schedules/{pk}/pause", "/schedules/act/pause",
    f"/admin/schedules/schedule/{pk}/change/",
                 "/logout", "/api/v1/schedules", f"/api/v1/schedules/{pk}/trigger"):  # fmt: skip
        assert browser.post(path, {"sure": "1"}, headers={"Origin": "https://evil.example"}).status_code == 403
    assert not JobRun.objects.exists()
    assert Schedule.objects.get().status == "active"


def test_the_rights_of_a_user_count_at_the_moment_of_the_request(having):
    caller = having("schedules.add_schedule")
    assert caller.post("schedules", BODY).status_code == 201
    caller.user.user_permissions.clear()
    assert caller.post("schedules", {**BODY, "name": "t"}).status_code == 403


def test_parameters_that_are_no_longer_allowed_are_not_carried_out(db, make_schedule, settings):
    settings.MANAGEMENT_COMMAND_ALLOWLIST = {"check": {}}
    schedule = make_schedule(job_type="management_command", params={"command": "check"})
    settings.MANAGEMENT_COMMAND_ALLOWLIST = {}
    told = ("management_command", "production", json.dumps(schedule.params), schedule.created_at, 1, "c", "k", 20)
    ending = execute(Assignment(1, schedule.pk, schedule.name, *told), TrialContext())
    assert (ending.status, ending.retry) == ("failed", False)
