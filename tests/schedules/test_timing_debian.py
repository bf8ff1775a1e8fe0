"""The evaluator against an independent one that steps through the minutes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.timing import Timing, TimingError, occurrences, stretch
from tests.schedules.debian_cron import fire_times

# zone, and the day around which its clocks change
CHANGES = [
    ("Europe/Berlin", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-10-04"),  # half an hour forward
    ("Australia/Lord_Howe", "2026-04-05"),  # half an hour back
    ("America/Havana", "2026-03-08"),  # 00:00 does not exist
    ("America/Havana", "2026-11-01"),  # 01:00 back to 00:00
    ("Asia/Beirut", "2026-03-29"),  # 00:00 does not exist
    ("Asia/Beirut", "2026-10-25"),  # 00:00 back to 23:00 of the day before
    ("Africa/Cairo", "2026-04-24"),
    ("Africa/Cairo", "2026-10-30"),
    ("America/Sao_Paulo", "2018-11-04"),  # 00:00 does not exist
    ("America/Sao_Paulo", "2018-02-18"),  # 00:00 back to 23:00 of the day before
    ("Europe/Dublin", "2026-03-29"),  # its summer is the standard time
    ("Europe/Dublin", "2026-10-25"),
    ("Africa/Casablanca", "2026-02-15"),  # Ramadan begins
    ("Antarctica/Troll", "2026-03-29"),  # two hours forward
    ("Antarctica/Casey", "2018-03-11"),  # three hours back
    ("Antarctica/Casey", "2009-10-18"),  # three hours forward: still caught up, as the rule says "up to"
    ("Asia/Kathmandu", "1986-01-01"),  # a quarter of an hour forward at the turn of the year
    ("Pacific/Apia", "2011-12-30"),  # the whole day does not exist
    ("Pacific/Kwajalein", "1969-10-01"),  # nearly a whole day comes twice
    ("Asia/Kolkata", "2026-03-01"),  # nothing at all
]
EXPRESSIONS = [
    *("* * * * *", "*/5 * * * *", "*/7 0-3 * * *", "0 * * * *", "30 * * * *", "* 2 * * *", "*/30 0,1,2,23 * * *"),
    *("30 2 * * *", "0 2 * * *", "0,30 2,3 * * *", "59 1 * * *", "15 0 * * *", "0 0 * * *", "45 23 * * *"),
    *("5-59/10 2 * * *", "1-59 1-3 * * *", "0 */2 * * *", "15 */3 * * 0", "5 1,2 29,30,31 * *", "30 2 * * 7"),
    *("0 0 1-7 * */7", "0 0 13 * 5", "30 1 */2 * 0", "0 3 L * *", "0 3 LW * *", "30 0 * * 0L", "30 0 * * 1#1,3"),
    *("30 12 30 12 *", "0-30/15 23 * * 6", "0-59/99 0 * * *", "0 1 1,15 1 0-6/3"),
]


def window(day: str) -> tuple[datetime, datetime]:
    middle = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return middle - timedelta(days=2), middle + timedelta(days=3)


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_every_expression_fires_at_a_clock_change_as_debian_cron_does(zone, day):
    first, last = window(day)
    for expression in EXPRESSIONS:
        found = occurrences(Timing("cron", cron=expression, zone=zone), first, last, 10**6)
        assert found == fire_times(expression, zone, first, last), expression


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe"])
def test_a_whole_year_fires_as_debian_cron_does(zone):
    first, last = datetime(2025, 12, 31, tzinfo=UTC), datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    for expression in ("*/20 1-3 * * *", "30 2 * * 0", "0 0 13 * 5", "0 0 1-7 * */7", "15 4 29-31 * *", "0 9 * 2 5L"):
        found = occurrences(Timing("cron", cron=expression, zone=zone), first, last, 10**6)
        assert found == fire_times(expression, zone, first, last), expression


def field(low, high, *, near=()):
    number = st.integers(low, high) if not near else st.sampled_from(near) | st.integers(low, high)
    span = st.tuples(number, number).map(sorted)
    term = st.one_of(
        number.map(str),
        span.map(lambda ends: f"{ends[0]}-{ends[1]}"),
        st.tuples(span, st.integers(1, 70)).map(lambda both: f"{both[0][0]}-{both[0][1]}/{both[1]}"),
    )
    star = st.just("*") | st.integers(1, 40).map("*/{}".format)
    return star | st.lists(term | star, min_size=1, max_size=3).map(",".join)


EXPRESSION = st.tuples(
    field(0, 59, near=(0, 30, 59)),
    field(0, 23, near=(0, 1, 2, 3, 23)),
    field(1, 31) | st.sampled_from(["*", "*", "L", "LW", "1,L"]),
    field(1, 12) | st.sampled_from(["*", "*"]),
    field(0, 7) | st.sampled_from(["*", "*", "5L", "0#1", "7#4,2"]),
).map(" ".join)


@given(expression=EXPRESSION, change=st.sampled_from(CHANGES))
@settings(max_examples=200, deadline=None)
def test_any_expression_fires_and_is_counted_as_debian_cron_does(expression, change):
    zone, day = change
    first, last = window(day)
    timing = Timing("cron", cron=expression, zone=zone)
    expected = fire_times(expression, zone, first, last)
    if not expected:
        assert occurrences_or_none(timing, first, last) == []
        return
    assert occurrences(timing, first, last, 10**6) == expected
    counted = stretch(timing, expected[0], last, 3)
    assert (counted.count, counted.last, list(counted.newest)) == (len(expected), expected[-1], expected[-3:])


def occurrences_or_none(timing, first, last):
    try:
        return occurrences(timing, first, last, 10**6)
    except TimingError:  # no date matches at all
        return []
