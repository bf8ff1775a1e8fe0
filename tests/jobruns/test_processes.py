"""A process that is gone is noticed, and what it ran is ended as lost, once."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from jobruns.engine import claims, processes, upkeep
from jobruns.models import JobRun, SchedulerProcess

pytestmark = pytest.mark.django_db


@pytest.fixture
def dead():
    """The row of a process of this host that died without a word."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    row = processes.register(2)
    name = row.name.replace(processes.incarnation(os.getpid()), processes.incarnation(process.pid))
    SchedulerProcess.objects.filter(pk=row.pk).update(pid=process.pid, name=name)
    process.kill()
    process.communicate()
    row.refresh_from_db()
    return row


def take(schedule, owner):
    schedule.runs.request(by="somebody")
    [one] = claims.claim_ready(1, owner)
    return JobRun.objects.get(pk=one.run_id)


def test_the_runs_of_a_dead_process_end_as_lost(make_schedule, dead):
    run = take(make_schedule(max_retries=1), dead.name)
    assert processes.rescue() == 1
    run.refresh_from_db()
    dead.refresh_from_db()
    assert (run.status, run.reason) == ("failed", "lost")
    assert run.retried_by.status == "pending"
    assert dead.stopped_at is not None
    assert processes.rescue() == 0


def test_the_runs_of_a_living_process_are_left_alone(make_schedule):
    run = take(make_schedule(), processes.register(2).name)
    assert processes.rescue() == 0
    run.refresh_from_db()
    assert run.status == "running"


def test_a_pid_that_was_given_to_another_process_is_no_sign_of_life(make_schedule, dead):
    run = take(make_schedule(), dead.name)
    SchedulerProcess.objects.filter(pk=dead.pk).update(pid=os.getpid())
    assert processes.rescue() == 1
    run.refresh_from_db()
    assert run.reason == "lost"


def test_a_zombie_is_no_sign_of_life():
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert processes.incarnation(process.pid) == "none"
    process.wait()


def test_a_lease_of_another_host_that_ran_out_ends_its_run(make_schedule):
    process = processes.register(2)
    SchedulerProcess.objects.update(host="elsewhere")
    run = take(make_schedule(max_retries=0), process.name)
    assert processes.rescue() == 0
    JobRun.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert processes.rescue() == 1
    run.refresh_from_db()
    assert (run.status, run.reason) == ("failed", "lost")


def test_a_jump_of_the_clock_ends_no_run_on_sqlite(make_schedule):
    if connection.vendor == "postgresql":
        pytest.skip("Leases follow the clock of the server there.")
    run = take(make_schedule(), processes.register(2).name)
    JobRun.objects.update(lease_expires_at=timezone.now() - timedelta(hours=1))
    assert processes.rescue() == 0
    run.refresh_from_db()
    assert run.status == "running"


def test_a_heartbeat_makes_a_scheduler_alive_until_it_leaves():
    process = processes.register(3)
    processes.beat(process, busy=2)
    assert SchedulerProcess.objects.alive().get().busy == 2
    processes.leave(process)
    assert not SchedulerProcess.objects.alive().exists()


def test_a_process_that_does_not_fire_is_no_scheduler():
    processes.register(0, fires=False)
    assert not SchedulerProcess.objects.alive().exists()


def test_two_processes_never_share_a_name():
    assert processes.register(1).name != processes.register(1).name
    assert all(len(name) <= 64 for name in SchedulerProcess.objects.values_list("name", flat=True))


@pytest.mark.django_db(transaction=True)
def test_processes_of_last_week_are_forgotten():
    old, new = processes.register(1), processes.register(1)
    SchedulerProcess.objects.filter(pk=old.pk).update(heartbeat_at=timezone.now() - timedelta(days=8))
    upkeep.forget_what_is_old()
    assert SchedulerProcess.objects.get() == new
