"""The database, the disk, the clock and people get in the way; the ledger and the evidence agree all the same."""

import os
import random
import shutil
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from jobruns.explain import explain
from jobruns.models import JobRun
from schedules.models import Schedule
from tests.faults.clusters import Cluster, Files, SmallDisk
from tests.faults.conftest import ROOT, wait_until
from tests.faults.storms import bear_witness, cluster, own_folder, postgresql_only, world
from tests.faults.world import SEED, World

__all__ = ["bear_witness", "cluster", "own_folder", "postgresql_only", "world"]


def test_all_sessions_are_dropped_again_and_again(postgresql_only, world, cluster):
    world.load()
    world.start(2)
    world.wait_for_work()
    for _ in range(12):
        world.linger(0.1, 0.8)
        cluster.drop_sessions()
    world.recover()
    world.verdict(repeats=True)


@pytest.mark.long
@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_the_database_is_stopped_for_ten_seconds(postgresql_only, world, cluster, how):
    world.load()
    long = world.schedule(seconds=20)
    world.start(2, "--processes", "4", "--drain-timeout", "1")
    world.wait_for_work()
    connection.close()
    cluster.stop(how)
    time.sleep(10)
    cluster.start()
    world.recover()
    assert any("leases could not be renewed" in one.text() for one in world.schedulers)
    assert "lost" in JobRun.objects.filter(schedule=long).values_list("reason", flat=True)
    world.verdict(repeats=True)


@pytest.fixture
def full_disk(tmp_path, own_folder, request, django_db_blocker):
    """A world whose database lies on a small disk, and that disk."""
    if os.geteuid() != 0:
        pytest.skip("Only root may mount a small disk.")
    disk = SmallDisk(own_folder / "disk", 300 if connection.vendor == "postgresql" else 30)
    made = (Cluster if connection.vendor == "postgresql" else Files)(disk.folder / "data")
    before, small = dict(connection.settings_dict), World(made.create(), tmp_path, request.node.name)
    with django_db_blocker.unblock():
        small.connect()
        try:
            yield small, disk, made
        finally:
            small.end()
            connection.close()
            connection.settings_dict.update(before)
            made.end()
            disk.unmount()


@pytest.mark.long
def test_the_disk_is_full_for_a_while(full_disk):
    world, disk, data = full_disk
    world.load()
    world.start(2)
    world.wait_for_work()
    disk.fill()
    wait_until(lambda: any("nothing fires until" in one.text() for one in world.schedulers), within=40)
    world.linger(2, 4)
    disk.empty()
    if connection.vendor == "postgresql":
        data.start()  # as its supervisor would: PostgreSQL may end when it cannot write
    world.recover(within=10)
    world.verdict(repeats=True)


@pytest.fixture
def clock(tmp_path):
    """The environment of processes whose calendar clock is steered, and a function that sets it seconds ahead."""
    if shutil.which("cc") is None:
        pytest.skip("There is no C compiler to build the steered clock with.")
    library, file, written = tmp_path / "clock.so", tmp_path / "ahead", tmp_path / "new"
    source = Path(__file__).with_name("clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)

    def set_ahead(seconds):
        written.write_text(str(seconds))
        written.rename(file)

    set_ahead(0)
    return {"LD_PRELOAD": str(library), "CLOCK_AHEAD_FILE": str(file)}, set_ahead


@pytest.mark.long
def test_the_hosts_clock_jumps_forward_and_back(world, clock):
    if connection.vendor != "sqlite":
        pytest.skip("On PostgreSQL the database's clock counts.")
    surroundings, set_ahead = clock
    world.load()
    world.start(2, **surroundings)
    world.wait_for_work()
    set_ahead(8)
    world.recover()
    world.linger(1, 2)
    set_ahead(0)
    world.wait_for_work(40)  # after a while: instants that were fired already do not come again
    world.verdict()


@pytest.mark.long
def test_the_clock_of_one_host_is_ten_minutes_fast(postgresql_only, world, clock):
    surroundings, set_ahead = clock
    set_ahead(600)
    world.load()
    world.start(1, **surroundings)
    world.wait_for_work()
    world.start()
    world.linger(4, 6)
    assert not JobRun.objects.filter(trigger="schedule", queued_at__lt=F("scheduled_for")).exists()
    world.verdict()


@pytest.mark.parametrize("seconds", [3, pytest.param(15, marks=pytest.mark.long)])
def test_people_meddle_while_schedules_fire(world, seconds):
    world.load()
    world.start(2)
    world.wait_for_work()
    command = [sys.executable, "tests/faults/meddler.py"]
    meddlers = [
        subprocess.Popen(
            [*command, str(world.chance.random()), str(seconds)],
            cwd=ROOT,
            env=world.surroundings(),
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for one in meddlers:
        done, _ = one.communicate(timeout=seconds + 30)
        assert one.returncode == 0
        world.note(f"meddled {done.strip()} times")
    for schedule in Schedule.objects.filter(status="paused"):
        schedule.resume(by="tester", missed="none")
    world.recover(within=10)  # what was asked for meanwhile stands in line
    world.verdict()


def test_three_days_down_are_settled_within_five_seconds(world):
    now = timezone.now()
    then = (now - timedelta(days=3)).replace(second=0, microsecond=0)
    down = [
        Schedule(
            name=policy,
            job_type="noop",
            schedule_type="cron",
            cron_expression="* * * * *",
            misfire_policy=policy,
            overlap_policy="buffer_all",
        )
        for policy in ("latest", "all", "skip")
    ]
    for schedule in down:
        schedule.store(by="tester")
    Schedule.objects.update(created_at=then - timedelta(minutes=1), next_run_at=then)
    began = time.monotonic()
    world.start()
    wait_until(lambda: not Schedule.objects.due(timezone.now()).exists(), within=10)
    started = time.monotonic() - began
    world.note(f"three days were settled {started:.1f} s after the start of the process")
    wait_until(lambda: not JobRun.objects.active().exists(), within=20)
    world.stop()
    assert started < 5
    chance = random.Random(f"{SEED} minutes")
    for schedule in Schedule.objects.all():
        rows = schedule.runs.count()
        assert rows <= schedule.catchup_limit + 10
        minutes = [0, 1, 2, 4319, *(chance.randrange(4320) for _ in range(40))]
        said = {minute: explain(schedule, then + timedelta(minutes=minute), timezone.now()) for minute in minutes}
        assert {one.outcome for one in said.values()} <= {"missed", "skipped", "success"}
        assert all(one.sentences for one in said.values())
        assert said[0].outcome == "missed"
