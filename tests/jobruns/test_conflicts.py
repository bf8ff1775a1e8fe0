"""A transaction that gives way to another is tried again, and is no sign that the database is away."""

import threading
from contextlib import closing

import psycopg
import pytest
from django.db import Error, OperationalError, connection, transaction

from jobruns.engine import sql
from jobruns.models import JobRun
from tests.jobruns.conftest import postgresql
from tests.jobruns.test_recorder import soon, status, writing
from tests.jobruns.test_sessions import connect
from tests.jobruns.test_store import look, store
from tests.jobruns.threads import together

__all__ = ["postgresql", "store", "writing"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hurried(postgresql, monkeypatch):
    """Let sessions of this process wait for a lock no longer than a tenth of a second, and keep them open."""
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)
    options = {**connection.settings_dict["OPTIONS"], "options": "-c lock_timeout=100"}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    connection.close()
    connection.ensure_connection()
    yield
    connection.close()


def test_a_deadlock_is_told_from_a_database_that_is_away(postgresql, make_schedule):
    ids, meet = [make_schedule().pk, make_schedule().pk], threading.Barrier(2)

    def cross(number):
        try:
            with transaction.atomic():
                for step, pk in enumerate(ids if number else reversed(ids)):
                    sql.run("UPDATE schedules_schedule SET description = '' WHERE id = %s", [pk])
                    if step == 0:
                        meet.wait(5)
        except Error as error:
            return sql.is_conflict(error)

    assert sorted(together(cross, threads=2), key=str) == [None, True]
    assert not sql.is_conflict(OperationalError("the server went away"))


def test_a_look_that_waited_too_long_for_a_lock_is_tried_again(hurried, make_schedule, overdue, store):
    schedule = overdue(make_schedule())
    session = connection.connection
    with closing(connect(options="")) as other:
        other.execute("LOCK TABLE schedules_schedule IN ACCESS EXCLUSIVE MODE")
        assert look(store) == []
        assert not store.away
        assert connection.connection is session
    assert [job.run.schedule_id for job in look(store)] == [schedule.pk]


def test_runs_claimed_by_a_look_that_then_gave_way_go_back_to_the_line(postgresql, make_schedule, overdue, store):
    overdue(make_schedule())

    def late(execute, statement, *rest):
        """Give way at the first statement after the claim."""
        claimed = JobRun.objects.running().exists() if "min(" in statement.lower() else False
        if claimed:
            raise OperationalError("timeout") from psycopg.errors.LockNotAvailable("timeout")
        return execute(statement, *rest)

    with connection.execute_wrapper(late):
        assert look(store) == []
    assert JobRun.objects.get().status == "running"
    [job] = look(store)
    assert job.run.run_id == JobRun.objects.get().pk


def test_an_ending_waits_for_somebody_who_holds_its_schedule(hurried, claimed, ending, writing):
    schedule, one = claimed()
    with closing(connect(options="")) as other:
        other.execute("SELECT 1 FROM schedules_schedule WHERE id = %s FOR UPDATE", [schedule.pk])
        keeper, told = writing(), threading.Event()
        keeper.on_written = told.set
        keeper.took([one.run_id])
        keeper.ended([ending(one)])
        assert not told.wait(0.5)
        assert status(one) == "running"
    soon(lambda: status(one) == "success")
