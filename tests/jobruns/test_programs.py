"""Runs that other programs do themselves and record here."""

import subprocess
import sys

import pytest
from django.core.exceptions import ValidationError

from jobruns.engine import invariants, processes
from jobruns.models import JobRun

pytestmark = pytest.mark.django_db


def test_a_run_that_begins_is_running_and_says_so():
    run = JobRun.objects.start_job_run("noop", "edge", {"triggered_by": "cli"})
    stored = JobRun.objects.get(pk=run.pk)
    assert (stored.status, stored.job_type, stored.environment) == ("running", "noop", "edge")
    assert stored.attributes == {"triggered_by": "cli"}
    assert stored.started_at is not None


def test_a_run_that_ended_keeps_its_metrics_and_both_its_attributes():
    run = JobRun.objects.start_job_run("noop", "edge", {"triggered_by": "cli"})
    ended = JobRun.objects.finish_job_run(run, metrics={"controls": 5}, attributes_update={"catalog": "low"})
    assert (ended.status, ended.metrics) == ("success", {"controls": 5})
    assert ended.attributes == {"triggered_by": "cli", "catalog": "low"}
    assert ended.finished_at >= ended.started_at


def test_a_failed_run_says_why():
    run = JobRun.objects.start_job_run("noop", "edge")
    ended = JobRun.objects.finish_job_run(run, status="failed", error="No systems.")
    assert (ended.status, ended.reason, ended.error) == ("failed", "expected", "No systems.")


def test_a_run_ends_once():
    run = JobRun.objects.start_job_run("noop", "edge")
    JobRun.objects.finish_job_run(run)
    with pytest.raises(ValidationError, match="is success"):
        JobRun.objects.finish_job_run(run, status="failed")
    assert JobRun.objects.get(pk=run.pk).status == "success"


def test_a_run_ends_as_success_or_failed_only():
    run = JobRun.objects.start_job_run("noop", "edge")
    with pytest.raises(ValidationError, match="not skipped"):
        JobRun.objects.finish_job_run(run, status="skipped")


def test_a_run_of_a_schedule_is_not_ended_by_a_program(make_schedule):
    run = make_schedule().runs.request(by="tester")
    with pytest.raises(ValidationError, match="not this program's own"):
        JobRun.objects.finish_job_run(run)
    assert JobRun.objects.get(pk=run.pk).status == "pending"


def test_runs_of_an_environment_share_a_schedule_that_never_fires():
    first, second = (JobRun.objects.start_job_run("noop", "edge") for _ in range(2))
    assert first.schedule_id == second.schedule_id
    assert first.schedule.next_run_at is None
    assert JobRun.objects.start_job_run("noop", "IL2").schedule_id != first.schedule_id


def test_the_invariants_hold_while_a_program_works_and_after():
    run = JobRun.objects.start_job_run("noop", "edge")
    assert list(invariants.breaches()) == []
    JobRun.objects.finish_job_run(run)
    assert list(invariants.breaches()) == []


def test_a_program_that_dies_leaves_its_run_failed_and_lost():
    run = JobRun.objects.start_job_run("noop", "edge")
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    owner = run.owner.replace(processes.incarnation(processes.os.getpid()), f"{dead.pid}.1")
    JobRun.objects.filter(pk=run.pk).update(owner=owner)
    processes.SchedulerProcess.objects.filter(name=run.owner).update(name=owner, pid=dead.pid)
    assert processes.rescue() == 1
    run.refresh_from_db()
    assert (run.status, run.reason) == ("failed", "lost")


def test_recent_runs_come_newest_first_and_filtered_before_the_limit():
    edge = [JobRun.objects.start_job_run("noop", "edge").pk for _ in range(3)]
    other = JobRun.objects.start_job_run("noop", "IL2").pk
    recent = JobRun.objects.get_recent_job_runs
    assert [run.pk for run in recent()] == [other, *edge[::-1]]
    assert [run.pk for run in recent(environment="edge", limit=2)] == edge[:0:-1]
    assert recent(job_type="http_request") == []
