"""Schedulers and their children are killed, frozen and stopped; the ledger and the evidence agree all the same."""

import os
import signal
import time
from contextlib import suppress

import pytest

from jobruns.models import JobRun
from tests.faults.conftest import wait_until
from tests.faults.storms import bear_witness, cluster, own_folder, postgresql_only, world
from tests.faults.world import descendants

__all__ = ["bear_witness", "cluster", "own_folder", "postgresql_only", "world"]


def test_one_of_two_schedulers_is_killed(world):
    world.load()
    world.start(2)
    world.wait_for_work()
    world.linger(0, 1)
    world.chance.choice(world.alive()).kill()
    world.recover()
    world.verdict()


@pytest.mark.long
def test_all_of_four_schedulers_are_killed_and_two_others_take_over(world):
    world.load()
    world.start(4)
    world.wait_for_work()
    world.linger(0, 1)
    for one in world.alive():
        one.kill()
    world.linger(1, 3)
    world.start(2)
    world.recover()
    world.verdict()


@pytest.mark.long
def test_four_schedulers_share_the_work(world):
    world.load()
    world.start(4)
    world.wait_for_work()
    world.linger(8, 10)
    world.recover()
    world.verdict()


@pytest.mark.long
def test_children_are_killed_again_and_again(world):
    world.load()
    scheduler = world.start()
    world.wait_for_work()
    for _ in range(8):
        world.linger(0.2, 1)
        children = [pid for pid in descendants(scheduler.pid) if _is_child(pid)]
        with suppress(ProcessLookupError):
            os.kill(world.chance.choice(children), signal.SIGKILL)
    world.recover()
    world.verdict()


def _is_child(pid):
    """Tell whether it executes runs: each of those leads a session of its own."""
    with suppress(ProcessLookupError):
        return os.getsid(pid) == pid
    return False


@pytest.mark.long
def test_a_scheduler_is_frozen_beyond_its_lease(world):
    world.load()
    world.start(2)
    world.wait_for_work()
    world.linger(0, 1)
    frozen = world.chance.choice(world.alive())
    os.kill(frozen.pid, signal.SIGSTOP)
    time.sleep(8)
    os.kill(frozen.pid, signal.SIGCONT)
    world.recover()
    world.verdict(overlaps=True, repeats=True)


@pytest.mark.long
def test_a_scheduler_is_frozen_while_it_holds_the_turn_to_claim(postgresql_only, world, cluster):
    world.load()
    frozen = world.start(2)
    world.wait_for_work()
    name = world.url.rpartition("/")[2].partition("?")[0]
    turn = (
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted "
        "AND datname = %s AND state LIKE 'idle in transaction%%'"
    )
    until = time.monotonic() + 20
    while time.monotonic() < until:  # freeze it at random until that was in the middle of a claim
        os.kill(frozen.pid, signal.SIGSTOP)
        if cluster.sql(turn, name) != [(0,)] and _stays(cluster, turn, name):
            break
        os.kill(frozen.pid, signal.SIGCONT)
        time.sleep(world.chance.uniform(0.001, 0.02))
    wait_until(lambda: cluster.sql(turn, name) == [(0,)], within=7)
    started = JobRun.objects.order_by("-id").values_list("id", flat=True)[0]
    wait_until(lambda: JobRun.objects.filter(id__gt=started, status="success").exists(), within=5)
    os.kill(frozen.pid, signal.SIGCONT)
    world.recover()
    world.verdict(overlaps=True, repeats=True)


def _stays(cluster, turn, name):
    time.sleep(0.3)
    return cluster.sql(turn, name) != [(0,)]


@pytest.mark.long
def test_a_scheduler_is_told_to_stop_during_long_jobs(world):
    world.load()
    long = world.schedule(seconds=6)
    first = world.start(1, "--processes", "3", "--drain-timeout", "1")
    wait_until(lambda: JobRun.objects.running().filter(schedule=long).exists(), within=15)
    world.linger(0, 1)
    code, seconds = first.stop()
    assert (code, seconds < 8) == (0, True)
    assert not JobRun.objects.running().exists()
    world.start(1, "--processes", "5")
    world.recover()
    world.verdict(repeats=True)


@pytest.mark.long
def test_a_job_keeps_the_interpreter_to_itself_beyond_its_timeout(world):
    world.load()
    hog = world.schedule(hog=True, timeout_seconds=2, interval_seconds=3)
    world.start(1, "--processes", "3", "--drain-timeout", "1")
    wait_until(lambda: JobRun.objects.filter(schedule=hog, reason="timeout").count() >= 2, within=30)
    hog.pause(by="tester")
    world.recover()
    world.verdict(repeats=True)


@pytest.mark.long
def test_more_is_due_than_there_are_slots(world):
    world.load()
    crowd = [world.schedule(seconds=1.0, overlap_policy="buffer_one") for _ in range(10)]
    world.start(2)
    world.wait_for_work()
    world.linger(6, 8)
    assert JobRun.objects.filter(status="pending").count() > 4
    for one in crowd:
        one.discard(by="tester")
    world.recover(within=10)  # what runs has to end first
    world.verdict()
