"""Old runs go in batches; what counts, explains or is still to be done stays."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from integrations.channels import Message
from integrations.models import Channel, Delivery
from jobruns import retention, rollups, stats
from jobruns.engine import upkeep
from jobruns.engine.invariants import breaches
from jobruns.explain import explain
from jobruns.models import JobRun, PrunedRuns, RunLogLine
from schedules.models import Schedule

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def schedule(make_schedule):
    """An hourly schedule that has run for 100 days, as its counters say."""
    schedule = make_schedule()
    now = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    Schedule.objects.update(created_at=now - 120 * DAY, anchor_at=now - 120 * DAY)
    statuses = ["success", "success", "failed", "skipped"]
    JobRun.objects.bulk_create(
        JobRun(
            schedule=schedule,
            schedule_name=schedule.name,
            job_type="noop",
            environment=schedule.environment,
            scheduled_for=now - number * timedelta(hours=6),
            queued_at=now - number * timedelta(hours=6),
            available_at=now - number * timedelta(hours=6),
            started_at=now - number * timedelta(hours=6),
            finished_at=now - number * timedelta(hours=6) + timedelta(seconds=2),
            status=statuses[number % 4],
            idempotency_key=str(number),
        )
        for number in range(400, 0, -1)
    )
    last = JobRun.objects.order_by("-pk")[0]
    RunLogLine.objects.bulk_create(RunLogLine(run=run, number=1, at=now, text="x") for run in JobRun.objects.all())
    Schedule.objects.update(
        total_runs=300,
        successful_runs=200,
        failed_runs=100,
        last_run_id=last.pk,
        last_scheduled_for=last.scheduled_for,
        next_run_at=now + DAY,
    )
    schedule.refresh_from_db()
    return schedule


def prune(days=90, **options):
    now = timezone.now()
    return retention.prune(now - days * DAY, now=now, stopped=lambda seconds: False, **options)


def test_old_runs_go_with_their_log_and_the_counters_stay_right(schedule):
    before = stats.of(timedelta(days=366), timezone.now(), schedule)
    done = prune()
    assert done == retention.Pruned(runs=40, deliveries=0, complete=True)
    assert JobRun.objects.count() == RunLogLine.objects.count() == 360
    assert PrunedRuns.objects.values_list("rows", "successes", "failures").get() == (40, 20, 10)
    assert breaches() == []
    after = stats.of(timedelta(days=366), timezone.now(), schedule)
    for name in ("total_executions", "successful_executions", "failed_executions", "average_duration_ms"):
        assert after[name] == before[name]


def test_counters_that_are_off_by_one_are_noticed_after_pruning_too(schedule):
    prune()
    Schedule.objects.update(successful_runs=199, total_runs=299)
    assert [one.rule for one in breaches()] == ["miscounted"]


def test_pruning_twice_removes_nothing_more(schedule):
    prune()
    assert prune().runs == 0
    assert PrunedRuns.objects.get().rows == 40


def test_what_waits_or_runs_and_the_last_row_of_a_schedule_stay(schedule, make_schedule):
    old = timezone.now() - 95 * DAY
    JobRun.objects.filter(pk=JobRun.objects.order_by("pk")[0].pk).update(status="pending", queued_at=old)
    silent = make_schedule()
    lonely = JobRun.objects.order_by("pk")[5]
    JobRun.objects.filter(pk=lonely.pk).update(schedule=silent)
    assert prune(1).complete
    kept = set(JobRun.objects.values_list("pk", flat=True))
    assert lonely.pk in kept
    assert schedule.last_run_id in kept
    assert JobRun.objects.filter(status="pending").count() == 1


def test_a_prune_that_is_stopped_goes_on_the_next_time(schedule, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 10)
    now = timezone.now()
    rests = []
    done = retention.prune(now - 90 * DAY, now=now, stopped=lambda seconds: rests.append(seconds) or len(rests) == 2)
    assert (done.runs, done.complete) == (20, False)
    assert prune().runs == 20


def test_a_run_that_no_sum_holds_yet_is_not_pruned(schedule, monkeypatch):
    monkeypatch.setattr(rollups, "catch_up", lambda now: 0)
    assert prune().runs == 0


def test_explain_says_that_an_instant_was_pruned(schedule):
    first = JobRun.objects.order_by("pk")[0].scheduled_for
    prune()
    found = explain(schedule, first, timezone.now())
    assert found.outcome == "pruned"
    assert "40 rows" in found.sentences[0]


def test_deliveries_go_with_the_runs_they_tell_of():
    channel = Channel(name="ops", kind="email")
    channel.offer({"recipients": ["ops@example.com"]})
    channel.store(by="tester")
    for number in range(3):
        Delivery.objects.post(Message("run.failed", "nightly", "FAILED"), [channel], key=str(number))
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    first, second, _ = Delivery.objects.order_by("pk")
    Delivery.objects.filter(pk=first.pk).update(status="delivered", finished_at=long_ago)
    Delivery.objects.filter(pk=second.pk).update(created_at=long_ago)
    assert prune().deliveries == 1
    assert Delivery.objects.filter(pk=second.pk).exists()


def test_the_command_says_what_would_go_and_what_went(schedule, capsys):
    call_command("pruneruns", "--older-than", "90d", "--dry-run", "--json")
    assert json.loads(capsys.readouterr().out) == {"runs": 40, "dry_run": True}
    call_command("pruneruns", "--older-than", "90", "--json")
    assert json.loads(capsys.readouterr().out) == {"runs": 40, "deliveries": 0, "complete": True}
    with pytest.raises(CommandError, match="number of days"):
        call_command("pruneruns", "--older-than", "soon")


@pytest.mark.django_db(transaction=True)
def test_the_daily_upkeep_prunes(schedule, settings):
    settings.RUN_RETENTION_DAYS = 50
    upkeep.stopping.clear()
    upkeep.forget_what_is_old()
    assert JobRun.objects.count() < 220
    assert breaches() == []
