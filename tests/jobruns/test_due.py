"""Schedules that are alike share one decision: the one that each would get alone."""

import random
from datetime import datetime, timedelta
from itertools import product

import pytest
from django.db import transaction
from django.utils import timezone

from jobruns.engine import due, ledger
from jobruns.engine.policy import Active, decide
from jobruns.models import JobRun
from schedules.models import Schedule

pytestmark = pytest.mark.django_db

TIMINGS = (
    {"schedule_type": "interval", "interval_seconds": 60},
    {"schedule_type": "cron", "cron_expression": "*/5 * * * *", "interval_seconds": None},
    {"schedule_type": "cron", "cron_expression": "H H * * *", "interval_seconds": None},
    {"schedule_type": "cron", "cron_expression": "7 4 * * MON", "interval_seconds": None, "timezone": "Europe/Riga"},
)
RULES = (
    {},
    {"jitter_seconds": 600},
    {"max_runs": 3, "misfire_policy": "all"},
    {"overlap_policy": "buffer_all", "misfire_policy": "all", "catchup_limit": 2},
    {"misfire_policy": "skip", "misfire_grace_seconds": 0},
)


@pytest.fixture
def motley(make_schedule, overdue):
    """Make due schedules of every sort, three of each, that differ in age, in their count of fires and in pauses."""
    chance = random.Random(7)
    for timing, rules, _ in product(TIMINGS, RULES, range(3)):
        schedule = overdue(make_schedule(**{**timing, **rules}), seconds=chance.choice([5, 700]))
        changes = {
            "anchor_at": timezone.now().replace(microsecond=0) - timedelta(seconds=chance.randrange(10**6)),
            "fire_count": chance.randrange(3),
        }
        if chance.random() < 0.3:
            ended = schedule.next_run_at + timedelta(seconds=chance.choice([3, 90]))
            changes |= {"pause_started_at": schedule.next_run_at, "pause_ended_at": ended, "pause_catchup": "latest"}
        Schedule.objects.filter(pk=schedule.pk).update(**changes)
    return Schedule.objects.in_bulk()


def test_each_schedule_gets_the_decision_that_it_would_get_alone(motley):
    now = timezone.now()
    with transaction.atomic():
        found = due.lock_due(now, limit=1000)
    assert set(found) == set(motley)
    assert len(set(found.values())) < len(found)
    for active in (Active(), Active(running=1, waiting=1)):
        for schedule_id, columns in found.items():
            alone = decide(due.view_of(motley[schedule_id]), now, active)
            assert decide(due.view_from(columns, {}, None), now, active) == alone


def test_firing_together_gives_each_schedule_rows_and_an_instant_of_its_own(motley):
    ledger.fire_due()
    for schedule in Schedule.objects.all():
        settled = list(schedule.runs.order_by("scheduled_for"))
        assert settled
        assert settled[-1].scheduled_for == schedule.last_scheduled_for
        before = motley[schedule.pk]
        verdict = decide(due.view_of(before), settled[0].queued_at)
        assert [(run.scheduled_for, run.status, run.reason, run.coalesced_count) for run in settled] == [
            (one.scheduled_for, one.status, one.reason, one.count) for one in verdict.decisions
        ]
        fired = sum(run.status == "pending" for run in settled)
        assert (schedule.next_run_at, schedule.fire_count) == (verdict.next_at, before.fire_count + fired)


def test_jitter_parts_schedules_that_are_alike_otherwise(make_schedule, overdue):
    for _ in range(4):
        overdue(make_schedule(jitter_seconds=3600))
    ledger.fire_due()
    assert len(set(JobRun.objects.values_list("available_at", flat=True))) == 4


def test_runs_of_schedules_that_are_alike_have_identities_of_their_own(make_schedule, overdue):
    for _ in range(5):
        overdue(make_schedule())
    ledger.fire_due()
    runs = JobRun.objects.all()
    assert len({run.correlation_id for run in runs}) == 5
    assert {len(run.correlation_id) for run in runs} == {32}
    for run in runs:
        assert run.idempotency_key == ledger.idempotency_key(run.schedule_id, run.scheduled_for)


def test_a_stamp_says_the_instant_to_the_second():
    assert ledger.stamp(datetime.fromisoformat("2026-03-02T10:00:05+00:00")) == "20260302T100005Z"
