"""APScheduler's view of the ledger never raises, whatever the database does, and loses no claimed run."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler
from django.db import InterfaceError, OperationalError, connection
from django_apscheduler.models import DjangoJob

from jobruns.engine import glance, ledger, processes, upkeep
from jobruns.engine.dispatch.local import LocalDispatcher
from jobruns.engine.store import RunStore, UpkeepStore
from jobruns.models import JobRun, SchedulerProcess

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store():
    """A store with room for five runs, whose dispatcher was not started: it claims and goes no further."""
    process = processes.register(5)
    dispatcher = LocalDispatcher(process.name, slots=5, on_room=lambda: None, on_written=lambda: None)
    yield RunStore(process, dispatcher, poll_seconds=1)
    dispatcher.kill()


def look(store):
    return store.get_due_jobs(datetime.now(UTC))


def test_a_due_schedule_becomes_a_job_at_the_first_look(make_schedule, overdue, store):
    overdue(make_schedule())
    [job] = look(store)
    assert JobRun.objects.get(pk=job.run.run_id).owner == store.process.name
    assert store.dispatcher.recorder.holding() == {job.run.run_id}
    assert job.trigger.get_next_fire_time(None, None) is None


def test_without_room_nothing_is_claimed_but_all_is_fired(make_schedule, overdue, store):
    overdue(make_schedule())
    store.dispatcher.stop_taking()
    assert look(store) == []
    assert JobRun.objects.get().status == "pending"


def test_the_next_look_comes_with_the_next_instant(make_schedule, store):
    schedule = make_schedule(interval_seconds=3600)
    look(store)
    assert 0.5 < (store.get_next_run_time() - datetime.now(UTC)).total_seconds() <= 1
    at = datetime.now(UTC) + timedelta(seconds=0.5)
    type(schedule).objects.update(next_run_at=at)
    look(store)
    assert abs((store.get_next_run_time() - at).total_seconds()) < 0.1


def test_the_next_look_comes_with_the_next_delayed_run(make_schedule, store):
    run = make_schedule().runs.request(by="somebody")
    at = datetime.now(UTC) + timedelta(seconds=0.5)
    JobRun.objects.filter(pk=run.pk).update(available_at=at)
    look(store)
    assert abs((store.get_next_run_time() - at).total_seconds()) < 0.1


def test_runs_held_up_by_their_own_schedule_are_noticed_without_haste(make_schedule, store):
    schedule = make_schedule()
    for _ in range(2):
        schedule.runs.request(by="somebody")
    assert len(look(store)) == 1
    assert store.blocked
    assert (store.get_next_run_time() - datetime.now(UTC)).total_seconds() > 0.5


class Stumble:
    """Fails at the statement of that number, and notes all of them."""

    def __init__(self, fails_at, failure, statements):
        self.fails_at, self.failure, self.statements = fails_at, failure, statements

    def __call__(self, execute, sql, params, many, context):
        self.statements.append(sql)
        if len(self.statements) == self.fails_at + 1:
            raise self.failure("the server went away")
        return execute(sql, params, many, context)


@pytest.mark.parametrize("failure", [OperationalError, InterfaceError])
def test_a_database_that_is_away_at_any_statement_loses_no_run(make_schedule, overdue, store, failure):
    """Let every statement of a look fail in turn, until one gets through without failing."""
    for fails_at in range(60):
        JobRun.objects.all().delete()
        schedule = overdue(make_schedule(priority=5))
        store.housekeeping_due = 0
        statements = []
        with connection.execute_wrapper(Stumble(fails_at, failure, statements)):
            jobs = look(store)
        if len(statements) <= fails_at:
            break
        assert jobs == []
        assert (store.get_next_run_time() - datetime.now(UTC)).total_seconds() < 1
        jobs = look(store)
        assert [job.run.schedule_id for job in jobs] == [schedule.pk], f"statement {fails_at}: {statements[-1]}"
        assert JobRun.objects.get().status == "running"
        schedule.discard(by="tester")
        store.dispatcher.recorder.held.clear()
    else:
        pytest.fail("No look came through.")
    assert fails_at > 8


def test_a_loop_that_fires_nothing_has_no_heartbeat(make_schedule, overdue, store, monkeypatch):
    def refuse():
        raise OperationalError("no such column")

    monkeypatch.setattr(ledger, "fire_due", refuse)
    overdue(make_schedule())
    before = SchedulerProcess.objects.get().heartbeat_at
    look(store)
    assert SchedulerProcess.objects.get().heartbeat_at == before
    monkeypatch.undo()
    store.housekeeping_due = 0.0
    look(store)
    assert SchedulerProcess.objects.get().heartbeat_at > before


def test_a_bug_in_one_look_does_not_end_the_loop(store, monkeypatch):
    """APScheduler catches what get_due_jobs raises, and asks again after a second."""
    calls, real = [], glance.look

    def broken():
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        return real()

    monkeypatch.setattr(glance, "look", broken)
    store.housekeeping_due = float("inf")  # nothing shall follow `finish`, which closes the loop's connection
    loop = BackgroundScheduler(timezone=UTC, jobstore_retry_interval=0.1)
    loop.add_executor(ThreadPoolExecutor(1), "runs")
    loop.add_jobstore(store, "runs")
    finished = threading.Event()

    def finish(*_):
        connection.close()  # the loop's own
        finished.set()
        return datetime.now(UTC) + timedelta(seconds=1)

    monkeypatch.setattr(store, "_at", finish)
    store.housekeeping_due = float("inf")  # a heartbeat afterwards would open the connection again
    loop.start()
    assert finished.wait(5)
    loop.shutdown()


class Still(BaseScheduler):
    """A scheduler without a thread: it stores jobs and never runs them."""

    def wakeup(self):
        pass

    def shutdown(self, wait=True):
        super().shutdown(wait=wait)


@pytest.fixture
def upkeep_loops():
    """Several loops with the store of upkeep jobs, as that many schedulers have them."""
    loops = []

    def start(number):
        for _ in range(number):
            loop = Still(timezone=UTC)
            loop.add_executor(ThreadPoolExecutor(1), "upkeep")
            loop.add_jobstore(UpkeepStore(), "upkeep")
            loop.start()
            loops.append(loop)
        return loops

    yield start
    for loop in loops:
        loop.shutdown()


def test_several_schedulers_share_the_upkeep_jobs(upkeep_loops):
    for loop in upkeep_loops(3):
        upkeep.register(loop)
    assert DjangoJob.objects.filter(id="forget_what_is_old").count() == 1


def test_an_upkeep_job_that_was_removed_ends_no_loop(upkeep_loops):
    [loop] = upkeep_loops(1)
    upkeep.register(loop)
    job = loop.get_job("forget_what_is_old")
    DjangoJob.objects.all().delete()
    store = loop._jobstores["upkeep"]
    store.update_job(job)
    store.remove_job(job.id)
    assert store.get_due_jobs(datetime.now(UTC)) == []


def test_upkeep_waits_quietly_while_the_database_is_away(upkeep_loops):
    [loop] = upkeep_loops(1)
    upkeep.register(loop)
    store = loop._jobstores["upkeep"]

    def away(*_):
        raise OperationalError("the server went away")

    with connection.execute_wrapper(away):
        assert store.get_due_jobs(datetime.now(UTC)) == []
        assert store.get_next_run_time() > datetime.now(UTC)
