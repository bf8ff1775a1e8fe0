"""Runs from the command line: filters before the limit, tables for people, JSON for programs."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from jobruns.models import JobRun

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 26, 6, 15, tzinfo=UTC)


def listed(*arguments):
    answer = StringIO()
    call_command("listruns", *arguments, "--json", stdout=answer)
    return [run["id"] for run in json.loads(answer.getvalue())]


@pytest.fixture
def history(make_schedule):
    """Ten runs of one schedule and one of another, oldest first; return their ids."""
    imports, other = make_schedule(name="imports"), make_schedule(name="other", environment="staging")
    ids = []
    for hour in range(11):
        run = (other if hour == 0 else imports).runs.request(by="tester")
        JobRun.objects.filter(pk=run.pk).update(
            status="failed" if hour == 1 else "success",
            scheduled_for=NOW + timedelta(hours=hour),
            started_at=NOW + timedelta(hours=hour),
            error="Refused 12 rows.\nNothing was written." if hour == 1 else "",
        )
        ids.append(run.pk)
    return ids


def test_the_newest_come_first_and_twenty_at_most(history, make_schedule):
    assert listed() == history[::-1]
    many = make_schedule(name="many")
    for _ in range(15):
        many.runs.request(by="tester")
    assert len(listed()) == 20
    assert len(listed("--limit", "1000000")) == 26


def test_filters_apply_before_the_limit(history):
    assert listed("--status", "failed", "--limit", "1") == [history[1]]
    assert listed("--environment", "staging", "--limit", "1") == [history[0]]
    assert listed("--schedule", "other", "--limit", "1") == [history[0]]
    assert listed("--since", "2026-11-26T15:00", "--job-type", "noop") == history[:-3:-1]


def test_the_runs_of_a_deleted_schedule_are_found_by_its_name(history):
    JobRun.objects.get(pk=history[0]).schedule.discard(by="tester")
    assert listed("--schedule", "other") == [history[0]]


def test_the_table_has_the_first_line_of_the_error(history):
    answer = StringIO()
    call_command("listruns", "--status", "failed", stdout=answer)
    head, row = answer.getvalue().splitlines()
    assert head.split() == ["ID", "Env", "Schedule", "Status", "Reason", "Started", "Finished", "Error"]
    assert row[head.index("Error") :] == "Refused 12 rows."
    assert row[head.index("Started") :].startswith("2026-11-26 07:15:00+00:00")


def test_the_list_for_programs_has_the_fields_of_the_api(history, admin_user):
    client = Client()
    client.force_login(admin_user)
    answer = StringIO()
    call_command("listruns", "--limit", "3", "--json", stdout=answer)
    assert json.loads(answer.getvalue()) == client.get("/api/v1/runs").json()["results"][:3]


def test_an_unknown_schedule_is_a_bad_argument(history):
    with pytest.raises(CommandError, match="Candidates: imports") as refusal:
        listed("--schedule", "import")
    assert refusal.value.returncode == 2


@pytest.mark.parametrize(
    "argument", ["--status=bogus", "--limit=0", "--limit=x", "--since=yesterday", "--job-type=x"]
)
def test_bad_arguments_end_with_two_and_say_what_to_write(argument):
    ended = subprocess.run(
        [sys.executable, "manage.py", "listruns", argument], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert argument.partition("=")[0] in ended.stderr
    assert not ended.stdout
