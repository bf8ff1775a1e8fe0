"""Fixtures that many tests share."""

import os
from collections.abc import Iterator
from itertools import count

import pytest
from django.db import connection
from playwright.sync_api import Browser, sync_playwright

from jobruns.engine import authority
from schedules.models import Calendar, Schedule
from tests import trail

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Let tests empty their database; those about what is never changed put the guards back (tests/trail.py)."""
    with django_db_blocker.unblock():
        trail.remove_guards(connection)
        trail.remove_compliance_guards(connection)


@pytest.fixture(autouse=True)
def no_owner_is_remembered():
    """Forget what this process was told of owners: ids come again in the next test."""
    authority.forget()


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


@pytest.fixture
def make_calendar():
    """Return a function that stores a calendar, open every day unless told otherwise."""

    def make(name="Works", **fields):
        calendar = Calendar(name=name)
        calendar.define(fields)
        calendar.store(by="tester")
        return calendar

    return make


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not os.path.exists(CHROMIUM):
        if os.environ.get("CARILLON_REQUIRE_SERVICES") == "1":
            pytest.fail(f"{CHROMIUM} is not there")
        pytest.skip(f"{CHROMIUM} is not there")
    # The browser's driver runs a loop in this thread; the tests use the database from it all the same.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
