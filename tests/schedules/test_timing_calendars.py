"""Timings under a calendar, against a plain enumeration of the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.calendars.definition import read
from schedules.clock import moment
from schedules.clock import seconds as ticks_of
from schedules.timing import (
    Timing,
    closing,
    diff,
    instants,
    next_instant,
    next_run,
    occurrences,
    origins,
    preview,
    runs,
    sentence,
    stretch,
    ticks,
)
from tests.schedules import naive_calendar
from tests.schedules.random_calendars import BEGINS, DEFINITIONS, RULES, TIMINGS, under

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@settings(max_examples=100, deadline=None)
@given(TIMINGS, DEFINITIONS, RULES, BEGINS, st.integers(1, 12), st.integers(0, 5))
def test_every_way_of_asking_agrees_with_a_plain_enumeration(bare, definition, rule, low, days, newest):
    timing, high = under(bare, definition, rule), low + days * DAY
    wanted = naive_calendar.instants(timing, definition, low, high)
    opened = [at for at in wanted if naive_calendar.is_open(definition, at)]
    assert occurrences(timing, low, high, 10_000) == wanted
    assert [moment(at) for at in ticks(timing, ticks_of(low), ticks_of(high))] == wanted
    assert [at for at in wanted if closing(timing, at) is None] == opened
    assert list(takewhile(high.__ge__, runs(timing, low))) == opened
    for before, after in zip([low, *wanted], wanted, strict=False):
        assert next_instant(timing, before) == after
    if opened:
        assert next_run(timing, low) == opened[0]
    if wanted:
        found = stretch(timing, wanted[0], high, newest)
        kept = tuple(opened[max(0, len(opened) - newest) :])
        assert found == type(found)(wanted[0], wanted[-1], len(wanted), kept, len(wanted) - len(opened))


@settings(max_examples=40, deadline=None)
@given(TIMINGS, DEFINITIONS, RULES, BEGINS)
def test_a_closed_instant_says_where_its_run_moves_and_that_one_where_it_came_from(bare, definition, rule, low):
    timing = under(bare, definition, rule)
    for at in occurrences(timing, low, low + 5 * DAY, 100):
        if naive_calendar.is_open(definition, at):
            assert all(naive_calendar.target(timing, definition, origin) == at for origin in origins(timing, at))
            continue
        to = naive_calendar.target(timing, definition, at)
        assert ("moves to" in closing(timing, at).sentence) == (to is not None)
        if to is not None:
            assert at in origins(timing, to, 10_000)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


OFFICE = read({"weekdays": ["mon", "tue", "wed", "thu", "fri"], "closed_dates": ["2026-12-25 Christmas Day"]})
NINE = Timing("cron", cron="0 9 * * *")


def test_skip_leaves_the_instants_as_they_are():
    found = list(islice(instants(under(NINE, OFFICE), at("2026-12-24 12:00")), 3))
    assert found == [at("2026-12-25 09:00"), at("2026-12-26 09:00"), at("2026-12-27 09:00")]


def test_next_moves_a_friday_holiday_to_monday():
    timing = under(Timing("cron", cron="0 9 25 * *"), OFFICE, "next")
    assert list(islice(instants(timing, at("2026-12-20 00:00")), 2)) == [
        at("2026-12-25 09:00"),
        at("2026-12-28 09:00"),
    ]


def test_previous_moves_a_friday_holiday_to_thursday():
    timing = under(Timing("cron", cron="0 9 25 * *"), OFFICE, "previous")
    assert list(islice(instants(timing, at("2026-12-20 00:00")), 2)) == [
        at("2026-12-24 09:00"),
        at("2026-12-25 09:00"),
    ]


def test_a_run_that_moves_to_an_instant_that_runs_anyway_is_one_run():
    assert occurrences(under(NINE, OFFICE, "next"), at("2026-12-24 12:00"), at("2026-12-28 12:00"), 10) == [
        at(f"2026-12-{day} 09:00") for day in (25, 26, 27, 28)
    ]


def test_next_leaves_a_maintenance_window_at_its_end():
    night = read({"windows": [{"name": "Patches", "days": ["mon"], "from": "08:30", "to": "09:20"}]})
    assert next_run(under(NINE, night, "next"), at("2026-12-28 00:00")) == at("2026-12-28 09:20")
    assert next_run(under(NINE, night, "previous"), at("2026-12-28 00:00")) == at("2026-12-29 09:00")


def test_a_single_instant_that_moves_still_runs_once():
    timing = under(Timing("one_time", at=at("2026-12-25 09:00")), OFFICE, "next")
    assert list(runs(timing, at("2026-12-01 00:00"))) == [at("2026-12-28 09:00")]
    assert list(instants(timing, at("2026-12-01 00:00"))) == [at("2026-12-25 09:00"), at("2026-12-28 09:00")]


def test_no_run_moves_beyond_the_end_of_its_schedule():
    timing = under(replace(NINE, cron="0 9 25 * *", end=at("2026-12-26 00:00")), OFFICE, "next")
    assert next_run(timing, at("2026-12-20 00:00")) is None
    assert "does not run" in closing(timing, at("2026-12-25 09:00")).sentence


def test_a_calendar_that_is_closed_for_more_than_a_year_runs_nothing_and_says_so():
    shut = read({"weekdays": [], "open_dates": ["2030-01-01"]})
    timing = under(NINE, shut, "next")
    assert next_run(timing, at("2026-01-01 12:00")) == at("2029-12-31 09:00").replace(year=2030, month=1, day=1)
    assert "within 366 days" in closing(timing, at("2026-01-02 09:00")).sentence
    assert next_run(under(NINE, shut), at("2031-01-01 00:00")) is None


def test_the_reason_names_the_day_the_calendar_and_its_version():
    found = closing(under(NINE, OFFICE), at("2026-12-25 09:00"))
    assert found.reason == "holiday"
    assert found.sentence == "The calendar Random (version 1) is closed on Friday, 2026-12-25 (Christmas Day)."


def test_the_reason_of_a_window_says_until_when():
    night = read({"windows": [{"name": "Patches", "days": ["sat"], "from": "22:00", "to": "02:00"}]})
    found = closing(under(NINE, night), at("2026-12-27 01:00"))
    assert found.reason == "blackout"
    assert "Patches" in found.sentence
    assert "until 2026-12-27 02:00" in found.sentence


def test_a_preview_shows_what_runs_and_names_what_is_closed_in_between():
    found = preview(under(NINE, OFFICE), at("2026-12-24 00:00"), 2)
    assert found.instants == (at("2026-12-24 09:00"), at("2026-12-28 09:00"))
    assert [one.at.day for one in found.closed] == [25, 26, 27]
    assert found.sentence.endswith("; not while Random is closed")


def test_a_difference_is_one_of_runs():
    found = diff(NINE, under(NINE, OFFICE), at("2026-12-24 00:00"), at("2026-12-29 00:00"))
    assert (found.added, len(found.removed), len(found.kept)) == ((), 3, 2)


def test_a_sentence_says_that_runs_move():
    assert sentence(under(NINE, OFFICE, "next")).endswith("; moved later while Random is closed")


def test_years_of_minutes_are_counted_in_no_time():
    found = stretch(
        under(Timing("cron", cron="* * * * *"), OFFICE), at("2020-01-06 00:00"), at("2026-01-05 00:00"), 3
    )
    assert found.count == 2191 * 1440 + 1
    assert found.closed == 313 * 2 * 1440
