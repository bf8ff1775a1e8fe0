"""Maintenance windows that stop what runs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobruns.engine import claims, ledger, sql
from jobruns.engine.blackouts import Blackouts
from jobruns.models import JobRun
from tests.jobruns.conftest import rows

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def window(begins, ends, **more):
    """Return a window from and to so many minutes from now."""
    now = timezone.now()
    ends_at = [(now + timedelta(minutes=minutes)).isoformat() for minutes in (begins, ends)]
    return {"name": "Patches", "from": ends_at[0], "to": ends_at[1], "stop_running": True, **more}


@pytest.fixture
def running(claimed, make_calendar):
    """Return a function that makes a run that goes on, and then opens a window."""

    def make(*windows):
        calendar = make_calendar()
        schedule, assignment = claimed(calendar=calendar)
        calendar.define({"windows": list(windows)})
        calendar.store(by="tester")
        return schedule, JobRun.objects.get(pk=assignment.run_id)

    return make


def test_a_run_that_goes_on_is_asked_to_stop(running):
    _, run = running(window(-1, 30))
    Blackouts().hold(sql.now())
    run.refresh_from_db()
    assert (run.cancellation, run.reason) == ("asked", "blackout")
    assert "Patches" in run.cancelled_by


def test_stopping_twice_is_stopping_once(running):
    _, run = running(window(-1, 30))
    Blackouts().hold(sql.now())
    JobRun.objects.filter(pk=run.pk).update(cancelled_by="seen")
    Blackouts().hold(sql.now())
    run.refresh_from_db()
    assert run.cancelled_by == "seen"


@pytest.mark.parametrize("windows", [[window(-1, 30, stop_running=False)], [window(5, 30)], [window(-30, -5)], []])
def test_a_run_goes_on_where_no_window_stops_it(running, windows):
    _, run = running(*windows)
    Blackouts().hold(sql.now())
    run.refresh_from_db()
    assert run.cancellation == ""


def test_what_waits_is_held_until_the_window_closes(make_schedule, overdue, make_calendar):
    calendar = make_calendar()
    schedule = overdue(make_schedule(calendar=calendar))
    ledger.fire_due()
    calendar.define({"windows": [window(-1, 30)]})
    calendar.store(by="tester")
    now = sql.now()
    Blackouts().hold(now)
    [run] = rows(schedule)
    assert timedelta(minutes=28) < run.available_at - now <= 30 * MINUTE
    assert claims.claim_ready(5, "me") == []
    assert run.status == "pending"


def test_a_run_that_somebody_asks_for_in_the_window_is_left_alone(make_schedule, make_calendar):
    calendar = make_calendar(windows=[window(-1, 30)])
    schedule = make_schedule(calendar=calendar)
    schedule.runs.request(by="eve")
    Blackouts().hold(sql.now())
    assert len(claims.claim_ready(5, "me")) == 1
    Blackouts().hold(sql.now())
    assert schedule.runs.get().cancellation == ""


def test_schedules_on_other_calendars_go_on(claimed, make_calendar):
    make_calendar("Closed", windows=[window(-1, 30)])
    _, assignment = claimed(calendar=make_calendar("Other"))
    Blackouts().hold(sql.now())
    assert JobRun.objects.get(pk=assignment.run_id).cancellation == ""


def test_without_such_windows_nothing_is_asked_for_ten_seconds(make_calendar, django_assert_num_queries):
    make_calendar(windows=[window(-1, 30, stop_running=False)])
    blackouts = Blackouts()
    blackouts.hold(sql.now())
    now = timezone.now()
    with django_assert_num_queries(0):
        blackouts.hold(now)


def test_a_person_who_cancels_is_named_and_not_the_window(running):
    _, run = running()
    JobRun.objects.filter(pk=run.pk).update(reason="blackout")
    run.cancel(by="eve")
    assert (run.reason, run.cancelled_by) == ("requested", "eve")
