"""A firing loop that hangs ends its process, so that whoever supervises it starts a new one."""

import pytest
from django.db import connection, transaction

from jobruns.engine.invariants import breaches
from jobruns.models import JobRun, SchedulerProcess
from tests.faults.conftest import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def postgresql():
    """Skip where no statement can wait for ever: SQLite gives up after twenty seconds."""
    if connection.vendor != "postgresql":
        pytest.skip("Statements that hang exist on PostgreSQL only.")


@pytest.mark.long
def test_a_scheduler_whose_loop_hangs_exits_and_leaves_no_run_behind(postgresql, make_schedule, start_scheduler):
    schedule = make_schedule(
        job_type="trick", params={"act": "sleep", "seconds": 60}, schedule_type="manual", interval_seconds=None
    )
    process = start_scheduler("--drain-timeout", "1", program="tests/faults/impatient.py")
    process.wait_until_started()
    run = schedule.runs.request(by="tester")
    wait_until(lambda: JobRun.objects.running().exists())
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE schedules_schedule IN ACCESS EXCLUSIVE MODE")
        assert process.process.wait(40) == 1
    assert "the firing loop has completed no look for" in process.text()
    run.refresh_from_db()
    assert (run.status, run.owner) == ("pending", "")
    assert SchedulerProcess.objects.get().stopped_at is not None
    assert breaches() == []


@pytest.mark.long
def test_a_stop_is_not_held_up_by_a_loop_that_hangs(postgresql, start_scheduler):
    process = start_scheduler("--drain-timeout", "1")
    process.wait_until_started()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE schedules_schedule IN ACCESS EXCLUSIVE MODE")
        wait_until(_is_waiting, within=10)
        code, seconds = process.stop()
    assert code == 0
    assert seconds < 15


def _is_waiting():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
        return cursor.fetchone() is not None
