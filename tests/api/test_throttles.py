"""Requests of one user are counted over all web processes, and most of them cost no statement."""

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.models import RequestCount
from integrations.rest import throttles
from integrations.rest.throttles import SharedThrottle

pytestmark = pytest.mark.django_db


class Asked:
    """A request of one user, as a throttle looks at it."""

    def __init__(self, pk=1):
        self.user = type("User", (), {"pk": pk, "is_authenticated": True})()


def throttle(rate):
    return type("Throttle", (SharedThrottle,), {"rate": rate, "scope": "user"})()


def allowed(rate, times, pk=1):
    return sum(throttle(rate).allow_request(Asked(pk), None) for _ in range(times))


def test_no_more_than_the_rate_is_allowed():
    assert allowed("5/min", 20) == 5
    assert allowed("5/min", 20, pk=2) == 5


def test_another_process_goes_on_counting_where_this_one_stopped():
    assert allowed("10/min", 4) == 4
    throttles.forget()  # as a process does that has just begun
    assert allowed("10/min", 20) == 6


def test_four_processes_leave_a_user_more_than_600_requests_a_minute():
    drawn = 0
    for _ in range(4):
        throttles.forget()
        drawn += allowed("1200/min", 250)
    assert drawn == 1000


def test_the_next_period_begins_when_the_last_one_is_over():
    with time_machine.travel("2026-11-21T10:00:30Z", tick=False) as clock:
        assert allowed("5/min", 9) == 5
        one = throttle("5/min")
        assert not one.allow_request(Asked(), None)
        assert one.wait() == 60
        clock.shift(61)
        assert allowed("5/min", 9) == 5
    assert RequestCount.objects.count() == 1


def test_twenty_requests_cost_one_statement():
    with CaptureQueriesContext(connection) as said:
        assert allowed("1200/min", 100) == 100
    assert len(said) == 5
