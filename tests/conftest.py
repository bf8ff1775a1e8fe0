"""Fixtures that many tests share."""

from itertools import count

import pytest

from schedules.models import Schedule


@pytest.fixture
def make_schedule():
    """Return a function that stores a schedule, hourly noop unless told otherwise."""
    numbers = count(1)

    def make(**fields):
        kind = fields.setdefault("schedule_type", "interval")
        if kind == "interval":
            fields.setdefault("interval_seconds", 3600)
        schedule = Schedule(**{"name": f"schedule-{next(numbers)}", "job_type": "noop", **fields})
        schedule.store(by="tester")
        return schedule

    return make
