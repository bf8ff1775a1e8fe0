"""A backfill runs each past instant once, in line behind what the schedule fires, and never at its cost."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from jobruns import backfill
from jobruns.engine import claims, endings, invariants, ledger
from jobruns.explain import explain
from jobruns.models import JobRun
from schedules.models import Schedule
from tests.jobruns.conftest import rows
from tests.jobruns.threads import together

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def hourly(make_schedule):
    """Return a function that makes an hourly schedule that began two days ago and is due next in half an hour."""

    def make(**fields):
        schedule = make_schedule(**fields)
        next_at = timezone.now().replace(microsecond=0) + HOUR / 2
        Schedule.objects.filter(pk=schedule.pk).update(anchor_at=next_at - 49 * HOUR, next_run_at=next_at)
        schedule.refresh_from_db()
        return schedule

    return make


def last(schedule, hours, **options):
    """Return the span of the last `hours` instants of an hourly schedule."""
    now = timezone.now()
    return backfill.Span(now - hours * HOUR, now, **options)


def record(ending, assignment, status, **said):
    endings.record([ending(assignment, status=status, **said)], "me")


def test_every_instant_gets_a_waiting_run_oldest_first(hourly):
    schedule = hourly(priority=5, params={"message": "x"})
    done = backfill.carry_out(schedule, last(schedule, 3), by="ada", correlation_id="c")
    runs = list(schedule.runs.order_by("id"))
    assert [run.scheduled_for for run in runs] == [schedule.next_run_at - n * HOUR for n in (3, 2, 1)]
    assert {(run.trigger, run.status, run.triggered_by, run.correlation_id, run.priority) for run in runs} == {
        ("backfill", "pending", "ada", "c", 4)
    }
    assert [step.run_id for step in done.steps] == [run.pk for run in runs]
    assert runs[0].params == {"message": "x"}


def test_a_dry_run_says_the_same_and_writes_nothing(hourly):
    schedule = hourly()
    span = last(schedule, 3)
    planned = backfill.plan(schedule, span, timezone.now())
    assert JobRun.objects.count() == 0
    done = backfill.carry_out(schedule, span, by="ada")
    assert [(step.at, step.why) for step in planned.steps] == [(step.at, step.why) for step in done.steps]


def test_what_succeeded_is_left_out_unless_it_shall_run_again(hourly, ending):
    schedule = hourly()
    backfill.carry_out(schedule, last(schedule, 1), by="ada")
    [assignment] = claims.claim_ready(5, "me")
    record(ending, assignment, "success")
    left_out = backfill.carry_out(schedule, last(schedule, 1), by="ada").steps[0]
    again = backfill.carry_out(schedule, last(schedule, 1, rerun=True), by="ada").steps[0]
    assert (left_out.will_run, left_out.why) == (False, f"Run {assignment.run_id} of it succeeded.")
    assert again.will_run


def test_what_waits_or_runs_is_left_out(hourly):
    schedule = hourly()
    backfill.carry_out(schedule, last(schedule, 2), by="ada")
    claims.claim_ready(1, "me")
    again = backfill.carry_out(schedule, last(schedule, 2, rerun=True), by="ada")
    assert (again.will_run, again.left_out) == (0, 2)
    assert [step.why.split()[-2] for step in again.steps] == ["runs", "waits"]


def test_an_instant_keeps_its_key_and_a_second_success_gets_one_of_its_own(hourly, ending):
    schedule = hourly()
    backfill.carry_out(schedule, last(schedule, 1), by="ada")
    [assignment] = claims.claim_ready(5, "me")
    own = ledger.idempotency_key(schedule.pk, assignment.scheduled_for)
    assert assignment.idempotency_key == own
    record(ending, assignment, "success")
    keys = set()
    for _ in range(2):
        backfill.carry_out(schedule, last(schedule, 1, rerun=True), by="ada", correlation_id="the same")
        [assignment] = claims.claim_ready(5, "me")
        record(ending, assignment, "success")
        keys.add(assignment.idempotency_key)
    assert len(keys) == 2
    assert all(key.startswith(f"{own}-again-") and len(key) <= 80 for key in keys)


def test_what_failed_runs_again_under_its_own_key(claimed, ending):
    schedule, assignment = claimed(max_retries=0)
    record(ending, assignment, "failed", reason="error", error="no")
    span = backfill.Span(assignment.scheduled_for, assignment.scheduled_for)
    [step] = backfill.carry_out(schedule, span, by="ada").steps
    again = JobRun.objects.get(pk=step.run_id)
    assert again.idempotency_key == assignment.idempotency_key
    assert step.why == f"Run {assignment.run_id} of it was failed: it crashed."


@pytest.mark.django_db(transaction=True)
def test_two_equal_requests_at_once_write_each_run_once(hourly):
    schedule = hourly()
    span = last(schedule, 20)
    answers = together(lambda number: backfill.carry_out(schedule, span, by=f"user {number}").will_run)
    assert sorted(answers) == [0, 0, 0, 20]
    assert JobRun.objects.count() == 20


@pytest.mark.parametrize(("shift", "sentence"), [((0, 1), "ahead"), ((-1, -2), "before from")])
def test_a_span_that_is_not_past_is_refused(hourly, shift, sentence):
    now = timezone.now()
    with pytest.raises(ValidationError) as refused:
        backfill.plan(hourly(), backfill.Span(now + shift[0] * HOUR, now + shift[1] * HOUR), now)
    assert sentence in refused.value.message_dict["to"][0]


def test_too_many_instants_are_counted_and_a_smaller_range_is_named(hourly):
    schedule = hourly()
    Schedule.objects.update(interval_seconds=60)
    schedule.refresh_from_db()
    with pytest.raises(ValidationError) as refused:
        backfill.plan(schedule, last(schedule, 20), timezone.now())
    sentence = refused.value.message_dict["to"][0]
    assert "This range has 1,200 instants; at most 1,000 run at once." in sentence
    end = timezone.datetime.fromisoformat(sentence.rpartition(" end at ")[2].rstrip("."))
    now = timezone.now()
    assert len(backfill.plan(schedule, backfill.Span(last(schedule, 20).start, end), now).steps) == 1000


def test_paused_and_completed_schedules_run_and_suspended_ones_do_not(hourly):
    for status, allowed in (("paused", True), ("completed", True), ("suspended", False)):
        schedule = hourly()
        Schedule.objects.filter(pk=schedule.pk).update(status=status, next_run_at=None)
        schedule.refresh_from_db()
        if allowed:
            assert backfill.carry_out(schedule, last(schedule, 2), by="ada").will_run == 2
            continue
        with pytest.raises(ValidationError) as refused:
            backfill.carry_out(schedule, last(schedule, 2), by="ada")
        assert refused.value.code == "conflict"


def test_an_instant_that_is_due_is_left_to_the_scheduler(hourly, overdue):
    schedule = overdue(hourly())
    [step] = backfill.plan(schedule, last(schedule, 0.5), timezone.now()).steps
    assert (step.will_run, step.why) == (False, "It is due, and the scheduler is about to settle it.")


def test_one_run_at_a_time_and_the_regular_one_goes_first(hourly, overdue, ending):
    schedule = hourly()
    backfill.carry_out(schedule, last(schedule, 3), by="ada")
    [first] = claims.claim_ready(10, "me")
    overdue(schedule)
    ledger.fire_due()
    regular = JobRun.objects.get(trigger="schedule")
    assert regular.status == "pending"
    assert claims.claim_ready(10, "me") == []
    record(ending, first, "success")
    [second] = claims.claim_ready(10, "me")
    assert second.run_id == regular.pk


@pytest.mark.parametrize("policy", Schedule.Overlap.values)
def test_a_backfill_never_turns_a_regular_instant_away(hourly, overdue, policy):
    schedule = hourly(overlap_policy=policy)
    backfill.carry_out(schedule, last(schedule, 3), by="ada")
    claims.claim_ready(1, "me")
    for _ in range(3):
        overdue(schedule, seconds=3600 * 3)
        Schedule.objects.filter(pk=schedule.pk).update(misfire_policy="all")
        ledger.fire_due()
    regular = schedule.runs.filter(trigger="schedule")
    assert regular.count() >= 4
    assert not regular.filter(status="skipped", scheduled_for=regular.latest("scheduled_for").scheduled_for).exists()
    if policy not in {"cancel_other", "terminate_other"}:
        assert not regular.exclude(status="pending").exists()
    backfills = schedule.runs.backfills()
    assert sorted(backfills.values_list("status", "cancellation")) == [
        ("pending", ""),
        ("pending", ""),
        ("running", ""),
    ]


def test_a_retry_of_a_backfill_is_still_one(hourly, ending, overdue):
    schedule = hourly(max_retries=3, retry_delay_seconds=3600)
    backfill.carry_out(schedule, last(schedule, 1), by="ada")
    [assignment] = claims.claim_ready(5, "me")
    record(ending, assignment, "failed", reason="error", error="no")
    retry = JobRun.objects.get(retry_of=assignment.run_id)
    assert (retry.trigger, retry.status, retry.priority) == ("backfill", "pending", 4)
    overdue(schedule)
    ledger.fire_due()
    assert JobRun.objects.get(trigger="schedule").status == "pending"


def test_a_backfill_is_withdrawn_as_a_whole(hourly):
    schedule = hourly()
    done = backfill.carry_out(schedule, last(schedule, 3), by="ada")
    claims.claim_ready(1, "me")
    assert backfill.going_on(schedule) == [
        {"correlation_id": done.correlation_id, "triggered_by": "ada", "pending": 2, "running": 1}
    ]
    assert backfill.withdraw(schedule, done.correlation_id, by="bob") == (2, 1)
    assert schedule.runs.filter(status="cancelled", cancelled_by="bob", reason="requested").count() == 2
    with pytest.raises(ValidationError):
        backfill.withdraw(schedule, "unknown", by="bob")


def test_explain_shows_the_own_row_and_the_backfills(claimed, ending):
    schedule, assignment = claimed(max_retries=0)
    record(ending, assignment, "failed", reason="error", error="no")
    at = assignment.scheduled_for
    [step] = backfill.carry_out(schedule, backfill.Span(at, at), by="ada").steps
    found = explain(schedule, at, timezone.now())
    assert found.outcome == "failed"
    assert [run.pk for run in found.runs] == [assignment.run_id]
    assert [run.pk for run in found.backfills] == [step.run_id]
    assert f"run {step.run_id} of a backfill, attempt 1; pending." in found.sentences[-1]


def test_the_ledger_stays_right(hourly, ending):
    schedule = hourly(max_retries=0)
    backfill.carry_out(schedule, last(schedule, 4), by="ada")
    for status in ("success", "failed", "success"):
        [assignment] = claims.claim_ready(1, "me")
        record(ending, assignment, status)
    schedule.refresh_from_db()
    assert (schedule.total_runs, schedule.successful_runs, schedule.failed_runs) == (3, 2, 1)
    assert (schedule.fire_count, schedule.next_run_at) == (0, rows(schedule)[-1].scheduled_for + HOUR)
    assert invariants.breaches() == []
