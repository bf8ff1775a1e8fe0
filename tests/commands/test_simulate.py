import json

import pytest
from django.core.management import CommandError, call_command

from schedules.models import Schedule

pytestmark = pytest.mark.django_db


def schedule(name, cron, **fields):
    made = Schedule(name=name, job_type="noop", schedule_type="cron", cron_expression=cron, **fields)
    made.store(by="tester")
    return made


def told(capsys, *options):
    call_command("simulate", *options)
    return capsys.readouterr().out


def test_every_fire_of_the_days_ahead_is_counted(capsys):
    schedule("hourly", "0 * * * *")
    report = json.loads(told(capsys, "--days", "2", "--json"))
    assert (report["schedules"], report["fires"], report["runs"]) == (1, 48, 48)


def test_a_run_longer_than_its_interval_is_said_to_skip(capsys):
    slow = schedule("slow", "* * * * *")
    Schedule.objects.filter(pk=slow.pk).update(usual_seconds=90)
    report = json.loads(told(capsys, "--days", "1", "--json"))
    assert report["skipped"]["overlap"] == 720
    assert report["burdened"][0]["name"] == "slow"


def test_people_read_the_worst_minutes(capsys):
    schedule("midnight-a", "0 0 * * *")
    schedule("midnight-b", "0 0 * * *")
    text = told(capsys, "--days", "1", "--slots", "1")
    assert "2 schedules" in text
    assert "1 wait for a slot" in text
    assert "midnight-a" in text


def test_only_the_named_environment_is_followed(capsys):
    schedule("here", "0 * * * *")
    schedule("there", "0 * * * *", environment="staging")
    assert json.loads(told(capsys, "--environment", "staging", "--days", "1", "--json"))["fires"] == 24


def test_nothing_ahead_is_no_error(capsys):
    assert "0 schedules" in told(capsys)


@pytest.mark.parametrize("options", [["--days", "0"], ["--days", "32"], ["--slots", "0"]])
def test_numbers_out_of_bounds_are_refused(options):
    with pytest.raises(CommandError) as refused:
        call_command("simulate", *options)
    assert refused.value.returncode == 2
