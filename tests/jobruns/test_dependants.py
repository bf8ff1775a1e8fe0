"""A schedule without timing of its own runs once for each time that what it depends on has ended."""

import pytest
from django.db import transaction

from jobruns.engine import claims, dependants, endings, ledger
from jobruns.models import JobRun
from schedules.dependencies import Wanted
from schedules.models import Schedule
from tests.jobruns.conftest import rows
from tests.jobruns.threads import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain(make_schedule):
    """Return a function that makes schedules of which each depends on the one before it."""

    def make(*names, on="success", **fields):
        made = []
        for name in names:
            made.append(make_schedule(name=name, schedule_type="manual", **fields))
            if len(made) > 1:
                depend(made[-1], made[-2], on=on)
        return made

    return make


@pytest.fixture
def end(ending):
    """Return a function that lets the one run that waits of a schedule end, and returns it."""

    def claim_and_end(schedule, status="success", **said):
        one = claims.claim_one(schedule.runs.get(status="pending").pk, "me")
        endings.record([ending(one, status, **said)], "me")
        return JobRun.objects.get(pk=one.run_id)

    return claim_and_end


def depend(child, *parents, on="success"):
    child.store(by="tester", depends_on=[Wanted(schedule_id=parent.pk, on=on) for parent in parents])


def test_a_chain_runs_once_with_one_correlation_id_though_its_head_was_tried_three_times(chain, end):
    first, second, third = chain("a", "b", "c", max_retries=2, retry_delay_seconds=0)
    first.runs.request(by="tester")
    end(first, "failed")
    end(first, "failed")
    assert not second.runs.exists()
    last = end(first, result='{"rows": 7}')
    follower = end(second)
    end(third)
    assert (follower.trigger, follower.scheduled_for) == ("dependency", last.scheduled_for)
    assert follower.parent["run_id"] == last.pk
    assert follower.parent["result"] == {"rows": 7}
    assert third.runs.count() == 1
    assert {run.correlation_id for run in JobRun.objects.all()} == {last.correlation_id}


def test_a_retry_of_a_follower_knows_the_run_that_it_follows(chain, end):
    first, second = chain("a", "b", max_retries=1, retry_delay_seconds=0)
    first.runs.request(by="tester")
    parent = end(first)
    failed = end(second, "failed")
    again = end(second)
    assert (again.attempt, again.retry_of, again.parent) == (2, failed, failed.parent)
    assert again.parent["run_id"] == parent.pk


def test_the_same_ending_told_twice_makes_one_run(chain, end):
    first, second = chain("a", "b")
    first.runs.request(by="tester")
    run = end(first)
    with transaction.atomic():
        dependants.hear([run.pk])
    assert second.runs.count() == 1


@pytest.mark.parametrize(
    ("on", "status", "runs"),
    [
        ("success", "success", True),
        ("success", "failed", False),
        ("success", "cancelled", False),
        ("failure", "failed", True),
        ("failure", "success", False),
        ("finished", "success", True),
        ("finished", "failed", True),
        ("finished", "cancelled", True),
    ],
)
def test_a_follower_runs_if_the_ending_is_the_one_asked_for(chain, end, on, status, runs):
    first, second = chain("a", "b", on=on, max_retries=0)
    first.runs.request(by="tester")
    parent = end(first, status)
    row = second.runs.get()
    assert (row.status, row.reason) == (("pending", "") if runs else ("skipped", "dependency"))
    assert runs or f"in run {parent.pk}; it runs only after a has" in row.summary


def test_a_run_cancelled_while_it_waits_ends_the_chain_with_a_row(chain):
    first, second = chain("a", "b")
    first.runs.request(by="tester").cancel(by="an operator")
    row = second.runs.get()
    assert (row.status, row.reason) == ("skipped", "dependency")
    assert row.summary.startswith("a was cancelled in run")


def test_with_several_parents_it_runs_when_all_have_ended_and_then_waits_for_all_again(chain, end, make_schedule):
    first, second = chain("a"), make_schedule(name="b", schedule_type="manual")
    [first] = first
    child = make_schedule(name="c", schedule_type="manual")
    depend(child, first, second)
    for parent in (first, first):
        parent.runs.request(by="tester")
        latest = end(parent)
    assert not child.runs.exists()
    second.runs.request(by="tester")
    last = end(second)
    run = end(child)
    assert (run.correlation_id, run.parent["run_id"]) == (last.correlation_id, last.pk)
    assert run.parent["others"] == [{"schedule_id": first.pk, "schedule_name": "a", "run_id": latest.pk}]
    second.runs.request(by="tester")
    end(second)
    assert child.runs.count() == 1


