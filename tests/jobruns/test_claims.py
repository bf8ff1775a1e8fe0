"""Each ready run is claimed by one process, in order of priority, within what its schedule allows at once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobruns.engine import claims
from jobruns.models import JobRun
from tests.jobruns.threads import together

pytestmark = pytest.mark.django_db


def request(schedule, **columns):
    run = schedule.runs.request(by="somebody")
    JobRun.objects.filter(pk=run.pk).update(**columns)
    return run.pk


def test_a_claimed_run_is_running_under_a_lease(make_schedule, settings):
    settings.LOCK_TIMEOUT_SECONDS = 60
    run_id = request(make_schedule())
    [assignment] = claims.claim_ready(1, "me")
    run = JobRun.objects.get(pk=run_id)
    assert (assignment.run_id, run.status, run.owner) == (run_id, "running", "me")
    assert run.lease_expires_at - run.started_at == timedelta(seconds=60)


def test_an_assignment_carries_what_its_run_needs(make_schedule):
    schedule = make_schedule(params={"message": "hi"}, timeout_seconds=9)
    run = schedule.runs.request(by="somebody", params={"fail": True}, correlation_id="abc")
    [assignment] = claims.claim_ready(1, "me")
    assert '"fail"' in assignment.params
    assert (assignment.schedule_name, assignment.timeout_seconds) == (schedule.name, 9)
    assert (assignment.correlation_id, assignment.idempotency_key) == ("abc", run.idempotency_key)
    assert assignment.scheduled_for == run.scheduled_for


def test_the_highest_priority_goes_first(make_schedule):
    low, high, middle = (request(make_schedule(priority=number)) for number in (1, 9, 5))
    claimed = [claims.claim_ready(1, "me")[0].run_id for _ in range(3)]
    assert claimed == [high, middle, low]


def test_a_run_that_is_put_off_is_not_claimed_yet(make_schedule):
    request(make_schedule(), available_at=timezone.now() + timedelta(seconds=30))
    assert claims.claim_ready(5, "me") == []


def test_no_more_than_the_free_slots_are_claimed(make_schedule):
    for _ in range(4):
        request(make_schedule())
    assert len(claims.claim_ready(3, "me")) == 3
    assert claims.claim_ready(0, "me") == []


@pytest.mark.parametrize(("overlap", "instances", "at_once"), [("skip", 5, 1), ("buffer_all", 5, 1), ("allow", 3, 3)])
def test_a_schedule_runs_no_more_at_once_than_its_policy_allows(make_schedule, overlap, instances, at_once):
    schedule = make_schedule(overlap_policy=overlap, max_instances=instances)
    for _ in range(6):
        request(schedule)
    assert len(claims.claim_ready(50, "me")) == at_once
    assert claims.claim_ready(50, "you") == []


def test_a_schedule_with_many_waiting_runs_hides_no_other(make_schedule):
    greedy = make_schedule(priority=10)
    for _ in range(20):
        request(greedy)
    modest = request(make_schedule(priority=1))
    assert modest in {one.run_id for one in claims.claim_ready(4, "me")}


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_claim_at_once_share_without_overlap(make_schedule):
    waiting = {request(make_schedule()) for _ in range(40)}
    answers = together(lambda number: claims.claim_ready(15, f"process-{number}"))
    taken = [one.run_id for answer in answers for one in answer]
    assert sorted(taken) == sorted(waiting)


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_claim_at_once_keep_to_the_limit_of_a_schedule(make_schedule):
    schedule = make_schedule(overlap_policy="allow", max_instances=2)
    for _ in range(12):
        request(schedule)
    together(lambda number: claims.claim_ready(4, f"process-{number}"))
    assert JobRun.objects.running().count() == 2


def test_a_run_given_back_is_claimed_again(make_schedule):
    run_id = request(make_schedule())
    claims.claim_ready(1, "me")
    assert claims.give_back([run_id], "me") == 1
    assert JobRun.objects.get(pk=run_id).lease_expires_at is None
    assert [one.run_id for one in claims.claim_ready(1, "you")] == [run_id]


def test_a_stranger_cannot_give_a_run_back(make_schedule):
    run_id = request(make_schedule())
    claims.claim_ready(1, "me")
    assert claims.give_back([run_id], "you") == 0
    assert JobRun.objects.get(pk=run_id).owner == "me"


def test_a_lease_is_renewed_by_its_owner_only(make_schedule, settings):
    run_id = request(make_schedule())
    claims.claim_ready(1, "me")
    before = JobRun.objects.get(pk=run_id).lease_expires_at
    settings.LOCK_TIMEOUT_SECONDS = 900
    claims.renew({run_id}, "you")
    assert JobRun.objects.get(pk=run_id).lease_expires_at == before
    claims.renew({run_id}, "me")
    assert JobRun.objects.get(pk=run_id).lease_expires_at > before + timedelta(seconds=500)


def test_a_claim_whose_answer_was_lost_goes_back_to_the_line(make_schedule):
    lost, known = request(make_schedule()), request(make_schedule())
    claims.claim_ready(5, "me")
    assert claims.give_back_all_but(lambda: {known}, "me") == 1
    assert JobRun.objects.get(pk=lost).status == "pending"
    assert JobRun.objects.get(pk=known).status == "running"


def test_the_outlook_tells_blocked_runs_from_delayed_ones(make_schedule):
    now = timezone.now()
    assert claims.outlook(now) == (False, None)
    schedule = make_schedule()
    request(schedule, available_at=now + timedelta(seconds=7))
    assert claims.outlook(now) == (False, now + timedelta(seconds=7))
    request(schedule, available_at=now - timedelta(seconds=1))
    assert claims.outlook(now) == (True, now + timedelta(seconds=7))


def test_a_waiting_run_is_cancelled_at_once_and_never_claimed(make_schedule):
    run = make_schedule().runs.request(by="somebody")
    assert run.cancel(by="an operator")
    assert (run.status, run.cancelled_by) == ("cancelled", "an operator")
    assert claims.claim_ready(1, "me") == []


def test_a_running_run_is_asked_to_stop(make_schedule):
    run = make_schedule().runs.request(by="somebody")
    claims.claim_ready(1, "me")
    assert run.cancel(by="an operator")
    assert (run.status, run.cancellation) == ("running", "asked")


def test_an_ended_run_cannot_be_cancelled(make_schedule):
    run = make_schedule().runs.request(by="somebody")
    run.cancel(by="a")
    assert not run.cancel(by="b")
    assert run.cancelled_by == "a"


def test_what_waits_of_a_suspended_schedule_is_skipped(make_schedule):
    schedule = make_schedule()
    run = schedule.runs.request(by="somebody")
    schedule.suspend(reason="no rights")
    run.refresh_from_db()
    assert (run.status, run.reason) == ("skipped", "suspended")
    assert claims.claim_ready(1, "me") == []


def test_what_is_given_back_does_not_run_once_its_schedule_is_suspended(claimed):
    schedule, one = claimed()
    schedule.refresh_from_db()
    schedule.suspend(reason="no rights")
    claims.give_back([one.run_id], "me")
    assert claims.claim_ready(1, "me") == []
    schedule.resume(by="tester")
    run = JobRun.objects.get(pk=one.run_id)
    assert (run.status, run.reason) == ("skipped", "suspended")


def test_what_is_given_back_does_not_run_once_its_schedule_is_deleted(claimed):
    schedule, one = claimed()
    schedule.refresh_from_db()
    schedule.discard(by="tester")
    claims.give_back([one.run_id], "me")
    assert claims.claim_ready(1, "me") == []
    schedule.restore(by="tester")
    assert JobRun.objects.get(pk=one.run_id).status == "cancelled"
