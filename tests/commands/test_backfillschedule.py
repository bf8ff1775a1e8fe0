"""`backfillschedule` says what it does, does it, and refuses with a reason."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from jobruns.models import JobRun
from schedules.models import Schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def nightly(make_schedule):
    schedule = make_schedule(
        name="nightly", schedule_type="cron", cron_expression="30 2 * * *", timezone="Europe/Riga"
    )
    Schedule.objects.update(created_at=timezone.now() - timedelta(days=60))
    return schedule


def told(capsys, *options):
    call_command("backfillschedule", "nightly", *options)
    return capsys.readouterr().out


def test_people_read_what_would_run(capsys, nightly):
    text = told(capsys, "--from", "2026-03-27T00:00", "--to", "2026-03-30T00:00", "--dry-run")
    assert "2026-03-27 02:30:00+02:00  run  It has no run." in text
    assert "3 of 3 instants of nightly would run." in text
    assert JobRun.objects.count() == 0


def test_programs_read_what_waits_now(capsys, nightly):
    body = json.loads(told(capsys, "--from", "2026-03-27T00:00", "--to", "2026-03-30T00:00", "--json"))
    assert body["will_run"] == 3
    assert [run.pk for run in JobRun.objects.order_by("id")] == [one["run_id"] for one in body["instants"]]
    assert {run.triggered_by for run in JobRun.objects.all()} == {"command line"}


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [("soon", "2026-03-30T00:00", 2), ("2026-03-30T00:00", "2026-03-27T00:00", 2)],
)
def test_a_span_that_makes_no_sense_is_a_bad_argument(nightly, start, end, code):
    with pytest.raises(CommandError) as refused:
        call_command("backfillschedule", "nightly", "--from", start, "--to", end)
    assert refused.value.returncode == code


def test_a_suspended_schedule_is_refused(nightly):
    nightly.suspend(reason="no owner")
    with pytest.raises(CommandError) as refused:
        call_command("backfillschedule", "nightly", "--from", "2026-03-27T00:00", "--to", "2026-03-30T00:00")
    assert refused.value.returncode == 1
