"""`runschedule` executes now, in the foreground, and leaves a run like any other."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from django.core.management import CommandError, call_command

from jobruns.engine import claims, processes
from jobruns.models import JobRun, RunLogLine, SchedulerProcess
from schedules.models import Schedule
from tests.faults.conftest import ROOT, environment, tricks, wait_until

__all__ = ["tricks"]
pytestmark = pytest.mark.django_db


def dry_run(*arguments, capsys):
    call_command("runschedule", *arguments, "--dry-run", "--json")
    return json.loads(capsys.readouterr().out)


def begin(*arguments):
    """Start the command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "runschedule", *arguments],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments):
    """Run the command to its end and return (exit code, stdout, stderr)."""
    process = begin(*arguments)
    out, err = process.communicate(timeout=40)
    return process.returncode, out, err


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(make_schedule, capsys):
    schedule = make_schedule(name="tea", params={"message": "hello"})
    said = dry_run("tea", "--param", "sleep_seconds=2", "--param", "message=7", capsys=capsys)
    assert said["params"] == {"message": "7", "sleep_seconds": 2}
    assert (said["id"], len(said["next"])) == (schedule.pk, 3)
    assert not JobRun.objects.exists()
    assert not SchedulerProcess.objects.exists()


def test_a_dry_run_reads_well(make_schedule, capsys):
    make_schedule(name="tea")
    call_command("runschedule", "tea", "--dry-run")
    assert "tea would run now: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["nothing"], "nothing"),
        (["tea", "--param", "sleep_seconds"], "NAME=VALUE"),
        (["tea", "--param", "sleep_seconds=long"], "sleep_seconds"),
        (["tea", "--param", "unknown=1"], "unknown: There is no such field."),
    ],
)
@pytest.mark.parametrize("mode", [[], ["--dry-run"]])
def test_bad_arguments_are_exit_code_2_and_change_nothing(make_schedule, arguments, hint, mode):
    make_schedule(name="tea")
    with pytest.raises(CommandError, match=hint) as refused:
        call_command("runschedule", *arguments, *mode)
    assert refused.value.returncode == 2
    assert not JobRun.objects.exists()


def test_a_suspended_schedule_is_refused(make_schedule):
    make_schedule(name="tea").suspend(reason="no rights")
    with pytest.raises(CommandError, match="suspended"):
        call_command("runschedule", "tea", "--dry-run")


def test_a_schedule_that_is_running_already_is_refused(make_schedule):
    schedule = make_schedule(name="tea")
    schedule.runs.request(by="somebody")
    claims.claim_ready(1, processes.register(1).name)
    with pytest.raises(CommandError, match="running already") as refused:
        call_command("runschedule", "tea")
    assert refused.value.returncode == 1
    assert JobRun.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_run_is_recorded_and_its_log_is_seen(make_schedule):
    schedule = make_schedule(name="tea")
    due = schedule.next_run_at
    code, out, err = run("tea", "--param", "message=Put the kettle on", "--json")
    assert code == 0, err
    said = json.loads(out)
    stored = JobRun.objects.get()
    assert set(said) == {"id", "job_id", "status", "reason", "metrics", "result", "error"}
    assert (said["id"], said["job_id"], said["status"]) == (stored.pk, stored.pk, "success")
    assert (stored.trigger, stored.params) == ("manual", {"message": "Put the kettle on"})
    assert "Put the kettle on" in err
    assert RunLogLine.objects.get().text == "Put the kettle on"
    schedule.refresh_from_db()
    assert (schedule.total_runs, schedule.next_run_at) == (1, due)
    assert not SchedulerProcess.objects.filter(stopped_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_a_failure_is_exit_code_1_and_says_why(make_schedule):
    make_schedule(name="tea", job_type="trick", params={"act": "fail"})
    code, out, err = run("tea")
    assert (code, out) == (1, "")
    assert "Failed as foreseen." in err
    assert "Traceback" not in err


@pytest.mark.django_db(transaction=True)
def test_a_run_that_hangs_ends_at_its_timeout(make_schedule):
    make_schedule(name="tea", job_type="trick", params={"act": "spin", "seconds": 60}, timeout_seconds=1)
    code, out, _ = run("tea", "--json")
    assert code == 1
    assert (json.loads(out)["status"], json.loads(out)["reason"]) == ("failed", "timeout")


@pytest.mark.django_db(transaction=True)
def test_an_interrupt_cancels_the_run(make_schedule, tmp_path):
    path = tmp_path / "pid"
    make_schedule(name="tea", job_type="trick", params={"act": "pid", "path": str(path), "seconds": 60})
    process = begin("tea")
    wait_until(lambda: path.exists() and path.read_text().endswith("\n"), within=30)
    began = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=40)
    assert time.monotonic() - began < 30
    assert process.returncode == 1
    assert "ended cancelled" in err
    assert JobRun.objects.get().status == "cancelled"


@pytest.mark.django_db(transaction=True)
def test_a_run_whose_foreground_process_is_killed_is_rescued(make_schedule, tmp_path):
    path = tmp_path / "pid"
    params = {"act": "pid", "path": str(path), "seconds": 60}
    make_schedule(name="tea", job_type="trick", params=params, max_retries=0)
    process = begin("tea")
    wait_until(lambda: path.exists() and path.read_text().endswith("\n"), within=30)
    assert not SchedulerProcess.objects.alive().exists()
    process.kill()
    process.communicate(timeout=10)
    assert processes.rescue() == 1
    assert JobRun.objects.get().reason == "lost"
    assert Schedule.objects.get().failed_runs == 1
