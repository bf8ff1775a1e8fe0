"""What the ledger recorded is what the timing says, whatever happened; where it is not, the comparison tells."""

import random
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.utils import timezone

from jobruns import hindsight
from jobruns.engine import ledger, sql
from jobruns.models import JobRun
from schedules.models import Schedule

pytestmark = pytest.mark.django_db
START = datetime(2027, 3, 27, 0, 0, tzinfo=UTC)  # clocks go forward in Europe on the 28th
END = START + timedelta(days=2)
TIMINGS = [
    {"schedule_type": "cron", "cron_expression": "*/7 * * * *", "timezone": "Europe/Riga"},
    {"schedule_type": "cron", "cron_expression": "30 2,3 * * *", "timezone": "Europe/Berlin"},
    {"schedule_type": "cron", "cron_expression": "H H * * *", "timezone": "America/New_York"},
    {"schedule_type": "interval", "interval_seconds": 613},
    {"schedule_type": "one_time", "scheduled_at": START + timedelta(hours=31), "interval_seconds": None},
]


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved, for this process and the ledger."""
    monkeypatch.setattr(sql, "now", timezone.now)
    with time_machine.travel(START, tick=False) as moved:
        yield moved


def compared(*, until=END, start=START):
    return hindsight.compare(start, until, Schedule.objects.all())


def live(clock, chance, until=END):
    """Let a scheduler look now and then until `until`, be down for hours at times, and runs end at random."""
    now = timezone.now()
    while now < until:
        now += timedelta(seconds=chance.choice([1, 20, 60, 600, 600, chance.randrange(30_000)]))
        clock.move_to(min(now, until))
        ledger.fire_due()
        if chance.random() < 0.7:
            JobRun.objects.filter(status="pending").update(status="success")


@pytest.mark.parametrize("seed", range(4))
def test_any_history_that_the_ledger_wrote_agrees(make_schedule, clock, seed):
    chance = random.Random(seed)
    for timing in TIMINGS:
        for _ in range(2):
            policies = {
                "misfire_policy": chance.choice(Schedule.Misfire.values),
                "overlap_policy": chance.choice(Schedule.Overlap.values),
                "misfire_grace_seconds": chance.choice([0, 300, 7200]),
                "catchup_limit": chance.choice([1, 5, 100]),
                "jitter_seconds": chance.choice([0, 60]),
            }
            make_schedule(**timing, **policies)
    live(clock, chance)
    found = compared()
    assert found.expected > 900
    assert (found.recorded, found.differences) == (found.expected, 0), found.found


def test_pauses_and_what_resuming_ran_agree(make_schedule, clock):
    chance = random.Random(7)
    for missed in Schedule.Catchup.values:
        make_schedule(interval_seconds=900, name=missed)
    live(clock, chance, START + timedelta(hours=9, minutes=7))
    for schedule in Schedule.objects.all():
        schedule.pause(by="tester")
    held = hindsight.compare(START, START + timedelta(hours=20), Schedule.objects.all())
    assert held.differences == held.expected - held.recorded > 0
    assert held.unexplained == 0
    clock.move_to(START + timedelta(hours=20))
    for schedule in Schedule.objects.all():
        schedule.resume(by="tester", missed=schedule.name)
    live(clock, chance)
    assert compared().differences == 0


@pytest.fixture
def half_hourly(make_schedule, clock):
    """A schedule with two days of history."""
    schedule = make_schedule(interval_seconds=1800)
    for hours in range(49):
        clock.move_to(START + timedelta(hours=hours))
        ledger.fire_due()
    return schedule


def test_a_row_that_is_gone_is_missed(half_hourly):
    gone = half_hourly.runs.filter(scheduled_for__lt=END)[5]
    gone.delete()
    found = compared()
    [difference] = found.found[0].first
    assert (difference.at, difference.what, difference.why) == (gone.scheduled_for, "missing", "")
    assert (found.differences, found.unexplained) == (1, 1)


def test_a_row_at_no_instant_stands_out(half_hourly):
    odd = half_hourly.runs.filter(scheduled_for__lt=END, coalesced_count=1)[5]
    JobRun.objects.filter(pk=odd.pk).update(scheduled_for=odd.scheduled_for + timedelta(seconds=1))
    kinds = [one.what for one in compared().found[0].first]
    assert sorted(kinds) == ["extra", "missing"]


def test_a_stretch_that_counts_wrong_stands_out(make_schedule, clock):
    schedule = make_schedule(interval_seconds=60)
    clock.move_to(START + timedelta(days=1))
    ledger.fire_due()
    assert compared(until=START + timedelta(days=1)).differences == 0
    stretch = schedule.runs.get(coalesced_count__gt=1)
    JobRun.objects.filter(pk=stretch.pk).update(coalesced_count=stretch.coalesced_count - 1)
    [difference] = compared(until=START + timedelta(days=1)).found[0].first
    assert difference.what == "count"


def test_what_an_edit_explains_is_said_to_be(half_hourly, clock):
    clock.move_to(END + timedelta(hours=1))
    half_hourly.refresh_from_db()
    half_hourly.interval_seconds = 1000
    half_hourly.store(by="tester")
    found = compared()
    assert found.differences > 50
    assert found.unexplained == 0
    assert "changed since" in found.found[0].first[0].why


def test_nothing_is_expected_before_a_schedule_existed(half_hourly):
    assert compared(start=START - timedelta(days=30), until=START).expected == 0


def test_more_instants_than_can_be_looked_at_are_refused(half_hourly, monkeypatch):
    monkeypatch.setattr(hindsight, "MOST_INSTANTS", 50)
    with pytest.raises(ValidationError) as refused:
        compared()
    assert refused.value.code == "conflict"


@pytest.mark.parametrize("rule", ["skip", "next", "previous"])
def test_a_history_under_a_calendar_agrees(make_schedule, make_calendar, clock, rule):
    calendar = make_calendar(closed_dates=["2027-03-27 Founder's day"])
    for timing in TIMINGS:
        make_schedule(**timing, calendar=calendar, calendar_rule=rule, misfire_policy="all")
    live(clock, random.Random(1))
    found = compared()
    assert found.expected == found.recorded > 0
    assert found.unexplained == 0
