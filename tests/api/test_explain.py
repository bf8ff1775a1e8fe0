"""`schedules/{id}/explain`: why did it (not) run, for those who may see schedules."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobruns.engine import ledger
from jobruns.explain import OUTCOMES
from schedules.models import Schedule


@pytest.fixture
def path(make_schedule, db):
    """Return the address of a schedule's explanations, with `at` to fill in."""
    schedule = make_schedule()
    return lambda at: f"schedules/{schedule.pk}/explain?at={at.isoformat().replace('+00:00', 'Z')}"


def test_an_instant_ahead_is_foretold(admin, path):
    body = admin.get(path(Schedule.objects.get().next_run_at)).json()
    assert body["outcome"] == "planned"
    assert body["outcome"] in OUTCOMES
    assert body["expected"]["status"] == "pending"
    assert (body["is_instant"], body["runs"]) == (True, [])
    assert len(body["sentences"]) > 2


def test_a_past_instant_comes_with_its_runs(admin, path):
    due = timezone.now().replace(microsecond=0)
    Schedule.objects.update(next_run_at=due, anchor_at=due - timedelta(hours=1))
    ledger.fire_due()
    body = admin.get(path(due)).json()
    assert (body["outcome"], body["expected"]) == ("pending", None)
    assert [run["scheduled_for"] for run in body["runs"]] == [due.isoformat().replace("+00:00", "Z")]


def test_a_moment_without_an_offset_is_in_the_zone_of_the_schedule(admin, a_schedule):
    schedule = a_schedule()
    body = admin.get(f"schedules/{schedule['id']}/explain?at=2031-01-01T02:30").json()
    assert (body["at"], body["is_instant"]) == ("2031-01-01T00:30:00Z", True)


@pytest.mark.parametrize("query", ["", "?at=", "?at=soon", "?at=2026-01-01T00:00Z&on=x", "?at=9999-12-31T23:59Z"])
def test_what_is_no_moment_is_refused_by_its_name(admin, make_schedule, query):
    answer = admin.get(f"schedules/{make_schedule().pk}/explain{query}")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"]


def test_only_those_who_may_see_schedules_are_told(nobody, having, path):
    at = timezone.now()
    assert nobody.get(path(at)).status_code == 403
    viewer = having("schedules.view_schedule")
    assert viewer.get(path(at)).status_code == 200
    assert viewer.get("schedules/999999/explain?at=2026-01-01T00:00Z").status_code == 404


def test_a_deleted_schedule_is_explained_still(admin, path):
    Schedule.objects.get().discard(by="grace")
    body = admin.get(path(timezone.now() + timedelta(days=1))).json()
    assert body["outcome"] == "deleted"


@pytest.mark.parametrize("at", ["1900-01-01T00:00:00Z", "2199-12-31T23:59:59Z"])
@pytest.mark.parametrize("fields", [{"schedule_type": "manual"}, {"interval_seconds": 1}])
def test_the_ends_of_time_are_explained_too(admin, make_schedule, at, fields):
    answer = admin.get(f"schedules/{make_schedule(**fields).pk}/explain?at={at}")
    assert answer.status_code == 200, answer.content
