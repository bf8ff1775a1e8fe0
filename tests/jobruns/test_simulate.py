"""A simulation fires what the ledger fires, gives slots by priority, and judges overlaps as the engine does."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobruns.engine import due, ledger, sql
from jobruns.engine.policy import View
from jobruns.models import JobRun
from jobruns.simulate import Work, fires_ahead, simulate
from schedules.calendars.closures import closures
from schedules.calendars.definition import read
from schedules.clock import moment, seconds
from schedules.models import Schedule
from schedules.timing import Timing, closing, occurrences, ticks

START = datetime(2026, 3, 28, tzinfo=UTC)  # clocks go forward in Europe on the 29th


def work(number=1, took=1.0, priority=5, every=60, **view):
    timing = Timing(kind="interval", interval_seconds=every, anchor=START - timedelta(seconds=every))
    return Work(f"s{number}", View(number, timing, START, **view), took, priority)


def test_ticks_are_the_instants_that_fire():
    for timing in (
        Timing(kind="cron", cron="30 2 * * *", zone="Europe/Berlin"),
        Timing(kind="cron", cron="*/20 * * * *", zone="Europe/Berlin"),
        Timing(kind="interval", interval_seconds=420, anchor=START, end=START + timedelta(days=1)),
        Timing(kind="one_time", at=START + timedelta(hours=5)),
    ):
        until = START + timedelta(days=2)
        found = [moment(at) for at in ticks(timing, seconds(START), seconds(until))]
        assert found == occurrences(timing, START, until, 1000)


@pytest.mark.django_db
def test_simulated_fires_equal_the_ledger_of_a_schedule_that_ran_through(make_schedule, monkeypatch):
    schedule = make_schedule(schedule_type="cron", cron_expression="30 */2 * * *", timezone="Europe/Berlin")
    Schedule.objects.update(next_run_at=START + timedelta(minutes=90), overlap_policy="allow", max_instances=1000)
    for minute in range(90, 2 * 24 * 60, 30):
        at = START + timedelta(minutes=minute)
        monkeypatch.setattr(sql, "now", lambda at=at: at)
        ledger.fire_due()
    view = due.view_of(Schedule.objects.get(pk=schedule.pk))
    report = simulate([Work("it", view, 1.0)], start=START, days=2, slots=10)
    instants = JobRun.objects.filter(schedule=schedule).values_list("scheduled_for", flat=True)
    place, simulated = START, []
    for minutes, started, _ in report.load:
        simulated += [place + timedelta(minutes=n) for n in range(minutes) if started]
        place += timedelta(minutes=minutes)
    assert simulated == sorted(instants)
    assert report.fires == len(simulated) == fires_ahead([Work("it", view, 1.0)], start=START, days=2)


def test_who_finds_no_slot_waits_and_the_more_important_goes_first():
    report = simulate([work(1, 10, priority=2), work(2, 10, priority=9)], start=START, days=1, slots=1)
    assert report.longest_wait_seconds == 10
    assert [one.name for one in report.burdened] == ["s1"]
    assert report.worst_minutes[0].names == ("s2", "s1")


@pytest.mark.parametrize(
    ("overlap", "skipped", "replaced"),
    [("skip", 720, 0), ("terminate_other", 0, 1439), ("allow", 720, 0)],
)
def test_a_run_longer_than_its_interval_meets_the_overlap_policy(overlap, skipped, replaced):
    report = simulate([work(took=90.0, overlap=overlap)], start=START, days=1, slots=4)
    assert report.fires == 1440
    assert (report.replaced, report.skipped["overlap"]) == (replaced, skipped)


def test_a_buffered_run_starts_when_the_one_before_it_ends():
    report = simulate([work(took=90.0, overlap="buffer_one")], start=START, days=1, slots=4)
    assert report.skipped["overlap"] == pytest.approx(1440 / 3, abs=2)  # two of three instants fit in 180 s
    assert report.longest_wait_seconds == 90  # due when the one before it starts


def test_a_schedule_stops_after_the_runs_it_may_have():
    report = simulate([work(fires_left=3)], start=START, days=1, slots=1)
    assert (report.fires, report.runs) == (3, 3)


def test_slots_are_busy_for_as_long_as_runs_take():
    report = simulate([work(took=36.0, every=3600)], start=START, days=1, slots=1)
    assert report.busy_percent == 1.0


def test_instants_that_a_calendar_closes_are_counted_by_reason():
    window = {"name": "night", "days": ["mon"], "from": "00:00", "to": "06:00"}
    night = read({"weekdays": ["mon", "tue"], "windows": [window]})
    hourly = work(took=1.0)
    timing = replace(hourly.view.timing, calendar=closures("Half", 1, night))
    report = simulate([replace(hourly, view=replace(hourly.view, timing=timing))], start=START, days=7, slots=1)
    tick = timedelta(microseconds=1)
    kept = occurrences(timing, START - tick, START + timedelta(days=7) - tick, 100_000)
    by_reason = Counter(shut.reason for at in kept if (shut := closing(timing, at)))
    assert report.skipped == {"overlap": 0, **by_reason}
    assert report.runs == len(kept) - by_reason.total()
