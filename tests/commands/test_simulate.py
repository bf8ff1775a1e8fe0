import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from jobruns.engine import ledger
from schedules.models import Schedule
from schedules.timing import next_instant

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


def test_a_past_day_agrees_with_the_ledger(capsys):
    made = schedule("hourly", "0 * * * *")
    Schedule.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(days=3))
    yesterday = (timezone.now() - timedelta(days=1)).date().isoformat()
    with pytest.raises(SystemExit):
        told(capsys, "--past", yesterday)
    text = capsys.readouterr().out
    assert "24 instants by the present timings, 0 of them in the ledger." in text
    assert "24 differences, 24 of them unexplained." in text
    first = next_instant(made.timing, timezone.now() - timedelta(days=2))
    Schedule.objects.filter(pk=made.pk).update(next_run_at=first, created_at=first - timedelta(seconds=1))
    ledger.fire_due()
    report = json.loads(told(capsys, "--past", yesterday, "--json"))
    assert (report["expected"], report["recorded"], report["differences"]) == (24, 24, 0)


@pytest.mark.parametrize("day", ["2999-01-01", "soon"])
def test_a_day_that_is_not_past_is_refused(day):
    with pytest.raises(CommandError) as refused:
        call_command("simulate", "--past", day)
    assert refused.value.returncode == 2 or "is no day" in str(refused.value)
