"""No tag runs more at once than its limit allows, in all processes together."""

from collections import Counter

import pytest

from jobruns.engine import claims, endings
from jobruns.engine.dispatch import marks
from jobruns.models import JobRun
from jobruns.waiting import held_up
from schedules.limits import TagLimit
from tests.jobruns.threads import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def limit():
    """Return a function that limits a tag."""

    def store(tag, most):
        made = TagLimit(tag=tag, max_running=most)
        made.store(by="tester")
        return made

    return store


@pytest.fixture
def waiting(make_schedule):
    """Return a function that makes schedules with these tags, a run of each waiting, and returns its ids."""

    def make(number, *tags, **fields):
        schedules = [make_schedule(tags=list(tags), **fields) for _ in range(number)]
        return [schedule.runs.request(by="tester").pk for schedule in schedules]

    return make


def claimed(slots=50, owner="me"):
    return [one.run_id for one in claims.claim_ready(slots, owner)]


def test_no_more_than_the_limit_are_claimed_in_one_batch_or_in_several(limit, waiting):
    limit("billing", 2)
    runs = waiting(5, "billing")
    assert claimed() == runs[:2]
    assert claimed(owner="you") == []


def test_runs_that_wait_for_a_place_hide_no_others(limit, waiting):
    limit("billing", 1)
    limited = waiting(30, "billing", priority=10)
    [free] = waiting(1, "mail")
    assert claimed(2) == [limited[0], free]


def test_a_freed_place_is_taken(limit, waiting, ending):
    limit("billing", 1)
    first, second = waiting(2, "billing")
    [one] = claims.claim_ready(5, "me")
    endings.record([ending(one)], "me")
    assert (one.run_id, claimed()) == (first, [second])


def test_a_run_needs_a_place_under_each_of_its_tags(limit, waiting):
    limit("billing", 3)
    limit("slow", 1)
    both = waiting(2, "billing", "slow")
    billing = waiting(3, "billing")
    assert claimed() == [both[0], *billing[:2]]


def test_a_tag_named_twice_takes_one_place(limit, waiting):
    limit("billing", 2)
    assert len(waiting(2, "billing", "billing")) == len(claimed())


def test_a_tag_is_compared_letter_by_letter(limit, waiting):
    limit("billing", 1)
    runs = waiting(2, "Billing") + waiting(2, "billing-eu")
    assert claimed() == runs


def test_one_run_that_is_asked_for_alone_keeps_to_the_limit(limit, waiting):
    limit("billing", 1)
    first, second = waiting(2, "billing")
    assert claims.claim_one(first, "me").run_id == first
    assert claims.claim_one(second, "me") is None


def test_a_run_that_waits_for_a_place_is_not_overlooked(limit, waiting):
    limit("billing", 1)
    waiting(2, "billing")
    claimed()
    later = JobRun.objects.filter(status="pending").get().available_at
    assert claims.overlooked(later, None) is None


def test_no_more_than_the_limit_are_sent_to_workers(limit, waiting):
    limit("billing", 3)
    runs = waiting(5, "billing")
    assert claimed(1) == runs[:1]
    assert [parcel.run_id for parcel in marks.mark_ready(50)] == runs[1:3]
    assert marks.mark_ready(50) == []


def test_without_the_limit_all_are_claimed_again(limit, waiting):
    made = limit("billing", 1)
    runs = waiting(3, "billing")
    assert claimed() == runs[:1]
    made.remove(by="tester")
    assert claimed() == runs[1:]


def test_a_run_that_waits_for_a_place_says_so(limit, waiting):
    limit("billing", 1)
    first, second = waiting(2, "billing")
    assert held_up(JobRun.objects.get(pk=second)) == ""
    claimed()
    assert held_up(JobRun.objects.get(pk=first)) == ""
    said = "It waits: the tag billing allows 1 at once, and 1 runs."
    assert held_up(JobRun.objects.get(pk=second)) == said


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("postgresql")
def test_processes_that_claim_at_once_keep_to_the_limit_together(limit, waiting):
    limit("billing", 3)
    waiting(20, "billing")
    taken = together(lambda number: len(claims.claim_ready(5, f"process-{number}")), threads=4)
    assert sum(taken) == 3
    assert Counter(JobRun.objects.values_list("status", flat=True)) == {"running": 3, "pending": 17}
