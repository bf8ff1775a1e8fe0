"""Marks keep a run from being sent twice, within the limits of its schedule, and tell what was lost."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobruns.engine import claims
from jobruns.engine.dispatch import marks
from jobruns.models import JobRun

pytestmark = pytest.mark.django_db

AGE = timedelta(seconds=30)


def long_ago():
    JobRun.objects.filter(dispatched_at__isnull=False).update(dispatched_at=timezone.now() - 2 * AGE)


def test_a_ready_run_is_sent_once_in_its_schedules_queue(make_schedule):
    run = make_schedule(queue="reports", priority=8).runs.request(by="somebody")
    [parcel] = marks.mark_ready(10)
    assert (parcel.run_id, parcel.queue, parcel.priority) == (run.pk, "reports", 8)
    assert parcel.name == f"run-{run.pk}-{run.correlation_id}"
    assert marks.mark_ready(10) == []


def test_what_is_urgent_goes_first_and_the_rest_next_time(make_schedule):
    runs = [make_schedule(priority=priority).runs.request(by="somebody") for priority in (1, 10, 5)]
    assert [one.run_id for one in marks.mark_ready(2)] == [runs[1].pk, runs[2].pk]
    assert [one.run_id for one in marks.mark_ready(2)] == [runs[0].pk]


def test_no_more_of_a_schedule_is_under_way_than_may_run(make_schedule):
    schedule, other = make_schedule(overlap_policy="allow", max_instances=3), make_schedule(priority=1)
    for _ in range(6):
        schedule.runs.request(by="somebody")
    other.runs.request(by="somebody")
    claims.claim_one(schedule.runs.first().pk, "a worker")
    first = marks.mark_ready(4)
    assert [one.queue for one in first] == ["carillon"] * 3
    assert other.runs.get().pk in {one.run_id for one in first}
    assert marks.mark_ready(4) == []


def test_a_run_that_is_to_start_in_future_is_not_sent(make_schedule):
    make_schedule().runs.request(by="somebody")
    JobRun.objects.update(available_at=timezone.now() + timedelta(seconds=60))
    assert marks.mark_ready(1) == []


def test_a_run_that_was_put_off_on_the_way_does_not_start_early(make_schedule):
    run = make_schedule().runs.request(by="somebody")
    marks.mark_ready(1)
    JobRun.objects.update(available_at=timezone.now() + timedelta(seconds=60))
    assert claims.claim_these([run.pk], "a worker") == []
    JobRun.objects.update(available_at=timezone.now() - timedelta(seconds=1))
    assert [one.run_id for one in claims.claim_these([run.pk], "a worker")] == [run.pk]


def test_a_run_that_came_back_is_sent_again(make_schedule):
    run = make_schedule().runs.request(by="somebody")
    assert marks.mark_ready(1)
    claims.claim_one(run.pk, "a worker")
    claims.give_back([run.pk], "a worker")
    assert [one.run_id for one in marks.mark_ready(1)] == [run.pk]
    marks.unmark([run.pk])
    assert [one.run_id for one in marks.mark_ready(1)] == [run.pk]


def test_only_what_still_waits_is_missed(make_schedule):
    runs = [make_schedule(queue=queue).runs.request(by="somebody") for queue in ("a", "a", "b", "c")]
    marks.mark_ready(10)
    assert marks.overdue(AGE) == {}
    long_ago()
    claims.claim_one(runs[3].pk, "a worker")
    assert marks.overdue(AGE) == {"a": 2, "b": 1}
    assert marks.unmark_overdue("a", AGE) == 2
    assert {one.run_id for one in marks.mark_ready(10)} == {runs[0].pk, runs[1].pk}


def test_the_message_of_a_cancelled_run_is_taken_back_once(make_schedule):
    runs = [make_schedule().runs.request(by="somebody") for _ in range(3)]
    [sent] = marks.mark_ready(1)
    for run in runs[:2]:
        run.cancel(by="ada")
    assert marks.withdrawn() == [sent.name]
    assert marks.withdrawn() == []
