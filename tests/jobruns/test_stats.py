"""Statistics equal a recount of the ledger, however far the sums have come and whatever ended late."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from jobruns import rollups, stats
from jobruns.books import EVER, Bookmark, LateRun, RunSums
from jobruns.models import JobRun

pytestmark = pytest.mark.django_db
ENDED = ["success", "success", "success", "failed", "skipped", "missed", "cancelled"]
HOUR = timedelta(hours=1)


def add(schedule, at, status, dice):
    """Add one run that was queued at that moment."""
    ran = status in {"success", "failed", "running"}
    started = at + timedelta(milliseconds=dice.randrange(3_000)) if ran else None
    return JobRun(
        schedule=schedule,
        schedule_name=schedule.name,
        job_type="noop",
        environment=schedule.environment,
        scheduled_for=at,
        queued_at=at,
        available_at=at,
        started_at=started,
        finished_at=started + timedelta(milliseconds=dice.randrange(1, 90_000)) if ran else at,
        lease_expires_at=at + timedelta(days=30) if status == "running" else None,
        status=status,
        reason={"skipped": "overlap", "missed": "downtime", "failed": "error"}.get(status, ""),
        error=dice.choice(["disk", "disk", "net"]) if status == "failed" else "",
        trigger="manual",
        idempotency_key="x",
    )


def history(schedules, dice, *, now, days, number):
    """Store runs of the last days, ids growing with time, one in twenty not ended."""
    moments = sorted(now - timedelta(seconds=dice.randrange(1, days * 86_400)) for _ in range(number))
    JobRun.objects.bulk_create(
        add(dice.choice(schedules), at, dice.choice(ENDED) if dice.random() < 0.95 else "running", dice)
        for at in moments
    )


def recount(now, length, schedule=None):
    rows = [run for run in JobRun.objects.all() if now - length <= run.queued_at <= now]
    rows = [run for run in rows if schedule is None or run.schedule_id == schedule.pk]
    took = sorted((run.finished_at - run.started_at) for run in rows if run.status == "success")
    ranks = {percent: took[-(-len(took) * percent // 100) - 1] for percent in (50, 95)} if took else {}
    errors = [run.error for run in rows if run.error]
    return {
        "total_executions": len(rows),
        **{
            f"{word}_executions": sum(run.status == status for run in rows)
            for word, status in [("successful", "success"), ("failed", "failed"), ("running", "running")]
        },
        "average_duration_ms": pytest.approx(sum(took, timedelta()) / len(took) / timedelta(milliseconds=1))
        if took
        else None,
        "min_duration_ms": took[0] / timedelta(milliseconds=1) if took else None,
        "max_duration_ms": took[-1] / timedelta(milliseconds=1) if took else None,
        **{f"p{percent}_duration_ms": rank / timedelta(milliseconds=1) for percent, rank in ranks.items()},
        "last_execution_at": max((run.started_at for run in rows if run.started_at), default=None),
        "most_common_error": min(errors, key=lambda text: (-errors.count(text), text), default=None),
    }


def assert_equal(now, schedules):
    for length in (timedelta(minutes=40), timedelta(hours=24), timedelta(days=3), timedelta(days=20)):
        for schedule in (None, *schedules):
            told = stats.of(length, now, schedule)
            expected = recount(now, length, schedule)
            assert {name: told[name] for name in expected} == expected


@pytest.mark.parametrize("seed", range(6))
def test_statistics_equal_a_recount_however_far_the_sums_have_come(make_schedule, monkeypatch, seed):
    dice = random.Random(seed)
    schedules = [make_schedule(environment=name) for name in ("production", "production", "test")]
    now = timezone.now()
    history(schedules, dice, now=now, days=10, number=400)
    assert_equal(now, schedules)
    monkeypatch.setattr(rollups, "BATCH", dice.randrange(20, 150))
    for _ in range(dice.randrange(1, 4)):
        rollups.advance(now)
    assert_equal(now, schedules)
    rollups.catch_up(now)
    assert_equal(now, schedules)
    JobRun.objects.filter(status="running").update(status="success", lease_expires_at=None)
    assert_equal(now, schedules)
    rollups.catch_up(now)
    assert not LateRun.objects.exists()
    assert_equal(now, schedules)


def test_each_run_is_counted_once_however_often_the_sums_are_made(make_schedule):
    dice = random.Random(1)
    schedule, now = make_schedule(), timezone.now()
    history([schedule], dice, now=now - timedelta(minutes=2), days=2, number=100)
    ended = JobRun.objects.ended().count()
    for _ in range(3):
        rollups.catch_up(now)
    assert sum(hour.sums.counts.total() for hour in RunSums.objects.filter(schedule_id=schedule.pk)) == ended
    assert RunSums.objects.ever().total().counts.total() == ended


def test_runs_of_the_last_minute_wait_for_transactions_still_open(make_schedule):
    schedule, now = make_schedule(), timezone.now()
    add(schedule, now - timedelta(seconds=30), "success", random.Random(1)).save()
    assert rollups.catch_up(now) == 0
    assert Bookmark.read().counted_to == 0
    assert rollups.catch_up(now + timedelta(minutes=1)) == 1


def test_percentiles_of_many_runs_are_off_by_two_percent_at_most(make_schedule, monkeypatch):
    monkeypatch.setattr(stats, "EXACT", 50)
    dice = random.Random(3)
    schedule, now = make_schedule(), timezone.now()
    history([schedule], dice, now=now - timedelta(minutes=2), days=1, number=600)
    rollups.catch_up(now)
    told, exact = stats.of(timedelta(days=2), now), recount(now, timedelta(days=2))
    for name in ("p50_duration_ms", "p95_duration_ms"):
        assert told[name] == pytest.approx(exact[name], rel=0.021)


def test_sums_are_kept_for_two_years_and_those_over_all_time_for_ever(make_schedule):
    schedule, now = make_schedule(), timezone.now()
    history([schedule], random.Random(5), now=now - timedelta(days=700), days=3, number=60)
    rollups.catch_up(now)
    ever = RunSums.objects.ever().total()
    assert ever.counts.total() == JobRun.objects.ended().count()
    rollups.forget(now)
    assert RunSums.objects.filter(schedule_id=schedule.pk).exists()
    rollups.forget(now + timedelta(days=100))
    assert RunSums.objects.ever().total() == ever
    assert not RunSums.objects.exclude(since=EVER).exists()
