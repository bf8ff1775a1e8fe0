"""Two workers on one broker: every run ends exactly once in the ledger, whatever dies and whatever is lost."""

import os
import signal
from collections import Counter
from datetime import timedelta

import pytest

from jobruns.engine.invariants import breaches
from jobruns.models import JobRun, SchedulerProcess
from tests.celery.gate import Gate
from tests.faults.conftest import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def ask(make_schedule, broker, number, act="pid", **fields):
    """Ask for a run of each of `number` new schedules, and return the runs."""
    params = fields.pop("params", {})
    fields = {"schedule_type": "manual", "job_type": "trick", "retry_delay_seconds": 0, **fields}
    made = [make_schedule(queue=broker.queue, params={"act": act, **params}, **fields) for _ in range(number)]
    return [schedule.runs.request(by="tester") for schedule in made]


def all_ended():
    return not JobRun.objects.active().exists()


def owners():
    """Return how many runs each process executed."""
    return Counter(JobRun.objects.exclude(owner="").values_list("owner", flat=True))


def test_a_burst_runs_once_each_within_its_limits_on_two_workers(make_schedule, any_broker, start, tmp_path):
    worker = ("worker", any_broker.queue, "-c", "4")
    processes = start(("scheduler",), ("scheduler",), worker, worker)
    path = tmp_path / "evidence"
    params = {"path": str(path), "seconds": 0.1}
    ask(make_schedule, any_broker, 30, params=params)
    limited = ask(make_schedule, any_broker, 1, params=params, overlap_policy="allow", max_instances=2)[0].schedule
    for _ in range(7):
        limited.runs.request(by="tester")
    wait_until(all_ended, within=30)
    assert Counter(JobRun.objects.values_list("status", flat=True)) == {"success": 38}
    assert path.read_text().count("\n") == 38
    times = list(limited.runs.values_list("started_at", "finished_at"))
    assert max(sum(began <= at < ended for began, ended in times) for at, _ in times) == 2
    workers = SchedulerProcess.objects.filter(fires=False)
    assert owners().keys() == {one.name for one in workers}
    assert {(one.slots, tuple(one.queues)) for one in workers} == {(4, (any_broker.queue,))}
    assert [one.stop()[0] for one in processes] == [0, 0, 0, 0]
    assert breaches() == []


def test_a_worker_that_is_killed_loses_no_run(make_schedule, any_broker, start, tmp_path):
    worker = ("worker", any_broker.queue, "-c", "2")
    _, victim, _ = start(("scheduler",), worker, worker)
    path = tmp_path / "pids"
    ask(make_schedule, any_broker, 8, params={"path": str(path), "seconds": 1}, max_retries=1)
    name = SchedulerProcess.objects.get(pid=victim.pid).name
    wait_until(lambda: JobRun.objects.running().filter(owner=name).count() == 2, within=10)
    wait_until(lambda: path.exists() and path.read_text().count("\n") >= 4, within=10)
    victim.kill()
    wait_until(lambda: not JobRun.objects.running().filter(owner=name).exists(), within=5)
    wait_until(all_ended, within=30)
    lost = JobRun.objects.filter(status="failed")
    assert 1 <= lost.filter(reason="lost", owner=name, attempt=1).count() == lost.count() <= 2
    succeeded = JobRun.objects.filter(status="success")
    assert len({run.idempotency_key for run in succeeded}) == succeeded.count() == 8
    assert breaches() == []


def test_what_the_broker_lost_is_sent_again(make_schedule, any_broker, start):
    start(("scheduler",))
    ask(make_schedule, any_broker, 5, act="nothing")
    wait_until(lambda: any_broker.waiting() == 5, within=10)
    assert any_broker.purge() == 5
    start(("worker", any_broker.queue, "-c", "2"))
    wait_until(all_ended, within=15)
    assert Counter(JobRun.objects.values_list("status", flat=True)) == {"success": 5}


def test_what_waits_for_a_worker_is_not_sent_again_and_again(make_schedule, redis, start):
    first, second = start(("scheduler",), ("scheduler",))
    ask(make_schedule, redis, 20, act="nothing")
    wait_until(lambda: redis.waiting() >= 20, within=10)
    early = JobRun.objects.order_by("dispatched_at").first().dispatched_at + timedelta(seconds=1)
    looks = SchedulerProcess.objects.filter(heartbeat_at__gt=early + timedelta(seconds=3))
    wait_until(lambda: looks.count() == 2, within=15)
    assert redis.waiting() == 20
    assert not JobRun.objects.filter(dispatched_at__gt=early).exists()
    assert [first.stop()[0], second.stop()[0]] == [0, 0]


