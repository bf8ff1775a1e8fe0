"""Firing writes each due instant once, together with the schedule's next one, whoever does it and whatever fails."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from jobruns.engine import claims, endings, ledger, sql
from jobruns.models import JobRun
from schedules.models import Schedule
from tests.jobruns.conftest import rows
from tests.jobruns.threads import together

pytestmark = pytest.mark.django_db


def test_a_due_instant_becomes_one_pending_run(make_schedule, overdue):
    schedule = overdue(make_schedule(params={"message": "hello"}, priority=8))
    due = schedule.next_run_at
    ledger.fire_due()
    [run] = rows(schedule)
    assert (run.status, run.scheduled_for, run.attempt, run.trigger) == ("pending", due, 1, "schedule")
    assert (run.params, run.priority, run.schedule_name) == ({"message": "hello"}, 8, schedule.name)
    schedule.refresh_from_db()
    assert schedule.next_run_at == due + timedelta(hours=1)
    assert schedule.last_scheduled_for == due
    assert schedule.fire_count == 1


def test_nothing_is_fired_twice_in_a_row(make_schedule, overdue):
    schedule = overdue(make_schedule())
    ledger.fire_due()
    assert ledger.fire_due().rows == 0
    assert len(rows(schedule)) == 1


def test_the_first_instant_of_a_clock_that_went_back_is_not_fired_again(make_schedule, overdue):
    schedule = overdue(make_schedule())
    ledger.fire_due()
    Schedule.objects.filter(pk=schedule.pk).update(next_run_at=rows(schedule)[0].scheduled_for)
    ledger.fire_due()
    assert len(rows(schedule)) == 1


def test_a_week_of_downtime_is_one_row_and_one_run(make_schedule, overdue):
    schedule = overdue(make_schedule(interval_seconds=60, misfire_grace_seconds=30), seconds=7 * 86_400)
    ledger.fire_due()
    missed, run = rows(schedule)
    assert (missed.status, missed.reason, run.status) == ("missed", "coalesced", "pending")
    assert missed.coalesced_count + 1 == 7 * 24 * 60 + 1
    assert missed.finished_at is not None


def test_a_crash_in_between_leaves_neither_row_nor_advance(make_schedule, overdue, monkeypatch):
    schedule = overdue(make_schedule())

    def fail(verdicts):
        raise ZeroDivisionError

    monkeypatch.setattr(ledger, "_advance", fail)
    with pytest.raises(ZeroDivisionError):
        ledger.fire_due()
    assert rows(schedule) == []
    assert Schedule.objects.get(pk=schedule.pk).next_run_at == schedule.next_run_at


def test_a_timing_that_cannot_be_read_holds_up_no_other(make_schedule, overdue):
    broken, sound = overdue(make_schedule()), overdue(make_schedule())
    Schedule.objects.filter(pk=broken.pk).update(
        schedule_type="cron", cron_expression="nonsense", interval_seconds=None
    )
    ledger.fire_due()
    broken.refresh_from_db()
    assert (broken.status, broken.next_run_at) == ("suspended", None)
    assert "timing" in broken.status_reason
    assert len(rows(sound)) == 1


def test_a_lone_timing_that_cannot_be_read_is_suspended(make_schedule, overdue):
    broken = overdue(make_schedule(), timezone="Nowhere/Land", schedule_type="cron", cron_expression="* * * * *")
    ledger.fire_due()
    broken.refresh_from_db()
    assert broken.status == "suspended"


def test_a_new_run_replaces_what_waits_and_stops_what_runs(make_schedule, overdue, claimed):
    schedule, first = claimed(overlap_policy="cancel_other")
    waiting = schedule.runs.request(by="somebody")
    overdue(schedule, anchor_at=timezone.now())
    ledger.fire_due()
    waiting.refresh_from_db()
    running = JobRun.objects.get(pk=first.run_id)
    assert (waiting.status, waiting.reason) == ("cancelled", "overlap")
    assert (running.status, running.cancellation) == ("running", "asked")


def test_a_one_time_schedule_is_completed_when_its_run_has_ended(make_schedule, overdue, ending):
    schedule = make_schedule(schedule_type="one_time", scheduled_at=timezone.now() + timedelta(hours=1))
    overdue(schedule, scheduled_at=timezone.now() - timedelta(seconds=2), anchor_at=None)
    Schedule.objects.filter(pk=schedule.pk).update(next_run_at=schedule.scheduled_at.replace(microsecond=0))
    ledger.fire_due()
    [assignment] = claims.claim_ready(1, "me")
    schedule.refresh_from_db()
    assert (schedule.status, schedule.next_run_at) == ("active", None)
    endings.record([ending(assignment)], "me")
    schedule.refresh_from_db()
    assert schedule.status == "completed"


def test_an_immediate_schedule_fires_at_once_and_only_once(make_schedule):
    schedule = make_schedule(schedule_type="immediate")
    ledger.fire_due()
    ledger.fire_due()
    assert [run.status for run in rows(schedule)] == ["pending"]


def test_a_schedule_is_completed_after_its_last_allowed_run(make_schedule, overdue, claimed, ending):
    schedule, assignment = claimed(max_runs=1)
    endings.record([ending(assignment)], "me")
    schedule.refresh_from_db()
    assert (schedule.status, schedule.next_run_at, schedule.fire_count) == ("completed", None, 1)


def test_a_schedule_is_completed_when_its_end_has_passed(make_schedule, overdue, ending):
    schedule = overdue(make_schedule(interval_seconds=60), seconds=30)
    Schedule.objects.filter(pk=schedule.pk).update(end_at=timezone.now())
    ledger.fire_due()
    endings.record([ending(one) for one in claims.claim_ready(1, "me")], "me")
    schedule.refresh_from_db()
    assert schedule.status == "completed"


def test_a_schedule_whose_last_run_is_cancelled_before_it_starts_is_completed(make_schedule, overdue):
    schedule = overdue(make_schedule(max_runs=1))
    ledger.fire_due()
    assert rows(schedule)[0].cancel(by="somebody")
    schedule.refresh_from_db()
    assert schedule.status == "completed"


def test_an_overdue_edit_loses_no_instant(make_schedule, overdue):
    schedule = overdue(make_schedule(interval_seconds=60, misfire_policy="all"), seconds=150)
    due = schedule.next_run_at
    schedule.interval_seconds = 1800
    schedule.store(by="tester")
    assert schedule.next_run_at == due
    ledger.fire_due()
    assert rows(schedule)[0].scheduled_for == due


def test_an_edit_fires_nothing(make_schedule):
    schedule = make_schedule()
    schedule.interval_seconds = 60
    schedule.store(by="tester")
    assert schedule.next_run_at > timezone.now()
    ledger.fire_due()
    assert rows(schedule) == []


def test_an_edit_of_a_stale_copy_keeps_what_the_engine_wrote(make_schedule, overdue):
    schedule = overdue(make_schedule())
    stale = Schedule.objects.get(pk=schedule.pk)
    ledger.fire_due()
    stale.description = "edited"
    stale.store(by="tester")
    stale.refresh_from_db()
    assert (stale.fire_count, stale.description) == (1, "edited")
    assert stale.last_scheduled_for == schedule.next_run_at
    assert stale.next_run_at > timezone.now()


@pytest.mark.parametrize(("missed", "runs"), [("none", 0), ("latest", 1), ("all", 3)])
def test_resuming_says_what_becomes_of_the_pause(make_schedule, missed, runs):
    schedule = make_schedule(interval_seconds=60)
    schedule.pause(by="somebody", reason="work on the shop")
    now = timezone.now()
    Schedule.objects.filter(pk=schedule.pk).update(
        anchor_at=now.replace(microsecond=0) - timedelta(seconds=190),
        pause_started_at=now - timedelta(seconds=185),
    )
    schedule.refresh_from_db()
    schedule.resume(by="somebody", missed=missed)
    ledger.fire_due()
    found = rows(schedule)
    assert sum(run.status == "pending" for run in found) == runs
    assert sum(run.coalesced_count for run in found) == 3
    assert {run.reason for run in found if run.status == "skipped"} <= {"paused"}


def test_nothing_fires_during_a_pause(make_schedule, overdue):
    schedule = overdue(make_schedule())
    schedule.pause(by="somebody")
    ledger.fire_due()
    assert rows(schedule) == []


def test_a_pause_that_runs_out_ends_by_itself(make_schedule):
    schedule = make_schedule(interval_seconds=60)
    schedule.pause(by="somebody", until=timezone.now() + timedelta(hours=1))
    Schedule.objects.filter(pk=schedule.pk).update(paused_until=timezone.now())
    Schedule.objects.resume_ended_pauses(timezone.now())
    schedule.refresh_from_db()
    assert schedule.status == "active"
    assert schedule.next_run_at is not None


def test_a_pause_that_cannot_end_holds_up_no_other(make_schedule):
    broken, sound = make_schedule(), make_schedule()
    for schedule in (broken, sound):
        schedule.pause(by="somebody", until=timezone.now() + timedelta(hours=1))
    Schedule.objects.filter(pk=broken.pk).update(
        timezone="Nowhere/Land", schedule_type="cron", cron_expression="* * * * *"
    )
    Schedule.objects.update(paused_until=timezone.now())
    Schedule.objects.resume_ended_pauses(timezone.now())
    assert Schedule.objects.get(pk=broken.pk).status == "suspended"
    assert Schedule.objects.get(pk=sound.pk).status == "active"


def test_an_instant_fired_before_a_pause_is_not_fired_again_after_it(make_schedule, overdue):
    schedule = overdue(make_schedule())
    fired = schedule.next_run_at
    ledger.fire_due()
    schedule.refresh_from_db()
    schedule.pause(by="somebody")
    Schedule.objects.filter(pk=schedule.pk).update(pause_started_at=fired)  # a host's clock that is behind
    JobRun.objects.all().delete()  # pruned: nothing may depend on history
    schedule.refresh_from_db()
    schedule.resume(by="somebody", missed="all")
    ledger.fire_due()
    assert rows(schedule) == []


def test_a_pause_prolonged_at_the_last_moment_goes_on(make_schedule):
    schedule = make_schedule()
    until = timezone.now() + timedelta(hours=1)
    schedule.pause(by="somebody", until=until)
    schedule.pause(by="somebody", until=until + timedelta(hours=1))
    schedule.resume(by="", at=until)
    assert Schedule.objects.get(pk=schedule.pk).status == "paused"


def test_deleting_withdraws_what_waits(make_schedule, overdue):
    schedule = overdue(make_schedule())
    ledger.fire_due()
    schedule.discard(by="somebody")
    [run] = rows(schedule)
    assert (run.status, run.cancelled_by) == ("cancelled", "somebody")
    assert claims.claim_ready(5, "me") == []


def test_two_requests_and_a_fire_in_one_second_are_three_runs(make_schedule, overdue):
    schedule = overdue(make_schedule())
    first, second = schedule.runs.request(by="a"), schedule.runs.request(by="a")
    schedule.runs.request(by="b")
    assert first.idempotency_key != second.idempotency_key
    ledger.fire_due()
    assert len(rows(schedule)) == 4


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_fire_at_once_do_not_write_twice(make_schedule, overdue):
    made = [overdue(make_schedule()) for _ in range(30)]
    together(lambda _: [ledger.fire_due(limit=7) for _ in range(12)])
    assert [len(rows(schedule)) for schedule in made] == [1] * 30
    assert set(Schedule.objects.values_list("fire_count", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_a_schedule_that_is_being_edited_is_passed_over_and_fired_afterwards(make_schedule, overdue, postgresql):
    edited, other = overdue(make_schedule()), overdue(make_schedule())
    with transaction.atomic():
        Schedule.objects.select_for_update().get(pk=edited.pk)
        together(lambda _: ledger.fire_due(), threads=1)
    assert (len(rows(edited)), len(rows(other))) == (0, 1)
    ledger.fire_due()
    assert len(rows(edited)) == 1


def test_the_key_of_an_instant_never_changes():
    moment = timezone.now().replace(year=2026, month=3, day=2, hour=1, minute=2, second=3, microsecond=0)
    assert ledger.idempotency_key(5, moment) == ledger.idempotency_key(5, moment)
    assert ledger.idempotency_key(5, moment) != ledger.idempotency_key(6, moment)


def test_time_comes_aware_from_the_database():
    assert abs((sql.now() - timezone.now()).total_seconds()) < 5
