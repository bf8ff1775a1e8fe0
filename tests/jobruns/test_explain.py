"""`explain` says of every instant what became of it or will, and why."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from jobruns.engine import claims, endings, ledger
from jobruns.explain import explain
from jobruns.models import JobRun
from schedules.models import Schedule

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def told(schedule, at, now=None):
    """Return (outcome, all sentences in one text)."""
    found = explain(Schedule.objects.get(pk=schedule.pk), at, now or timezone.now())
    return found.outcome, " ".join(found.sentences)


@pytest.fixture
def long_lived(make_schedule, overdue):
    """Return a function that makes a schedule of an old age, first due `seconds` back."""

    def make(seconds=1, **fields):
        schedule = make_schedule(**fields)
        Schedule.objects.filter(pk=schedule.pk).update(created_at=timezone.now() - timedelta(days=30))
        return overdue(schedule, seconds=seconds)

    return make


def test_a_run_is_explained_with_its_attempts(claimed, ending):
    schedule, assignment = claimed(max_retries=2, retry_delay_seconds=0)
    failed = ending(assignment, status="failed", reason="error", error="no such host", retry=True)
    endings.record([failed], "me")
    [again] = claims.claim_ready(5, "me")
    endings.record([ending(again, summary="Sent 3.")], "me")
    outcome, text = told(schedule, assignment.scheduled_for)
    assert outcome == "success"
    assert "settled" in text
    assert "within the grace of 300 s" in text
    assert "Attempt 1 failed after 1 s: it crashed. no such host" in text
    assert "Attempt 2 succeeded after 1 s. Sent 3." in text


def test_a_run_that_waits_is_told_as_such(long_lived):
    schedule = long_lived()
    due = schedule.next_run_at
    ledger.fire_due()
    outcome, text = told(schedule, due)
    assert outcome == "pending"
    assert "waits" in text


@pytest.mark.parametrize("policy", ["latest", "skip", "all"])
def test_three_days_down_are_explained_to_the_minute(long_lived, policy):
    schedule = long_lived(seconds=3 * 86_400, interval_seconds=60, misfire_policy=policy, overlap_policy="buffer_all")
    due = schedule.next_run_at
    ledger.fire_due()
    last = Schedule.objects.get(pk=schedule.pk).last_scheduled_for
    outcomes = [told(schedule, due + step * MINUTE)[0] for step in range(0, 3 * 24 * 60 - 100, 251)]
    assert set(outcomes) == {"missed"}
    assert told(schedule, last)[0] == "pending"
    _, text = told(schedule, due + 1000 * MINUTE)
    assert "instants in a row" in text


def test_a_coalesced_instant_names_the_one_that_stands_for_it(long_lived):
    schedule = long_lived(seconds=3600, interval_seconds=60)
    due = schedule.next_run_at
    ledger.fire_due()
    stand_in = JobRun.objects.get(schedule=schedule, status="pending")
    outcome, text = told(schedule, due)
    assert outcome == "missed"
    assert f"run {stand_in.pk}, pending" in text


def test_an_overlap_is_explained_by_the_sentence_of_the_decision(long_lived, overdue):
    schedule = long_lived(seconds=120)
    ledger.fire_due()
    second = overdue(schedule).next_run_at
    ledger.fire_due()
    outcome, text = told(schedule, second)
    assert outcome == "skipped"
    assert "the run before it was still going" in text
    assert JobRun.objects.get(schedule=schedule, status="skipped").summary in text


def test_a_moment_between_instants_names_its_neighbours(long_lived):
    schedule = long_lived()
    due = schedule.next_run_at
    found = explain(schedule, due + timedelta(minutes=7), timezone.now())
    assert found.outcome == "no_instant"
    assert (found.before, found.after) == (due, due + timedelta(hours=1))
    assert any(due.isoformat(sep=" ") in sentence for sentence in found.sentences)


def test_a_moment_inside_a_stretch_that_is_no_instant_is_told_as_none(long_lived):
    schedule = long_lived(seconds=7200, interval_seconds=60)
    due = schedule.next_run_at
    ledger.fire_due()
    assert told(schedule, due + timedelta(seconds=90))[0] == "no_instant"


def test_before_its_creation_a_schedule_had_no_instants(make_schedule):
    schedule = make_schedule(schedule_type="cron", cron_expression="* * * * *")
    outcome, text = told(schedule, timezone.now().replace(second=0) - timedelta(days=3))
    assert outcome == "not_created"
    assert "created" in text


def test_after_its_deletion_a_schedule_has_no_instants_and_before_it_the_ledger_speaks(long_lived):
    schedule = long_lived()
    due = schedule.next_run_at
    ledger.fire_due()
    schedule.discard(by="grace")
    outcome, text = told(schedule, due + timedelta(hours=5))
    assert outcome == "deleted"
    assert "by grace" in text
    assert told(schedule, due)[0] == "cancelled"


def test_an_instant_in_a_pause_waits_for_the_one_who_resumes(long_lived):
    schedule = long_lived()
    due = schedule.next_run_at
    schedule.pause(by="ada", reason="Stocktaking")
    for at in (due, due + timedelta(hours=3)):
        outcome, text = told(schedule, at)
        assert outcome == "paused"
        assert "Stocktaking" in text
    schedule.resume(by="ada")
    ledger.fire_due()
    outcome, text = told(schedule, due)
    assert outcome == "skipped"
    assert "the schedule was paused" in text


def test_an_instant_after_a_pause_that_ends_by_itself_runs(long_lived):
    schedule = long_lived()
    due = schedule.next_run_at
    until = due + timedelta(hours=1, minutes=30)
    schedule.pause(by="ada", until=until)
    assert "it is skipped" in told(schedule, due + timedelta(hours=1))[1]
    assert "it runs" in told(schedule, due + timedelta(hours=2))[1]


def test_a_suspended_schedule_says_what_it_waits_for(long_lived):
    schedule = long_lived()
    due = schedule.next_run_at
    schedule.suspend(reason="Its owner lost the right.")
    outcome, text = told(schedule, due + timedelta(hours=1))
    assert outcome == "suspended"
    assert "Its owner lost the right." in text


def test_an_instant_that_is_due_is_told_as_the_ledger_then_settles_it(long_lived):
    schedule = long_lived(seconds=7200, interval_seconds=60, misfire_grace_seconds=30)
    due = schedule.next_run_at
    found = explain(schedule, due, timezone.now())
    assert found.outcome == "due"
    expected = found.expected.decision
    ledger.fire_due()
    row = JobRun.objects.filter(schedule=schedule).order_by("scheduled_for").first()
    assert (expected.status, expected.reason) == (row.status, row.reason)


def test_an_instant_ahead_is_foretold(make_schedule):
    schedule = make_schedule(schedule_type="cron", cron_expression="0 6 * * *", timezone="Europe/Riga")
    at = explain(schedule, timezone.now() + timedelta(days=2), timezone.now()).after
    found = explain(schedule, at, timezone.now())
    assert found.outcome == "planned"
    assert found.expected.decision.status == "pending"
    assert "06:00:00" in found.sentences[0]


def test_a_run_that_usually_takes_too_long_foretells_an_overlap(make_schedule):
    schedule = make_schedule(interval_seconds=60)
    Schedule.objects.update(usual_seconds=90.0)
    schedule.refresh_from_db()
    outcome, text = told(schedule, schedule.next_run_at + 5 * MINUTE)
    assert outcome == "planned"
    assert "a run usually takes 90 s" in text
    assert "So it is skipped: the run before it was still going." in text


def test_an_instant_beyond_the_runs_that_are_left_does_not_come(make_schedule):
    schedule = make_schedule(interval_seconds=60, max_runs=3)
    assert told(schedule, schedule.next_run_at + 2 * MINUTE)[0] == "planned"
    assert told(schedule, schedule.next_run_at + 3 * MINUTE)[0] == "completed"


def test_an_instant_that_only_the_present_timing_names_is_unrecorded(long_lived):
    schedule = long_lived()
    ledger.fire_due()
    Schedule.objects.filter(pk=schedule.pk).update(version=4)
    schedule.refresh_from_db()
    Schedule.objects.filter(pk=schedule.pk).update(anchor_at=schedule.anchor_at - timedelta(hours=9))
    outcome, text = told(schedule, schedule.anchor_at - timedelta(hours=3))
    assert outcome == "unrecorded"
    assert "changed 3 times" in text


def test_an_instant_in_a_gap_of_the_clock_is_none(make_schedule):
    schedule = make_schedule(schedule_type="cron", cron_expression="30 2 * * *", timezone="Europe/Berlin")
    Schedule.objects.update(created_at=datetime(2026, 3, 1, tzinfo=UTC))
    schedule.refresh_from_db()
    now = datetime(2026, 3, 27, tzinfo=UTC)
    assert told(schedule, datetime(2026, 3, 29, 1, 0, tzinfo=UTC), now)[0] == "planned"
    assert told(schedule, datetime(2026, 3, 29, 0, 30, tzinfo=UTC), now)[0] == "no_instant"


def test_a_timing_that_cannot_be_read_is_said(make_schedule):
    schedule = make_schedule(schedule_type="cron", cron_expression="0 6 * * *")
    Schedule.objects.update(cron_expression="nonsense")
    assert told(schedule, timezone.now())[0] == "unreadable"


def test_the_command_numbers_its_sentences(make_schedule):
    schedule = make_schedule(name="tea", schedule_type="cron", cron_expression="0 6 * * *", timezone="Europe/Riga")
    out = StringIO()
    call_command("explain", "tea", "--at", "2020-01-01T06:00", stdout=out)
    assert out.getvalue().startswith("tea, 2020-01-01 06:00:00+02:00: not created\n1. It was created at ")
    out = StringIO()
    call_command("explain", str(schedule.pk), "--at", "2020-01-01T06:00Z", "--json", stdout=out)
    assert json.loads(out.getvalue())["outcome"] == "not_created"


@pytest.mark.parametrize("arguments", [["tea", "--at", "yesterday"], ["coffee", "--at", "2026-01-01T00:00Z"]])
def test_the_command_refuses_what_it_cannot_read(make_schedule, arguments):
    make_schedule(name="tea")
    with pytest.raises(CommandError) as refused:
        call_command("explain", *arguments)
    assert refused.value.returncode == 2
