from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from jobruns import rollups
from jobruns.models import JobRun, SchedulerProcess
from schedules.models import Schedule


@pytest.fixture
def scheduler(db):
    return SchedulerProcess.objects.create(name="one", host="h", pid=1, version="1")


@pytest.mark.parametrize("path", ["/health", "/live"])
def test_health_says_up_and_nothing_else(path, django_db_blocker):
    with django_db_blocker.block():
        answer = Client().get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_with_a_fresh_heartbeat(scheduler):
    assert Client().get("/ready").status_code == 200


def test_not_ready_without_a_fresh_heartbeat(scheduler):
    SchedulerProcess.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=60))
    answer = Client().get("/ready")
    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert checks == {"database": "ok", "scheduler": "no fresh heartbeat", "firing": "no scheduler is alive"}


def test_not_ready_without_the_database(scheduler):
    def gone(*_):
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(gone):
        answer = Client().get("/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "not reachable"


def a_worker(queue, busy=0):
    """Return a living worker of a queue with four slots."""
    return SchedulerProcess.objects.create(
        name=f"{queue} worker", host="h", pid=1, version="1", fires=False, queues=[queue], slots=4, busy=busy
    )


def firing(admin):
    """Return what /ready and the details say of firing, which must be the same."""
    answer, details = Client().get("/ready"), admin.get("/health/detailed").json()
    said = answer.json()["checks"]["firing"]
    assert details["checks"]["firing"] == said
    assert (answer.status_code, details["status"]) == ((200, "ok") if said == "ok" else (503, "unavailable"))
    return said


def test_not_ready_when_an_instant_is_overdue(admin, scheduler, a_schedule):
    a_schedule()
    Schedule.objects.update(next_run_at=timezone.now() - timedelta(seconds=20))
    assert firing(admin) == "ok"
    Schedule.objects.update(next_run_at=timezone.now() - timedelta(seconds=90))
    assert firing(admin).startswith("falls behind by 9")


def test_not_ready_when_a_run_waits_though_a_slot_is_free(admin, scheduler, a_schedule):
    run_id = admin.post(f"schedules/{a_schedule()['id']}/trigger").json()["run_id"]
    JobRun.objects.update(available_at=timezone.now() - timedelta(seconds=60))
    SchedulerProcess.objects.update(slots=4, busy=3)
    assert firing(admin) == f"run {run_id} waits though a slot is free"
    SchedulerProcess.objects.update(busy=4)
    assert firing(admin) == "ok"


def test_not_ready_when_a_run_waits_and_no_worker_is_alive(admin, scheduler, a_schedule):
    assert firing(admin) == "ok"
    assert "start a worker" in admin.get("/health/detailed").json()["workers"]
    run_id = admin.post(f"schedules/{a_schedule()['id']}/trigger").json()["run_id"]
    assert firing(admin) == "ok"
    JobRun.objects.update(available_at=timezone.now() - timedelta(seconds=60))
    assert firing(admin) == f"run {run_id} waits in the queue carillon, which no living worker serves"
    a_worker("reports")
    assert admin.get("/health/detailed").json()["workers"] == "ok"
    assert firing(admin) == f"run {run_id} waits in the queue carillon, which no living worker serves"
    a_worker("carillon", busy=4)
    assert firing(admin) == "ok"


def test_not_ready_when_a_run_waits_though_a_worker_of_its_queue_has_a_free_slot(admin, scheduler, a_schedule):
    run_id = admin.post(f"schedules/{a_schedule(queue='reports')['id']}/trigger").json()["run_id"]
    JobRun.objects.update(available_at=timezone.now() - timedelta(seconds=60))
    a_worker("carillon")
    busy = a_worker("reports", busy=4)
    assert firing(admin) == "ok"
    SchedulerProcess.objects.filter(pk=busy.pk).update(busy=3)
    assert firing(admin) == f"run {run_id} waits though a slot is free"


def test_workers_alone_fire_nothing(admin):
    a_worker("carillon")
    assert firing(admin) == "no scheduler is alive"


def test_ready_when_a_run_waits_for_the_one_before_it(admin, scheduler, a_schedule):
    SchedulerProcess.objects.update(slots=4)
    address = f"schedules/{a_schedule()['id']}/trigger"
    admin.post(address), admin.post(address)
    now = timezone.now()
    JobRun.objects.update(available_at=now - timedelta(seconds=60))
    first = JobRun.objects.order_by("id").first()
    JobRun.objects.filter(pk=first.pk).update(status="running", started_at=now, lease_expires_at=now)
    assert firing(admin) == "ok"


@pytest.mark.parametrize("path", ["/health/detailed", "/metrics"])
def test_details_need_a_right(admin, nobody, path):
    assert Client().get(path).status_code == 401
    assert nobody.get(path).status_code == 403
    assert admin.get(path).status_code == 200


def test_details_name_the_processes_and_what_waits(admin, scheduler, a_schedule):
    admin.post(f"schedules/{a_schedule()['id']}/trigger")
    body = admin.get("/health/detailed").json()
    assert [(one["name"], one["alive"]) for one in body["processes"]] == [("one", True)]
    assert (body["runs_pending"], body["runs_running"], body["overdue_schedules"]) == (1, 0, 0)
    assert body["oldest_ready_wait_seconds"] > 0


def test_metrics_count_what_the_tables_hold(admin, scheduler, a_schedule):
    a_schedule(name="off", enabled=False)
    admin.post(f"schedules/{a_schedule()['id']}/trigger")
    answer = admin.get("/metrics", Accept="text/plain")
    lines = answer.content.decode().splitlines()
    assert answer["Content-Type"].startswith("text/plain")
    assert 'schedules_total{status="paused",type="cron"} 1.0' in lines
    assert 'schedule_executions_total{schedule_type="cron",status="success"} 0.0' in lines
    assert "schedule_runs_pending 1.0" in lines
    assert any(line.startswith('scheduler_heartbeat_age_seconds{process="one"}') for line in lines)


def test_histograms_grow_with_the_runs_and_not_with_what_was_rolled_up(admin, a_schedule):
    run = JobRun.objects.get(pk=admin.post(f"schedules/{a_schedule()['id']}/trigger").json()["run_id"])
    at = timezone.now() - timedelta(minutes=5)
    JobRun.objects.filter(pk=run.pk).update(
        status="success", queued_at=at, available_at=at, started_at=at, finished_at=at + timedelta(seconds=2)
    )
    for _ in range(2):
        lines = admin.get("/metrics").content.decode().splitlines()
        assert 'schedule_execution_duration_seconds_bucket{le="1.0"} 0.0' in lines
        assert 'schedule_execution_duration_seconds_bucket{le="2.5"} 1.0' in lines
        assert "schedule_execution_duration_seconds_sum 2.0" in lines
        rollups.catch_up(timezone.now())


def test_a_scrape_costs_the_same_whatever_the_history(admin, django_assert_max_num_queries):
    admin.get("/metrics")
    with django_assert_max_num_queries(14):
        admin.get("/metrics")