def test_with_several_parents_one_that_failed_makes_one_row_once_all_have_ended(chain, end, make_schedule):
    [first] = chain("a", max_retries=0)
    second, child = (make_schedule(name=name, schedule_type="manual") for name in "bc")
    depend(child, first, second)
    first.runs.request(by="tester")
    end(first, "failed")
    assert not child.runs.exists()
    second.runs.request(by="tester")
    end(second)
    assert child.runs.get().reason == "dependency"


@pytest.mark.parametrize("state", ["paused", "suspended"])
def test_a_follower_that_is_held_gets_a_row_that_says_so(chain, end, state):
    first, second = chain("a", "b")
    if state == "paused":
        second.pause(by="tester")
    else:
        second.suspend(reason="The right is gone.")
    first.runs.request(by="tester")
    end(first)
    row = second.runs.get()
    assert (row.status, row.reason) == ("skipped", state)


def test_a_deleted_follower_gets_no_row(chain, end):
    first, second = chain("a", "b")
    second.discard(by="tester")
    first.runs.request(by="tester")
    end(first)
    assert not second.runs.exists()


def test_its_overlap_policy_holds_for_a_follower(chain, end):
    first, second = chain("a", "b")
    for _ in range(2):
        first.runs.request(by="tester")
        end(first)
    assert [(run.status, run.reason) for run in rows(second)] == [("pending", ""), ("skipped", "overlap")]


def test_a_newer_follower_takes_the_place_of_one_that_waits(chain, end):
    first, second = chain("a", "b", overlap_policy="cancel_other")
    for _ in range(2):
        first.runs.request(by="tester")
        end(first)
    assert [(run.status, run.reason) for run in rows(second)] == [("cancelled", "overlap"), ("pending", "")]


def test_endings_of_one_batch_are_told_one_after_the_other(chain, ending, make_schedule):
    first, second = chain("a", "b")
    first.overlap_policy, first.max_instances = "allow", 5
    first.store(by="tester")
    for _ in range(3):
        first.runs.request(by="tester")
    batch = [ending(one) for one in claims.claim_ready(50, "me")]
    endings.record(batch, "me")
    assert sorted(run.status for run in rows(second)) == ["pending", "skipped", "skipped"]


def test_a_follower_keeps_to_the_runs_it_may_have(chain, end):
    first, second = chain("a", "b", max_runs=1)
    Schedule.objects.filter(pk=first.pk).update(max_runs=None)
    for _ in range(2):
        first.runs.request(by="tester")
        end(first)
        if second.runs.filter(status="pending").exists():
            end(second)
    assert [(run.status, run.reason) for run in rows(second)] == [("success", ""), ("skipped", "max_runs")]
    second.refresh_from_db()
    assert second.fire_count == 1


def test_a_backfill_of_the_parent_fires_no_follower(chain, end):
    first, second = chain("a", "b")
    first.runs.request(by="tester")
    first.runs.update(trigger="backfill")
    end(first)
    assert not second.runs.exists()


def test_a_scheduled_instant_that_was_skipped_fires_no_follower(make_schedule, overdue):
    parent = overdue(make_schedule())
    child = make_schedule(schedule_type="manual")
    depend(child, parent)
    parent.runs.request(by="tester")
    ledger.fire_due()
    assert rows(parent)[0].reason == "overlap"
    assert not child.runs.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("postgresql")
def test_recorders_of_parents_and_children_at_once_neither_wait_for_ever_nor_double(chain, ending):
    family = chain("a", "b", "c", "d", overlap_policy="buffer_all")
    for _ in range(10):
        for schedule in family:
            schedule.runs.request(by="tester")
    for _ in range(10):
        held = claims.claim_ready(50, "me")
        together(lambda number, held=held: endings.record([ending(held[number])], "me"))
    told = JobRun.objects.filter(trigger="dependency").values_list("idempotency_key", flat=True)
    assert len(told) == len(set(told)) == 30
