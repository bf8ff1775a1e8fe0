"""Management commands: what is not on the list is not stored, and what has left the list is not run."""

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobruns.models import JobRun
from jobruns.runner import Assignment, execute
from schedules.models import Schedule
from tests.jobtypes.running import TrialContext

ALLOWED = {"clearsessions": {}, "check": {"tag": {"type": "string", "max_length": 20}}}
ATTEMPTS = [
    {"command": "shell", "options": {"command": "import os; os.system('id')"}}, {"command": "flush",
    "options": {"no-input": True}},
    {"command": "dbshell"}, {"command": "migrate"}, {"command": "createsuperuser"}, {"command": "runserver"},
    {"command": "dumpdata"},
    {"command": "changepassword"}, {"command": "createtoken"}, {"command": "clearsessions; flush"},
    {"command": "clearsessions\nflush"},
    {"command": "clearsessions --settings=evil"}, {"command": "../clearsessions"}, {"command": "CLEARSESSIONS"},
    {"command": ""},
    {"command": "clearsessions", "options": {"settings": "evil"}}, {"command": "clearsessions",
    "options": {"pythonpath": "/tmp"}},
    {"command": "check", "options": {"--settings": "evil"}}, {"command": "check", "options": {"tag": "a\0b"}},
    {"command": "check", "options": {"tag": ["--settings=evil"]}}, {"command": "check", "options": {"tag": "x" * 21}},
    {"command": "check", "options": {"settings": "evil", "tag": "models"}}, {"command": ["clearsessions"]},
    {"command": None},
    {"command": "check", "options": ["--settings=evil"]}, {"command": "check", "args": ["--settings=evil"]},
    {"argv": ["flush"]},
]  # fmt: skip


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.MANAGEMENT_COMMAND_ALLOWLIST = ALLOWED


@pytest.mark.parametrize("params", ATTEMPTS, ids=lambda params: json.dumps(params)[:60])
def test_no_way_in_stores_it(admin, params):
    body = {"name": "s", "schedule_type": "manual", "job_type": "management_command", "params": params}
    assert admin.post("schedules", body).status_code == 400
    bulk = admin.post("schedules/bulk/create", {"schedules": [body]})
    assert bulk.status_code == 400 or '"error' in bulk.content.decode()
    browser = Client()
    browser.force_login(admin.user)
    options = json.dumps(params.get("options", {}))
    form = {
        "job_type": "management_command",
        "name": "s",
        "schedule_type": "manual",
        "command": str(params.get("command")),
        "options": options,
    }
    if isinstance(params.get("command"), str):
        browser.post("/admin/schedules/schedule/add/?job_type=management_command", form)
    assert not Schedule.objects.exists()


@pytest.mark.parametrize("params", ATTEMPTS, ids=lambda params: json.dumps(params)[:60])
def test_a_run_does_not_execute_it_even_if_it_stands_in_the_database(make_schedule, db, params):
    schedule = make_schedule(job_type="noop")
    row = schedule.runs.request(by="ada")
    context = TrialContext()
    told = ("management_command", "production", json.dumps(params), row.scheduled_for, 1, "c", "k", 20)
    ending = execute(Assignment(row.pk, schedule.pk, schedule.name, *told), context)
    assert (ending.status, ending.retry, context.groups) == ("failed", False, [])


@pytest.mark.parametrize(
    "override", [{"command": "flush"}, {"command": "clearsessions", "options": {"settings": "evil"}}]
)
def test_parameters_given_for_one_run_are_checked_like_those_of_the_schedule(admin, override):
    body = {
        "name": "s",
        "schedule_type": "manual",
        "job_type": "management_command",
        "params": {"command": "clearsessions"},
    }
    pk = admin.post("schedules", body).json()["id"]
    assert admin.post(f"schedules/{pk}/trigger", {"params": override}).status_code == 400
    assert not JobRun.objects.exists()


def test_a_command_that_left_the_list_is_not_run_and_says_why(db, make_schedule, settings):
    schedule = make_schedule(job_type="management_command", params={"command": "clearsessions"})
    settings.MANAGEMENT_COMMAND_ALLOWLIST = {}
    context = TrialContext()
    row_told = ("management_command", "production", json.dumps(schedule.params), schedule.created_at, 1, "c", "k", 20)
    ending = execute(Assignment(1, schedule.pk, schedule.name, *row_told), context)
    assert ending.status == "failed"
    assert "MANAGEMENT_COMMAND_ALLOWLIST" in ending.error
    assert context.groups == []
    assert User.objects.count() == 0
