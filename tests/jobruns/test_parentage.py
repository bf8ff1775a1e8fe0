"""`explain` says on what an instant depends, and what became of a run that followed another."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobruns import parentage
from jobruns.engine import claims, endings
from jobruns.explain import explain
from jobruns.models import JobRun
from schedules.dependencies import Wanted
from schedules.models import Schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(make_schedule):
    """Return a function that makes a parent called import and a child that depends on it."""

    def make(**fields):
        parent = make_schedule(name="import", schedule_type="manual", max_retries=0)
        child = make_schedule(name="report", **fields)
        child.store(by="tester", depends_on=[Wanted(schedule="import")])
        return parent, child

    return make


def told(schedule, at):
    found = explain(Schedule.objects.get(pk=schedule.pk), at, timezone.now())
    return found.outcome, " ".join(found.sentences)


def finish(schedule, ending, status="success"):
    run = schedule.runs.request(by="tester")
    endings.record([ending(claims.claim_one(run.pk, "me"), status)], "me")
    return JobRun.objects.get(pk=run.pk)


def test_an_instant_ahead_says_on_what_it_depends_and_how_that_stands(pair, ending, overdue):
    parent, child = pair()
    ahead = overdue(child, -60).next_run_at
    Schedule.objects.filter(pk=child.pk).update(created_at=timezone.now() - timedelta(days=1))
    outcome, text = told(child, ahead)
    assert outcome == "planned"
    assert "It runs only if import has succeeded since" in text
    assert "So far import has not succeeded since" in text
    finish(parent, ending)
    assert "So far that has happened." in told(child, ahead)[1]


def test_a_run_that_followed_another_says_which(pair, ending):
    parent, child = pair(schedule_type="manual")
    run = finish(parent, ending)
    outcome, text = told(child, run.scheduled_for)
    assert outcome == "pending"
    assert f"when import succeeded in run {run.pk}." in text


def test_a_follower_that_was_skipped_says_why(pair, ending):
    parent, child = pair(schedule_type="manual")
    run = finish(parent, ending, "failed")
    outcome, text = told(child, run.scheduled_for)
    assert outcome == "skipped"
    assert f"import failed in run {run.pk}; it runs only after import has succeeded." in text


def test_a_schedule_without_times_says_after_what_it_runs(pair, ending):
    parent, child = pair(schedule_type="manual")
    now = timezone.now() + timedelta(hours=1)
    assert "import has not run since the dependency was made." in told(child, now)[1]
    finish(parent, ending)
    assert "The last run of import" in told(child, now)[1]


@pytest.mark.parametrize(("kind", "said"), [("manual", "no longer runs by itself"), ("interval", "will be skipped")])
def test_a_child_of_a_deleted_parent_carries_a_warning(pair, kind, said):
    parent, child = pair(schedule_type=kind)
    assert parentage.warning(child) == ""
    parent.discard(by="tester")
    assert said in parentage.warning(child)
