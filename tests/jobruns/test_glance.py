"""One statement tells whether there is anything to do, and when there will be."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobruns.engine import glance
from jobruns.models import JobRun

pytestmark = pytest.mark.django_db


def test_an_empty_ledger_has_nothing_to_do():
    seen = glance.look()
    assert seen.idle
    assert (seen.instant, seen.delayed, seen.resumption) == (None, None, None)
    assert abs(seen.now - timezone.now()) < timedelta(seconds=5)


def test_a_due_instant_ends_idleness(make_schedule, overdue):
    ahead = make_schedule()
    assert (glance.look().idle, glance.look().instant) == (True, ahead.next_run_at)
    due = overdue(make_schedule())
    assert (glance.look().idle, glance.look().instant) == (False, due.next_run_at)


def test_a_ready_run_ends_idleness_and_a_delayed_one_says_when_it_will(make_schedule):
    run = make_schedule().runs.request(by="somebody")
    assert (glance.look().idle, glance.look().ready) == (False, True)
    later = timezone.now() + timedelta(seconds=70)
    JobRun.objects.filter(pk=run.pk).update(available_at=later)
    assert (glance.look().idle, glance.look().delayed) == (True, later)


def test_the_end_of_a_pause_is_seen(make_schedule):
    until = timezone.now() + timedelta(hours=1)
    schedule = make_schedule()
    schedule.pause(by="somebody", until=until)
    assert (glance.look().resumes, glance.look().resumption) == (False, until)
    type(schedule).objects.update(paused_until=timezone.now() - timedelta(seconds=1))
    assert glance.look().resumes


def test_a_look_is_one_statement(make_schedule):
    make_schedule()
    with CaptureQueriesContext(connection) as asked:
        glance.look()
    assert len(asked) == 1
