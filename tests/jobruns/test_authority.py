"""A schedule runs by right of its owner; when that is gone, or its parameters are refused, it is suspended."""

import json
import subprocess
import sys

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import ProtectedError

from integrations import roles
from integrations.models import Connection, Delivery
from jobruns.engine import authority, claims, endings, ledger
from jobruns.models import JobRun
from jobruns.runner import execute
from schedules.models import Schedule
from schedules.telling import NoticeRule
from tests.faults.conftest import ROOT, environment
from tests.jobruns.conftest import rows
from tests.jobtypes.watching import Alert

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    user = User.objects.create_user("sten")
    roles.give(user, "editor", [])
    return user


@pytest.fixture
def owned(make_schedule, overdue, owner):
    """Return a function that makes a schedule of the owner, due now."""
    return lambda **fields: overdue(make_schedule(owner=User.objects.get(pk=owner.pk), **fields))


def carry_out():
    """Fire, claim, execute and record as a scheduler does."""
    ledger.fire_due()
    taken = claims.claim_ready(50, "me")
    endings.record([execute(one, None) for one in taken], "me")


def leave(user):
    User.objects.filter(pk=user.pk).update(is_active=False)


def lose_role(user):
    roles.give(user, "operator", [])


def lose_environment(user):
    roles.give(user, "editor", ["staging"])


@pytest.mark.parametrize(
    ("lose", "why"),
    [
        (leave, "Its owner sten is no longer active."),
        (lose_role, "Its owner sten may no longer make or change schedules."),
        (lose_environment, "Its owner sten no longer has the environment production."),
    ],
)
def test_a_schedule_whose_owner_lost_the_right_is_suspended(owned, owner, lose, why):
    schedule = owned()
    lose(owner)
    carry_out()
    [run] = rows(schedule)
    assert (run.status, run.reason, run.error) == ("failed", "suspended", why)
    schedule.refresh_from_db()
    assert (schedule.status, schedule.status_reason, schedule.next_run_at) == ("suspended", why, None)


def test_a_schedule_whose_owner_has_the_right_runs(owned):
    schedule = owned()
    carry_out()
    assert [run.status for run in rows(schedule)] == ["success"]


def test_a_schedule_without_an_owner_runs(make_schedule, overdue):
    schedule = overdue(make_schedule())
    carry_out()
    assert [run.status for run in rows(schedule)] == ["success"]


def test_it_is_told_once_and_what_waits_is_skipped(owned, owner, django_capture_on_commit_callbacks):
    NoticeRule.objects.create(event="failure", channels=["ops"])
    schedule = owned(max_retries=3, callback_url="https://example.com/told", overlap_policy="buffer_all")
    schedule.runs.request(by="sten")
    leave(owner)
    carry_out()
    carry_out()
    assert sorted((run.status, run.reason) for run in rows(schedule)) == [
        ("failed", "suspended"),
        ("skipped", "suspended"),
    ]
    assert Delivery.objects.filter(url="https://example.com/told").count() == 1


def test_parameters_that_are_no_longer_accepted_suspend_it(owned):
    schedule = owned()
    Schedule.objects.filter(pk=schedule.pk).update(params={"no": "such field"})
    carry_out()
    [run] = rows(schedule)
    schedule.refresh_from_db()
    assert (run.status, run.reason) == ("failed", "suspended")
    assert schedule.status_reason == "The parameters are no longer valid. no: There is no such field."
    assert schedule.status == "suspended"


def test_parameters_of_one_request_that_are_refused_suspend_nothing(owned):
    schedule = owned(overlap_policy="buffer_all")
    schedule.runs.request(by="sten")
    JobRun.objects.filter(trigger="manual").update(params={"no": "such field"})
    carry_out()
    carry_out()
    assert {(run.trigger, run.status, run.reason) for run in rows(schedule)} == {
        ("schedule", "success", ""),
        ("manual", "failed", "expected"),
    }
    schedule.refresh_from_db()
    assert schedule.status == "active"


def test_who_stores_it_is_its_owner_and_may_resume_it(owned, owner):
    schedule = owned()
    leave(owner)
    carry_out()
    schedule = Schedule.objects.get(pk=schedule.pk)
    with pytest.raises(ValidationError, match=r"no longer active\. Store it: then you are its owner"):
        schedule.resume(by="ada")
    schedule.owner = User.objects.create_superuser("ada")
    schedule.store(by="ada")
    schedule.resume(by="ada")
    assert Schedule.objects.get(pk=schedule.pk).status == "active"


def test_owners_are_asked_for_once_in_a_while(owned, django_assert_num_queries):
    assignments = []
    for _ in range(20):
        schedule = owned()
        ledger.fire_due()
        assignments += [(one, schedule.owner_id, "production") for one in claims.claim_ready(50, "me")]
    authority.forget()
    with django_assert_num_queries(5):
        assert [one.refusal for one in authority.asked(assignments)] == [""] * 20
    with django_assert_num_queries(0):
        authority.asked(assignments)


def test_an_owner_is_not_deleted(owned, owner):
    owned()
    with pytest.raises(ProtectedError):
        owner.delete()


@pytest.mark.django_db(transaction=True)
def test_a_run_from_the_command_line_asks_too(owned, owner):
    schedule = owned()
    leave(owner)
    command = [sys.executable, "manage.py", "runschedule", schedule.name, "--json"]
    ended = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=40)
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["reason"] == "suspended"


def test_an_alert_that_may_not_run_any_more_tells_its_channels(overdue):
    alert = Alert()
    Connection.objects.all().delete()
    overdue(alert.schedule)
    carry_out()
    alert.schedule.refresh_from_db()
    assert alert.schedule.status == "suspended"
    assert alert.told() == [("error", "ops")]
