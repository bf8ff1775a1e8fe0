"""What the tests of the engine share: schedules that are due, and endings for claimed runs."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from jobruns.engine import claims, ledger, sql
from jobruns.models import JobRun
from jobruns.runner import Ending
from schedules.models import Schedule


@pytest.fixture
def overdue():
    """Return a function that makes a schedule due: its next instant lies `seconds` back."""

    def make_due(schedule, seconds=1, **columns):
        due = timezone.now().replace(microsecond=0) - timedelta(seconds=seconds)
        step = timedelta(seconds=schedule.interval_seconds or 60)
        columns = {"anchor_at": due - step, "next_run_at": due, **columns}
        Schedule.objects.filter(pk=schedule.pk).update(**columns)
        schedule.refresh_from_db()
        return schedule

    return make_due


@pytest.fixture
def claimed(make_schedule, overdue):
    """Return a function that fires one instant and claims it: (schedule, assignment)."""

    def fire_and_claim(owner="me", **fields):
        schedule = overdue(make_schedule(**fields))
        ledger.fire_due()
        [assignment] = [one for one in claims.claim_ready(50, owner) if one.schedule_id == schedule.pk]
        return schedule, assignment

    return fire_and_claim


@pytest.fixture
def ending():
    """Return a function that says how a claimed run ended."""

    def build(assignment, status="success", **said):
        now = sql.now()
        times = {"started_at": now - timedelta(seconds=1), "finished_at": now}
        return Ending(
            **{"run_id": assignment.run_id, "attempt": assignment.attempt, "status": status, **times, **said}
        )

    return build


@pytest.fixture
def postgresql():
    """Skip where the ledger lies in SQLite, which has one writer and no row locks."""
    if connection.vendor != "postgresql":
        pytest.skip("Row locks exist on PostgreSQL only.")


def rows(schedule):
    """Return the runs of a schedule, oldest instant first."""
    return list(JobRun.objects.filter(schedule=schedule).order_by("scheduled_for", "attempt", "id"))
