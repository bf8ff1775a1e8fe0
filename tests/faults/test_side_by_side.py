"""Several schedulers side by side fire each instant once, also when one of them is killed."""

import os
import time

import pytest

from jobruns.engine.invariants import breaches
from jobruns.models import JobRun, SchedulerProcess
from tests.faults.conftest import wait_until
from tests.faults.ledgers import account, every_second, lags

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = int(os.environ.get("CARILLON_FAULT_SECONDS", "6"))  # 30 for the long measurement


def report(name, made):
    """Say what was measured; seen with `pytest -s` or when the test fails."""
    late = lags(made)
    missing, doubled = (sum(numbers) for numbers in zip(*map(account, made), strict=True))
    p50, p99 = late[len(late) // 2], late[int(len(late) * 0.99)]
    print(  # noqa: T201
        f"\n{name}: {SECONDS} s, {JobRun.objects.count()} rows, {len(late)} started, missing {missing}, "
        f"doubled {doubled}, start lag p50 {p50:.3f} s, p99 {p99:.3f} s"
    )
    return missing, doubled


def test_three_schedulers_fire_forty_schedules_every_second_without_gap_or_double(make_schedule, start_scheduler):
    started = [start_scheduler("--processes", "2") for _ in range(3)]
    for one in started:
        one.wait_until_started()
    made = every_second(make_schedule, 40)
    time.sleep(SECONDS)
    assert [one.stop()[0] for one in started] == [0, 0, 0]
    assert report("side by side", made) == (0, 0)
    assert {run.status for run in JobRun.objects.all()} <= {"success", "skipped", "pending"}
    assert JobRun.objects.filter(status="success").count() >= 40 * (SECONDS - 2)
    assert [one for one in breaches() if one.rule not in {"overdue"}] == []


@pytest.mark.long
def test_the_death_of_one_scheduler_leaves_no_gap_no_double_and_nothing_running(make_schedule, start_scheduler):
    started = [start_scheduler("--processes", "2") for _ in range(3)]
    for one in started:
        one.wait_until_started()
    made = every_second(make_schedule, 40, params={"sleep_seconds": 0.02})
    time.sleep(SECONDS / 2)
    victim = started.pop()
    [name] = SchedulerProcess.objects.filter(pid=victim.pid).values_list("name", flat=True)
    victim.kill()
    wait_until(lambda: not JobRun.objects.running().filter(owner=name).exists(), within=5)
    wait_until(lambda: SchedulerProcess.objects.get(name=name).stopped_at is not None, within=5)
    time.sleep(SECONDS / 2)
    assert [one.stop()[0] for one in started] == [0, 0]
    assert report("one killed", made) == (0, 0)
    assert not JobRun.objects.running().exists()
    assert {run.reason for run in JobRun.objects.filter(status="failed")} <= {"lost"}
    assert [one for one in breaches() if one.rule not in {"overdue"}] == []


def test_a_run_whose_scheduler_is_killed_is_tried_again_by_another(make_schedule, start_scheduler, tmp_path):
    path = tmp_path / "pids"
    params = {"act": "pid", "path": str(path), "seconds": 60}
    schedule = make_schedule(job_type="trick", params=params, max_retries=1, retry_delay_seconds=0)
    schedule.runs.request(by="tester")
    first = start_scheduler("--processes", "1")
    wait_until(lambda: path.exists() and path.read_text().count("\n") == 1, within=20)
    second = start_scheduler("--processes", "1")
    second.wait_until_started()
    first.kill()
    wait_until(lambda: path.read_text().count("\n") == 2, within=10)
    lost, again = JobRun.objects.order_by("attempt")
    assert (lost.status, lost.reason, again.attempt) == ("failed", "lost", 2)
    assert again.idempotency_key == lost.idempotency_key
    child = int(path.read_text().split()[0])
    wait_until(lambda: not os.path.exists(f"/proc/{child}"), within=5)