def test_a_message_that_comes_three_times_runs_once(make_schedule, redis, start, tmp_path):
    path = tmp_path / "evidence"
    [run] = ask(make_schedule, redis, 1, params={"path": str(path), "seconds": 0.5})
    for _ in range(3):
        redis.send(run.pk)
    for nonsense in ("1; DROP TABLE", -1, 2**70, None, run.pk + 999):
        redis.send(nonsense)
    redis.send()
    start(("worker", redis.queue, "-c", "3"))
    wait_until(lambda: all_ended() and redis.waiting() == 0, within=15)
    assert JobRun.objects.get().status == "success"
    assert path.read_text().count("\n") == 1


def test_a_waiting_and_a_running_run_are_cancelled_and_a_long_one_times_out(make_schedule, redis, start, tmp_path):
    start(("scheduler",), ("worker", redis.queue, "-c", "2"))
    [running] = ask(make_schedule, redis, 1, act="obey")
    path = tmp_path / "pid"
    [long] = ask(make_schedule, redis, 1, params={"path": str(path), "seconds": 60}, timeout_seconds=2)
    wait_until(lambda: JobRun.objects.running().count() == 2, within=10)
    [waiting] = ask(make_schedule, redis, 1, act="pid", params={"path": str(tmp_path / "never")})
    wait_until(lambda: redis.waiting() == 1, within=10)
    assert waiting.cancel(by="ada")
    assert running.cancel(by="ada")
    wait_until(all_ended, within=15)
    wait_until(lambda: redis.waiting() == 0, within=5)
    endings = {run.pk: (run.status, run.reason) for run in JobRun.objects.all()}
    assert endings == {
        running.pk: ("cancelled", "requested"),
        waiting.pk: ("cancelled", "requested"),
        long.pk: ("failed", "timeout"),
    }
    assert not (tmp_path / "never").exists()
    assert not os.path.exists(f"/proc/{path.read_text().strip()}")


def test_a_worker_that_is_stopped_finishes_or_gives_back(make_schedule, redis, start, tmp_path):
    """SIGTERM: what ends within the time to drain ends, the rest and what waits is another worker's."""
    _, first = start(("scheduler",), ("worker", redis.queue, "-c", "2", "--drain-timeout", "2"))
    path = tmp_path / "evidence"
    [short] = ask(make_schedule, redis, 1, act="sleep", params={"seconds": 1.5})
    [long] = ask(make_schedule, redis, 1, params={"path": str(path), "seconds": 6})
    wait_until(lambda: path.exists() and JobRun.objects.running().count() == 2, within=10)
    [waiting] = ask(make_schedule, redis, 1, act="nothing")
    code, seconds = first.stop(signal.SIGTERM)
    assert (code, seconds < 8) == (0, True)
    statuses = dict(JobRun.objects.values_list("pk", "status"))
    assert statuses == {short.pk: "success", long.pk: "pending", waiting.pk: "pending"}
    child = int(path.read_text().split()[0])
    assert not os.path.exists(f"/proc/{child}")
    start(("worker", redis.queue, "-c", "2"))
    wait_until(lambda: path.read_text().count("\n") == 2, within=10)
    wait_until(lambda: JobRun.objects.get(pk=waiting.pk).status == "success", within=5)


def test_what_is_ready_waits_for_a_broker_that_is_away(make_schedule, any_broker, start, monkeypatch):
    with Gate(any_broker.port) as gate:
        monkeypatch.setenv("CELERY_BROKER_URL", any_broker.url.replace(str(any_broker.port), str(gate.port)))
        [scheduler] = start(("scheduler",))
        wait_until(lambda: "broker away" in scheduler.text(), within=10)
        ask(make_schedule, any_broker, 3, act="nothing")
        gate.open()
        wait_until(lambda: any_broker.waiting() == 3, within=10)
        gate.shut()
        ask(make_schedule, any_broker, 3, act="nothing")
        wait_until(lambda: scheduler.text().count("broker away") == 2, within=10)
        wait_until(lambda: JobRun.objects.filter(dispatched_at=None).count() == 3, within=5)
        gate.open()
        wait_until(lambda: any_broker.waiting() == 6, within=10)
        assert scheduler.stop()[0] == 0
    assert scheduler.text().count("broker away") == 2
    assert scheduler.text().count("broker back") == 2
