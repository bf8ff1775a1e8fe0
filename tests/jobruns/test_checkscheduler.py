"""`checkscheduler` is silent while all is well and has a line for each breach."""

import json
import re
from contextlib import suppress
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from jobruns.engine import claims, endings, processes
from jobruns.models import JobRun, SchedulerProcess
from schedules.models import Schedule

pytestmark = pytest.mark.django_db


def check():
    """Return the breaches that the command prints, as a program reads them."""
    out = StringIO()
    with suppress(CommandError):  # the exit code has a test of its own
        call_command("checkscheduler", "--json", stdout=out)
    return json.loads(out.getvalue())


def rules():
    return [one["rule"] for one in check()]


def test_a_sound_ledger_has_no_breach(make_schedule, ending):
    make_schedule(schedule_type="manual")
    schedule = make_schedule()
    schedule.runs.request(by="somebody")
    schedule.runs.request(by="somebody")
    owner = processes.register(1).name
    [one] = claims.claim_ready(1, owner)
    endings.record([ending(one)], owner)
    claims.claim_ready(1, owner)
    assert check() == []


def test_good_news_is_said_to_people(capsys):
    call_command("checkscheduler")
    assert "invariants hold" in capsys.readouterr().out


def test_a_breach_is_a_line_and_exit_code_1(make_schedule, overdue, capsys):
    schedule = overdue(make_schedule(name="tea"), seconds=60)
    with pytest.raises(CommandError) as refused:
        call_command("checkscheduler")
    assert refused.value.returncode == 1
    assert re.fullmatch(r"overdue: tea is overdue by 6\d s and nothing fires it\.\n", capsys.readouterr().out)
    assert check()[0]["schedule_id"] == schedule.pk


def test_an_active_schedule_without_anything_ahead_is_a_breach(make_schedule):
    schedule = make_schedule()
    Schedule.objects.update(next_run_at=None)
    assert rules() == ["forgotten"]
    schedule.runs.request(by="somebody")
    assert rules() == []


def test_a_lease_that_ran_out_is_a_breach(make_schedule):
    make_schedule().runs.request(by="somebody")
    claims.claim_ready(1, processes.register(1).name)
    assert rules() == []
    JobRun.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert rules() == ["unowned"]


def test_a_running_run_whose_process_has_stopped_is_a_breach(make_schedule):
    make_schedule().runs.request(by="somebody")
    process = processes.register(1)
    claims.claim_ready(1, process.name)
    processes.leave(process)
    assert rules() == ["unowned"]


def test_a_run_that_no_living_worker_takes_is_a_breach(make_schedule):
    make_schedule(queue="reports").runs.request(by="somebody")
    JobRun.objects.update(available_at=timezone.now() - timedelta(seconds=60))
    processes.register(0)
    worker = processes.register(4, fires=False, queues=["carillon"])
    assert rules() == ["unserved"]
    SchedulerProcess.objects.filter(pk=worker.pk).update(queues=["carillon", "reports"])
    assert rules() == []


@pytest.mark.parametrize(
    "counters",
    [
        {"total_runs": 1, "successful_runs": 1},
        {"total_runs": 2, "successful_runs": 1, "failed_runs": 0},
        {"total_runs": 1, "failed_runs": 1},
    ],
)
def test_counters_that_differ_from_the_ledger_are_a_breach(make_schedule, counters):
    make_schedule()
    Schedule.objects.update(**counters)
    assert rules() == ["miscounted"]


def test_many_breaches_of_one_rule_end_with_a_remainder(make_schedule):
    first = make_schedule()
    copies = [Schedule(**{**vars_of(first), "name": f"copy {number}"}) for number in range(60)]
    Schedule.objects.bulk_create(copies)
    Schedule.objects.update(next_run_at=None)
    told = check()
    assert len(told) == 51
    assert told[-1]["sentence"] == "There are more than 50 of these."


def vars_of(schedule):
    """Return the columns of a schedule but its id."""
    return {
        field.attname: getattr(schedule, field.attname) for field in Schedule._meta.fields if field.attname != "id"
    }
