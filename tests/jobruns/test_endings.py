"""Endings are recorded once, by the owner only, with the counters, retries and completions that follow."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from jobruns.engine import claims, endings
from jobruns.models import JobRun
from schedules.models import Schedule
from tests.jobruns.conftest import rows
from tests.jobruns.threads import together

pytestmark = pytest.mark.django_db


def test_a_success_is_recorded_with_what_it_reported(claimed, ending):
    schedule, one = claimed()
    said = {"summary": "Did it.", "metrics": '{"rows": 3}', "result": '{"a": [1]}', "attributes": '{"x": "y"}'}
    assert endings.record([ending(one, **said)], "me") == {one.run_id}
    run = JobRun.objects.get(pk=one.run_id)
    assert (run.status, run.summary, run.metrics, run.result) == ("success", "Did it.", {"rows": 3}, {"a": [1]})
    assert run.attributes == {"x": "y"}
    assert run.lease_expires_at is None
    schedule.refresh_from_db()
    assert (schedule.total_runs, schedule.successful_runs, schedule.failed_runs) == (1, 1, 0)
    assert (schedule.last_run_id, schedule.last_status) == (run.pk, "success")
    assert schedule.usual_seconds == pytest.approx(1, abs=0.1)


def test_the_result_of_a_stranger_is_dropped(claimed, ending):
    schedule, one = claimed()
    assert endings.record([ending(one)], "you") == set()
    schedule.refresh_from_db()
    assert JobRun.objects.get(pk=one.run_id).status == "running"
    assert schedule.total_runs == 0


def test_a_result_that_comes_twice_counts_once(claimed, ending):
    schedule, one = claimed()
    endings.record([ending(one)], "me")
    assert endings.record([ending(one, "failed")], "me") == set()
    schedule.refresh_from_db()
    assert (schedule.total_runs, schedule.last_status) == (1, "success")


def test_a_failure_is_tried_again_with_the_same_key(claimed, ending):
    schedule, one = claimed(max_retries=2, retry_delay_seconds=10)
    JobRun.objects.update(on_behalf_of="X-Triggered-By: alice")
    said = ending(one, "failed", reason="error", error="Boom.")
    endings.record([said], "me")
    first, retry = rows(schedule)
    assert retry.on_behalf_of == "X-Triggered-By: alice"
    assert (retry.status, retry.attempt, retry.trigger, retry.retry_of) == ("pending", 2, "retry", first)
    assert (retry.idempotency_key, retry.correlation_id) == (first.idempotency_key, first.correlation_id)
    assert (retry.scheduled_for, retry.params) == (first.scheduled_for, first.params)
    assert timedelta(seconds=8) < retry.available_at - said.finished_at < timedelta(seconds=12)


def test_tries_end_with_the_last_one_allowed(claimed, ending, make_schedule):
    schedule, one = claimed(max_retries=1, retry_delay_seconds=0)
    endings.record([ending(one, "failed")], "me")
    JobRun.objects.filter(status="pending").update(available_at=timezone.now())
    [second] = claims.claim_ready(1, "me")
    endings.record([ending(second, "failed")], "me")
    schedule.refresh_from_db()
    assert [run.status for run in rows(schedule)] == ["failed", "failed"]
    assert (schedule.failed_runs, schedule.consecutive_failures) == (2, 2)


def test_a_job_can_refuse_to_be_tried_again(claimed, ending):
    schedule, one = claimed(max_retries=3)
    endings.record([ending(one, "failed", retry=False)], "me")
    assert len(rows(schedule)) == 1


def test_a_job_can_ask_for_a_longer_wait(claimed, ending):
    schedule, one = claimed(max_retries=3, retry_delay_seconds=1)
    said = ending(one, "failed", retry_after=600)
    endings.record([said], "me")
    assert rows(schedule)[1].available_at == said.finished_at + timedelta(seconds=600)


def test_a_cancelled_run_is_not_tried_again_and_is_no_failure(claimed, ending):
    schedule, one = claimed(max_retries=3)
    endings.record([ending(one, "cancelled", reason="requested")], "me")
    schedule.refresh_from_db()
    assert (len(rows(schedule)), schedule.failed_runs, schedule.total_runs) == (1, 0, 0)


def test_a_deleted_schedule_is_not_tried_again(claimed, ending):
    schedule, one = claimed(max_retries=3)
    schedule.discard(by="somebody")
    endings.record([ending(one, "failed")], "me")
    assert [run.status for run in rows(schedule)] == ["failed"]


def test_a_success_ends_a_row_of_failures(claimed, ending):
    schedule, one = claimed(max_retries=0)
    endings.record([ending(one, "failed")], "me")
    schedule.runs.request(by="somebody")
    endings.record([ending(two) for two in claims.claim_ready(1, "me")], "me")
    schedule.refresh_from_db()
    assert (schedule.consecutive_failures, schedule.total_runs) == (0, 2)


def test_a_one_time_schedule_waits_for_its_retries_before_it_is_completed(claimed, ending):
    schedule, one = claimed(max_runs=1, max_retries=1, retry_delay_seconds=0)
    endings.record([ending(one, "failed")], "me")
    assert Schedule.objects.get(pk=schedule.pk).status == "active"
    JobRun.objects.filter(status="pending").update(available_at=timezone.now())
    endings.record([ending(two) for two in claims.claim_ready(1, "me")], "me")
    assert Schedule.objects.get(pk=schedule.pk).status == "completed"


def test_an_edit_during_the_run_survives_its_end(claimed, ending):
    schedule, one = claimed()
    schedule.description = "edited"
    schedule.store(by="tester")
    endings.record([ending(one)], "me")
    schedule.refresh_from_db()
    assert (schedule.description, schedule.total_runs, schedule.version) == ("edited", 1, 2)


def test_an_ending_that_the_database_refuses_stores_none_of_its_batch(claimed, ending):
    one, two = claimed()[1], claimed()[1]
    with pytest.raises(IntegrityError), transaction.atomic():
        endings.record([ending(one), ending(two, "unheard of")], "me")
    assert {run.status for run in JobRun.objects.filter(pk__in=[one.run_id, two.run_id])} == {"running"}


@pytest.mark.django_db(transaction=True)
def test_counters_equal_the_ledger_when_several_processes_record_at_once(make_schedule, ending):
    made = [make_schedule(overlap_policy="allow", max_instances=1000, max_retries=0) for _ in range(5)]
    for schedule in made:
        for _ in range(24):
            schedule.runs.request(by="somebody")
    assignments = claims.claim_ready(200, "me")

    def record(number):
        for start in range(number * 10, len(assignments), 40):
            batch = assignments[start : start + 10]
            endings.record([ending(one, "failed" if one.run_id % 3 else "success") for one in batch], "me")

    together(record)
    for schedule in made:
        schedule.refresh_from_db()
        assert schedule.total_runs == 24
        assert schedule.failed_runs == JobRun.objects.filter(schedule=schedule, status="failed").count()
        assert schedule.successful_runs == JobRun.objects.filter(schedule=schedule, status="success").count()


@pytest.mark.django_db(transaction=True)
def test_a_rescue_and_an_ending_at_once_leave_one_of_them(claimed, ending):
    schedule, one = claimed(max_retries=0)
    answers = together(lambda number: endings.record([ending(one, ["success", "failed"][number % 2])], "me"))
    assert [bool(answer) for answer in answers].count(True) == 1
    schedule.refresh_from_db()
    assert schedule.total_runs == 1
