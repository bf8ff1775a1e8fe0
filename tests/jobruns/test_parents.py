"""A schedule with timing of its own runs only if its parents ended as asked since its previous instant."""

from datetime import UTC, datetime, timedelta

import pytest

from jobruns.engine import claims, endings, ledger
from jobruns.engine.parents import Parent, Parents
from jobruns.engine.policy import IDLE, View, decide
from schedules.dependencies import Dependency, Wanted
from schedules.timing import Timing
from tests.jobruns.conftest import rows

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = Timing(kind="cron", cron="0 * * * *", zone="UTC")


def settle(*met_at, settled=NOON - HOUR, due=NOON, now=NOON, **policies):
    each = tuple(Parent(f"p{number}", "success", at, "it slept") for number, at in enumerate(met_at))
    view = View(schedule_id=1, timing=HOURLY, due=due, parents=Parents(each, settled), **policies)
    return [(one.status, one.reason) for one in decide(view, now, IDLE).decisions]


def test_a_parent_that_ended_since_the_instant_before_lets_it_run():
    assert settle(NOON - HOUR / 2) == [("pending", "")]


def test_a_parent_that_ended_before_the_instant_before_does_not():
    assert settle(NOON - HOUR) == [("skipped", "dependency")]


def test_all_parents_must_have_ended_so():
    assert settle(NOON - HOUR / 2, None) == [("skipped", "dependency")]


def test_the_first_instant_looks_back_as_far_as_the_second_lies_ahead():
    assert settle(NOON - HOUR / 2, settled=None) == [("pending", "")]
    assert settle(NOON - 2 * HOUR, settled=None) == [("skipped", "dependency")]


def test_of_several_missed_instants_those_run_before_which_the_parent_ended():
    late = {"due": NOON - 2 * HOUR, "settled": NOON - 3 * HOUR, "misfire": "all", "overlap": "buffer_all"}
    found = settle(NOON - 1.5 * HOUR, **late)
    assert found == [("pending", ""), ("pending", ""), ("skipped", "dependency")]


def test_an_instant_refused_for_want_of_a_parent_uses_up_no_run():
    assert settle(None, fires_left=1) == [("skipped", "dependency")]


def test_the_reason_names_the_parent_and_what_its_last_run_did():
    parents = Parents((Parent("import", "success", None, "its last run, 7, failed"),), NOON)
    assert parents.lacking(NOON) == "import has not succeeded since 2026-03-02 12:00:00Z; its last run, 7, failed."


@pytest.mark.django_db
def test_the_ledger_asks_what_the_parents_did(make_schedule, overdue, ending):
    parent, child = make_schedule(name="import", schedule_type="manual"), make_schedule(name="report")
    child.store(by="tester", depends_on=[Wanted(schedule="import")])
    settled = {"last_scheduled_for": overdue(child, 3600).next_run_at}
    run = parent.runs.request(by="tester")
    endings.record([ending(claims.claim_one(run.pk, "me"), "failed", retry=False)], "me")
    overdue(child, 1, **settled)
    ledger.fire_due()
    [row] = rows(child)
    assert (row.status, row.reason) == ("skipped", "dependency")
    assert f"its last run, {run.pk}, failed" in row.summary
    run = parent.runs.request(by="tester")
    endings.record([ending(claims.claim_one(run.pk, "me"))], "me")
    overdue(child, 0)
    ledger.fire_due()
    assert rows(child)[-1].status == "pending"


@pytest.mark.django_db
def test_a_child_with_timing_does_not_run_when_its_parent_ends(make_schedule, ending):
    parent, child = make_schedule(name="import", schedule_type="manual"), make_schedule(name="report")
    child.store(by="tester", depends_on=[Wanted(schedule="import")])
    run = parent.runs.request(by="tester")
    endings.record([ending(claims.claim_one(run.pk, "me"))], "me")
    assert rows(child) == []
    assert Dependency.objects.get().met_run_id == run.pk


@pytest.mark.django_db
def test_what_a_parent_did_before_the_dependency_was_made_counts(make_schedule, ending):
    parent, child = make_schedule(name="import", schedule_type="manual"), make_schedule(name="report")
    run = parent.runs.request(by="tester")
    endings.record([ending(claims.claim_one(run.pk, "me"))], "me")
    child.store(by="tester", depends_on=[Wanted(schedule="import")])
    assert Dependency.objects.get().met_run_id == run.pk


@pytest.mark.django_db
def test_a_deleted_parent_is_named_as_the_reason(make_schedule, overdue):
    parent, child = make_schedule(name="import", schedule_type="manual"), make_schedule(name="report")
    child.store(by="tester", depends_on=[Wanted(schedule="import")])
    parent.discard(by="tester")
    overdue(child)
    ledger.fire_due()
    [row] = rows(child)
    assert row.summary.endswith("it was deleted.")
