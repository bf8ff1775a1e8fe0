"""A process that cannot renew its leases stops what it runs before another one takes it over."""

import time

import pytest

from jobruns.engine.recorder import Recorder
from jobruns.models import JobRun
from tests.jobruns.books import wait_until
from tests.jobruns.conftest import postgresql
from tests.jobruns.test_pool import book, tricks
from tests.jobruns.test_store import look, store

__all__ = ["book", "postgresql", "store", "tricks"]


@pytest.fixture
def recorder():
    return Recorder("me", stop_run=lambda *_, **__: None)


@pytest.mark.django_db
def test_a_lease_is_trusted_for_three_quarters_of_its_time(postgresql, recorder, settings):
    settings.LOCK_TIMEOUT_SECONDS = 8
    recorder.renewed_at = time.monotonic() - 5
    assert not recorder.lease_runs_out()
    recorder.renewed_at = time.monotonic() - 6.1
    assert recorder.lease_runs_out()


@pytest.mark.django_db
def test_a_renewal_is_trusted_anew(postgresql, recorder):
    recorder.renewed_at = float("-inf")
    assert recorder.lease_runs_out()
    recorder._batch()
    assert not recorder.lease_runs_out()


@pytest.mark.django_db(transaction=True)
def test_a_process_that_cannot_renew_claims_nothing(postgresql, make_schedule, overdue, store):
    overdue(make_schedule())
    store.dispatcher.recorder.renewed_at = float("-inf")
    assert look(store) == []
    assert JobRun.objects.get().status == "pending"


def test_an_abandoned_pool_kills_what_runs_and_returns_what_waits(book):
    one = book(1)
    one.ending(one.submit("nothing"))
    running, held = one.submit("sleep", seconds=60, usual=0.001), one.submit("nothing", usual=0.001)
    waiting = one.submit("nothing")
    wait_until(lambda: one.pool.ready and any(len(slot.runs) == 2 for slot in one.pool.slots))
    one.pool.abandon()
    assert one.ending(running).reason == "lost"
    wait_until(lambda: sorted(one.returned) == [held, waiting])
    assert set(one.endings) & {held, waiting} == set()
    assert one.ending(one.submit("nothing")).status == "success"
