"""One scheduler process: prompt with new work, orderly when it stops, steadfast when the database goes away."""

import os
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from jobruns.engine.invariants import breaches
from jobruns.models import JobRun, SchedulerProcess
from tests.faults.conftest import wait_until
from tests.faults.ledgers import account, every_second

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scheduler(start_scheduler):
    """A scheduler of two children that has started and executed a first run."""
    one = start_scheduler("--processes", "2", "--drain-timeout", "1")
    one.wait_until_started()
    return one


def started(schedule):
    return JobRun.objects.filter(schedule=schedule, started_at__isnull=False).order_by("id")


def test_work_made_or_changed_elsewhere_is_done_within_a_second(make_schedule, scheduler):
    make_schedule().runs.request(by="warm-up")
    wait_until(lambda: JobRun.objects.filter(status="success").exists())

    at = timezone.now().replace(microsecond=0) + timedelta(seconds=2)
    once = make_schedule(schedule_type="one_time", scheduled_at=at)
    wait_until(lambda: started(once).filter(status="success").exists(), within=5)
    assert 0 <= (started(once)[0].started_at - at).total_seconds() < 1

    edited = make_schedule(interval_seconds=3600)
    edited.interval_seconds = 1
    edited.store(by="tester")
    assert wait_until(lambda: started(edited).exists(), within=5) < 2.5
    edited.pause(by="tester")

    asked = make_schedule(schedule_type="manual")
    asked.runs.request(by="tester")
    assert wait_until(lambda: started(asked).filter(status="success").exists(), within=5) < 2


def test_waiting_runs_follow_the_one_before_them_at_once(make_schedule, scheduler):
    schedule = make_schedule(schedule_type="manual")
    for _ in range(10):
        schedule.runs.request(by="tester")
    wait_until(lambda: JobRun.objects.filter(status="success").exists())
    assert wait_until(lambda: JobRun.objects.filter(status="success").count() == 10, within=8) < 4


def test_a_retry_starts_when_its_time_has_come(make_schedule, scheduler):
    schedule = make_schedule(params={"fail": True}, max_retries=1, retry_delay_seconds=2)
    schedule.runs.request(by="tester")
    wait_until(lambda: started(schedule).filter(attempt=2).exists(), within=10)
    first, second = started(schedule)
    assert -0.1 < (second.started_at - second.available_at).total_seconds() < 0.8
    assert second.available_at > first.finished_at


def test_a_hung_run_ends_at_its_timeout_and_a_cancelled_one_within_three_seconds(make_schedule, scheduler):
    hung = make_schedule(job_type="trick", params={"act": "spin", "seconds": 60}, timeout_seconds=2, max_retries=0)
    hung.runs.request(by="tester")
    run = make_schedule(job_type="trick", params={"act": "sleep", "seconds": 60}).runs.request(by="tester")
    wait_until(lambda: JobRun.objects.running().count() == 2)
    run.cancel(by="an operator")
    wait_until(lambda: JobRun.objects.get(pk=run.pk).status == "cancelled", within=3)
    wait_until(lambda: started(hung).filter(status="failed", reason="timeout").exists(), within=6)
    cancelled = JobRun.objects.get(pk=run.pk)
    assert (cancelled.reason, cancelled.cancelled_by) == ("requested", "an operator")
    [lost] = started(hung)
    assert 1.9 < lost.duration_seconds < 5


def test_a_job_that_is_killed_is_lost_and_others_start_on_time(make_schedule, scheduler):
    made = every_second(make_schedule, 3)
    killed = make_schedule(job_type="trick", params={"act": "die"}, max_retries=0)
    for _ in range(5):
        killed.runs.request(by="tester")
    wait_until(lambda: started(killed).filter(status="failed", reason="lost").count() == 5, within=15)
    wait_until(lambda: all(started(one).filter(status="success").count() >= 3 for one in made), within=10)
    assert all(account(schedule) == (0, 0) for schedule in made)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_in_good_order_and_gives_a_long_run_back(make_schedule, scheduler, tmp_path, number):
    path = tmp_path / "pid"
    schedule = make_schedule(job_type="trick", params={"act": "pid", "path": str(path), "seconds": 60})
    run = schedule.runs.request(by="tester")
    every_second(make_schedule, 3)
    wait_until(lambda: path.exists() and path.read_text().endswith("\n"))
    scheduler.process.send_signal(number)
    scheduler.process.send_signal(number)
    code, seconds = scheduler.stop(number)
    assert code == 0
    assert seconds < 6
    run.refresh_from_db()
    assert (run.status, run.owner, run.started_at) == ("pending", "", None)
    assert not JobRun.objects.running().exists()
    assert SchedulerProcess.objects.get(pid=scheduler.pid).stopped_at is not None
    wait_until(lambda: not Path(f"/proc/{path.read_text().strip()}").exists(), within=3)
    assert [one for one in breaches() if one.rule != "overdue"] == []


def test_a_signal_to_all_its_processes_lets_running_work_end(make_schedule, scheduler):
    run = make_schedule(params={"sleep_seconds": 0.7}).runs.request(by="tester")
    wait_until(lambda: JobRun.objects.running().exists())
    time.sleep(0.2)
    for pid in [scheduler.pid, *children_of(scheduler.pid)]:
        os.kill(pid, signal.SIGTERM)
    assert scheduler.process.wait(10) == 0
    run.refresh_from_db()
    assert run.status == "success"


def children_of(pid):
    """Return the pids of all processes that descend from `pid`."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found, unseen = [], [pid]
    while unseen:
        below = parents.get(unseen.pop(), [])
        found += below
        unseen += below
    return found


@pytest.mark.long
def test_fires_go_on_when_the_database_drops_every_session(make_schedule, scheduler):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no sessions.")
    made = every_second(make_schedule, 5, params={"sleep_seconds": 0.05})
    wait_until(lambda: JobRun.objects.filter(status="success").count() >= 5)
    for _ in range(8):
        time.sleep(0.35)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    before = JobRun.objects.filter(status="success").count()
    wait_until(lambda: JobRun.objects.filter(status="success").count() >= before + 10, within=8)
    assert scheduler.stop()[0] == 0
    assert all(account(schedule) == (0, 0) for schedule in made)
    assert not JobRun.objects.running().exists()
    assert [one for one in breaches() if one.rule != "overdue"] == []


def test_fires_go_on_after_somebody_kept_the_database_to_himself(make_schedule, scheduler):
    made = every_second(make_schedule, 5)
    wait_until(lambda: JobRun.objects.filter(status="success").count() >= 5)
    with connection.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE" if connection.vendor == "sqlite" else "BEGIN")
        if connection.vendor == "postgresql":
            cursor.execute("LOCK TABLE schedules_schedule, jobruns_jobrun IN ACCESS EXCLUSIVE MODE")
        time.sleep(2.5)
        cursor.execute("COMMIT")
    before = JobRun.objects.filter(status="success").count()
    wait_until(lambda: JobRun.objects.filter(status="success").count() >= before + 10, within=8)
    assert all(account(schedule) == (0, 0) for schedule in made)
