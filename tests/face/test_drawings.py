"""What is drawn and said from numbers alone: spans, moments, strips, the timeline, the month, hidden secrets."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.secrecy import HIDDEN, masked
from jobruns.panels import curve, number
from jobruns.strips import counted, sparkline, strip
from jobruns.timeline import Bar, Window, marks, plans, ribbons, unseen, window
from schedules import months
from schedules.moments import clock, distance, full, relative, span
from schedules.timing import Timing

NOW = datetime(2026, 11, 26, 8, 41, tzinfo=UTC)
VIEW = Window(NOW - timedelta(hours=6), NOW, NOW + timedelta(hours=3))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.012, "12 ms"),
        (0.8, "0.8 s"),
        (4, "4 s"),
        (41.2, "41 s"),
        (157, "2 min 37 s"),
        (120, "2 min"),
        (25_500, "7 h 5 min"),
        (266_400, "3 d 2 h"),
    ],
)
def test_a_length_is_said_in_two_units_at_most(seconds: float, said: str) -> None:
    assert span(seconds) == said


@given(st.floats(min_value=0, max_value=10**9))
def test_every_length_can_be_said(seconds: float) -> None:
    assert len(span(seconds).split()) in {2, 4}
    assert len(distance(seconds).split()) in {2, 4}


def test_a_moment_is_said_as_short_as_today_allows() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert clock(NOW, NOW, berlin) == "09:41"
    assert clock(NOW - timedelta(days=1), NOW, berlin) == "Wed 25 Nov 09:41"
    assert full(NOW.replace(year=2027), NOW, berlin) == "Fri 26 Nov 2027 09:41"


def test_what_lies_ahead_and_behind_is_told_apart() -> None:
    assert relative(NOW + timedelta(minutes=4), NOW) == "in 4 min"
    assert relative(NOW - timedelta(hours=7, minutes=4), NOW) == "7 h 4 min ago"
    assert relative(NOW, NOW) == "now"


def test_a_strip_counts_its_outcomes_for_those_who_do_not_see_it() -> None:
    states = [("success", "Succeeded")] * 28 + [("failed", "Failed")] * 2
    assert 'aria-label="28 Succeeded, 2 Failed"' in strip(states)
    assert counted([]) == "No runs yet"


def test_a_strip_shows_thirty_at_most_the_newest_at_the_right() -> None:
    drawn = strip([("failed", "Failed")] + [("success", "Succeeded")] * 30)
    assert "m-failed" not in drawn
    assert "M174 7h4v11h-4z" in drawn


def test_states_differ_in_shape_and_not_in_colour_alone() -> None:
    keys = ["success", "failed", "running", "skipped", "missed", "cancelled", "paused"]
    shapes = {strip([(key, key)]).split(' d="')[1].split('"')[0] for key in keys}
    assert len(shapes) == len(keys)


def test_a_sparkline_needs_two_values() -> None:
    assert sparkline([1.0], None) == ""
    assert "polyline" in sparkline([1.0, 2.0], 1.5)


def test_marks_closer_than_six_pixels_become_one_ribbon() -> None:
    minutely = [Bar("success", NOW - timedelta(minutes=m), NOW - timedelta(minutes=m)) for m in range(200)]
    assert len(ribbons(VIEW, minutely)) == 1


def test_trouble_interrupts_a_ribbon() -> None:
    bars = [Bar("success", NOW - timedelta(minutes=m), NOW - timedelta(minutes=m)) for m in range(200) if m != 90]
    moment = NOW - timedelta(minutes=90)
    keys = [key for key, _left, _width in ribbons(VIEW, [*bars, Bar("failed", moment, moment)])]
    assert keys == ["success", "failed", "success"]


@given(st.lists(st.integers(min_value=-3_000, max_value=3_000), max_size=40))
def test_no_mark_leaves_the_track(minutes: list[int]) -> None:
    bars = [Bar("success", NOW + timedelta(minutes=m), NOW + timedelta(minutes=m + 5)) for m in minutes]
    for _key, left, width in ribbons(VIEW, bars):
        assert 0 <= left <= 100
        assert width > 0


def test_the_now_line_lies_at_the_same_place_in_every_span() -> None:
    assert {round(window(name, NOW).at(NOW)) for name in ("6h", "today", "2d", "week")} == {65}


def test_the_axis_names_a_handful_of_moments() -> None:
    assert all(2 <= len(marks(window(name, NOW))) <= 9 for name in ("6h", "today", "2d", "week"))


def test_plans_a_second_apart_are_one_outline() -> None:
    dense = Timing(kind="interval", interval_seconds=1, anchor=NOW - timedelta(days=1))
    assert plans(VIEW, dense, None).count("planned") == 1


def test_plans_an_hour_apart_are_drawn_one_by_one() -> None:
    hourly = Timing(kind="cron", cron="0 * * * *", zone="UTC")
    assert plans(VIEW, hourly, None).count("planned") == 3


def test_the_month_counts_the_fires_of_each_day_in_the_zone_of_the_schedule() -> None:
    timing = Timing(kind="cron", cron="30 2 * * *", zone="Europe/Berlin")
    weeks = months.grid(timing, date(2027, 3, 1), NOW)
    days = {day.date: [f"{at:%H:%M}" for at in day.times] for week in weeks for day in week}
    assert days[date(2027, 3, 27)] == ["02:30"]
    assert days[date(2027, 3, 28)] == ["03:00"]
    assert len(weeks[0]) == 7


def test_a_dense_day_is_counted_without_listing_it() -> None:
    timing = Timing(kind="interval", interval_seconds=1, anchor=NOW - timedelta(days=1))
    weeks = months.grid(timing, date(2026, 12, 1), NOW)
    assert {day.count for week in weeks for day in week if not day.past and not day.other} == {86_400}


@pytest.mark.parametrize("text", ["", "2027", "2027-13", "x" * 50])
def test_a_month_that_is_none_means_this_one(text: str) -> None:
    assert months.month_named(text, date(2026, 11, 26)) == date(2026, 11, 1)


def test_secret_names_are_hidden_at_any_depth() -> None:
    shown = masked({"headers": {"X-Api-Key": "a", "Accept": "b"}, "list": [{"password": "c"}], "token": ""})
    assert shown == {"headers": {"X-Api-Key": HIDDEN, "Accept": "b"}, "list": [{"password": HIDDEN}], "token": ""}


def test_the_user_part_of_an_address_is_hidden() -> None:
    assert masked("postgres://user:secret@db/x") == "postgres://db/x"


def test_a_curve_has_a_gap_where_a_value_is_missing() -> None:
    assert curve([1, 2, None, 3, 4], 2).count("<polyline") == 2


@pytest.mark.parametrize(
    ("value", "found"), [("12.5", 12.5), (True, None), ("many", None), (None, None), ("inf", None)]
)
def test_only_numbers_are_drawn(value: object, found: float | None) -> None:
    assert number(value) == found


def test_runs_too_many_to_draw_leave_a_line_and_not_a_gap() -> None:
    assert 'class="unseen"' in unseen(VIEW, NOW - timedelta(hours=1))
