import time
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.timing import (
    Timing,
    TimingError,
    check,
    diff,
    instants,
    next_instant,
    occurrences,
    preview,
    sentence,
    smallest_gap,
    stretch,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Beirut",
    "Europe/Dublin",
    "Asia/Tokyo",
]
CRONS = ["* * * * *", "*/7 * * * *", "30 2 * * *", "0 */3 * * *", "0,30 1-3 * * 0", "15 0 L * *", "H H(0-3) * * *"]
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
# around the hours that Berlin, Dublin and New York have twice, to the microsecond
SECOND_PASSES = st.datetimes(datetime(2026, 10, 24, 22), datetime(2026, 11, 1, 8)).map(
    lambda at: at.replace(tzinfo=UTC)
)
CRON = st.builds(
    Timing, kind=st.just("cron"), cron=st.sampled_from(CRONS), zone=st.sampled_from(ZONES), seed=st.text()
)
INTERVAL = st.builds(
    Timing,
    kind=st.just("interval"),
    interval_seconds=st.integers(1, 10**6),
    anchor=MOMENTS,
    zone=st.sampled_from(ZONES),
)
BOUNDS = st.none() | MOMENTS


def test_an_interval_fires_first_one_interval_after_its_anchor():
    timing = Timing("interval", interval_seconds=90, anchor=NOW)
    assert list(islice(instants(timing, NOW - DAY), 2)) == [NOW + timedelta(seconds=90), NOW + timedelta(seconds=180)]


def test_an_interval_keeps_its_beat_whenever_one_asks():
    timing = Timing("interval", interval_seconds=7, anchor=NOW)
    assert next_instant(timing, NOW + timedelta(seconds=7 * 10**6)) == NOW + timedelta(seconds=7 * (10**6 + 1))


def test_an_interval_ends_with_the_calendar():
    timing = Timing("interval", interval_seconds=31_536_000, anchor=NOW)
    assert list(instants(timing, datetime(9999, 12, 31, tzinfo=UTC))) == []


def test_an_interval_without_an_anchor_counts_from_the_question():
    assert next_instant(Timing("interval", interval_seconds=60), NOW) == NOW + timedelta(seconds=60)


@pytest.mark.parametrize("seconds", [0, -1, 31_536_001, 10**30])
def test_an_interval_outside_a_second_and_a_year_is_refused(seconds):
    with pytest.raises(TimingError, match="between 1 and 31536000 seconds"):
        check(Timing("interval", interval_seconds=seconds, anchor=NOW), NOW)


@pytest.mark.parametrize("kind", ["one_time", "immediate"])
def test_what_runs_once_fires_once_without_microseconds(kind):
    timing = Timing(kind, at=NOW.replace(microsecond=7))
    assert list(instants(timing, NOW - HOUR)) == [NOW]
    assert next_instant(timing, NOW) is None


def test_what_runs_by_hand_never_fires():
    assert next_instant(Timing("manual"), NOW) is None


def test_start_and_end_are_instants_themselves():
    timing = Timing("cron", cron="0 * * * *", start=NOW, end=NOW + 2 * HOUR)
    assert list(instants(timing, NOW - DAY)) == [NOW, NOW + HOUR, NOW + 2 * HOUR]
    assert next_instant(timing, NOW - DAY) == NOW
    assert next_instant(timing, NOW + 2 * HOUR) is None


def test_the_first_day_of_the_calendar_is_a_start():
    start = datetime.min.replace(tzinfo=UTC)
    assert next_instant(Timing("cron", cron="0 0 * * *", start=start), start) is not None


@given(timing=CRON | INTERVAL, after=MOMENTS | SECOND_PASSES, start=BOUNDS, end=BOUNDS)
@settings(deadline=None)
def test_instants_rise_from_after_the_start_without_microseconds(timing, after, start, end):
    bound = Timing(timing.kind, timing.cron, timing.interval_seconds, None, timing.anchor, timing.zone, start, end)
    found = list(islice(instants(bound, after), 30))
    assert all(a < b for a, b in pairwise([after, *found]))
    assert all(at.microsecond == 0 and at.tzinfo is UTC for at in found)
    assert all((start is None or at >= start) and (end is None or at <= end) for at in found)
    assert next_instant(bound, after) == (found[0] if found else None)


@given(timing=CRON | INTERVAL, after=MOMENTS | SECOND_PASSES)
@settings(deadline=None)
def test_each_instant_follows_from_the_one_before(timing, after):
    found = list(islice(instants(timing, after), 10))
    assert found[1:] == [next_instant(timing, at) for at in found[:-1]]
    assert next_instant(timing, found[5] - timedelta(microseconds=1)) == found[5]


@given(timing=CRON | INTERVAL, after=MOMENTS | SECOND_PASSES, number=st.integers(1, 60), newest=st.integers(0, 70))
@settings(deadline=None)
def test_a_stretch_is_what_enumeration_gives(timing, after, number, newest):
    found = list(islice(instants(timing, after), number))
    expected = tuple(found[-newest:]) if newest else ()
    for until in (found[-1], next(instants(timing, found[-1])) - timedelta(microseconds=1)):
        counted = stretch(timing, found[0], until, newest)
        assert (counted.first, counted.last, counted.count, counted.newest) == (found[0], found[-1], number, expected)


def test_a_stretch_ends_with_its_schedule():
    timing = Timing("cron", cron="0 * * * *", end=NOW + 3 * HOUR)
    counted = stretch(timing, NOW, NOW + DAY, 2)
    assert (counted.count, counted.newest) == (4, (NOW + 2 * HOUR, NOW + 3 * HOUR))


def test_a_stretch_of_what_runs_once_is_that_instant():
    counted = stretch(Timing("one_time", at=NOW), NOW, NOW + DAY, 5)
    assert (counted.count, counted.newest) == (1, (NOW,))


@pytest.mark.parametrize(
    ("timing", "until", "count"),
    [
        (Timing("cron", cron="* * * * *", zone="Europe/Berlin"), NOW + 365 * DAY, 365 * 1440 + 1),
        (Timing("cron", cron="* * * * *", zone="UTC"), NOW + 36_525 * DAY, 36_525 * 1440 + 1),
        (Timing("interval", interval_seconds=1, anchor=NOW), NOW + 36_525 * DAY, 36_525 * 86_400 + 1),
    ],
)
def test_a_century_is_counted_at_once(timing, until, count):
    began = time.perf_counter()
    assert stretch(timing, NOW, until, 100).count == count
    assert time.perf_counter() - began < 0.5


def test_ten_thousand_schedules_learn_their_next_instant_in_half_a_second():
    timings = [
        Timing("cron", cron=f"*/{n % 5 + 1} * * * *", zone="Europe/Berlin", seed=str(n)) for n in range(10_000)
    ]
    began = time.perf_counter()
    assert all(next_instant(timing, NOW + timedelta(microseconds=17)) for timing in timings)
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize(
    ("cron", "zone", "gap"),
    [
        ("* * * * *", "UTC", timedelta(minutes=1)),
        ("*/7 * * * *", "UTC", timedelta(minutes=4)),
        ("0 0,23 * * *", "UTC", HOUR),
        ("0 0,23 * * 1", "UTC", 23 * HOUR),
        ("0 0 * * 1", "UTC", 7 * DAY),
        ("0 0 28 2,3 *", "UTC", 28 * DAY),
        ("0 0 31 12 *", "UTC", 365 * DAY),
        ("59 23 31 12 *", "UTC", 365 * DAY),
        ("0 * * * *", "Europe/Berlin", HOUR),
        ("30 2,3 * * *", "UTC", HOUR),
        ("30 2,3 * * *", "Europe/Berlin", HOUR / 2),  # 02:30 fires at 03:00 on the night without it
        ("*/59 1 * * *", "America/New_York", timedelta(minutes=1)),  # 01:59, and 01:00 of the second pass
        ("30 2 * * *", "Europe/Berlin", 23 * HOUR + HOUR / 2),
    ],
)
def test_the_smallest_gap_holds_all_year_round(cron, zone, gap):
    assert smallest_gap(Timing("cron", cron=cron, zone=zone), NOW) == gap


def test_what_fires_once_has_no_gap():
    assert smallest_gap(Timing("one_time", at=NOW), NOW) == timedelta.max


@pytest.mark.parametrize("cron", ["0 0 29 2 */7", "0 0 1 1 *", "1 1 1-7 * */7"])
def test_the_smallest_gap_is_found_within_100_ms(cron):
    began = time.perf_counter()
    assert smallest_gap(Timing("cron", cron=cron, zone="America/Chicago"), NOW) > 6 * DAY
    assert time.perf_counter() - began < 0.1


def test_occurrences_stop_at_the_end_and_at_the_limit():
    timing = Timing("cron", cron="0 * * * *")
    assert occurrences(timing, NOW, NOW + 2 * HOUR, 10) == [NOW + HOUR, NOW + 2 * HOUR]
    assert occurrences(timing, NOW, NOW + 2 * HOUR, 1) == [NOW + HOUR]


def test_a_difference_tells_added_removed_and_kept():
    old, new = Timing("cron", cron="0 13,14 * * *"), Timing("cron", cron="0 14,15 * * *")
    found = diff(old, new, NOW, NOW + 6 * HOUR)
    assert (found.added, found.removed, found.kept) == ((NOW + 3 * HOUR,), (NOW + HOUR,), (NOW + 2 * HOUR,))
    assert found.until == NOW + 6 * HOUR


def test_a_difference_of_many_instants_says_how_far_it_looked():
    old = Timing("interval", interval_seconds=1, anchor=NOW)
    new = Timing("interval", interval_seconds=2, anchor=NOW)
    found = diff(old, new, NOW, NOW + 365 * DAY, limit=100)
    assert (len(found.added), len(found.removed), len(found.kept)) == (0, 50, 50)
    assert found.until == NOW + timedelta(seconds=100)


def test_a_preview_shows_words_instants_and_the_next_two_clock_changes():
    shown = preview(Timing("cron", cron="30 2 * * *", zone="Europe/Berlin"), NOW, 10)
    assert shown.sentence == "Every day at 02:30"
    assert len(shown.instants) == 10
    assert [effect.change.at.month for effect in shown.effects] == [3, 10]


def test_a_preview_of_what_runs_once_has_no_clock_changes():
    shown = preview(Timing("one_time", at=NOW, zone="Europe/Berlin"), NOW - DAY, 10)
    assert (shown.instants, shown.effects) == ((NOW,), ())


@pytest.mark.parametrize(
    ("timing", "said"),
    [
        (Timing("interval", interval_seconds=60), "Every minute"),
        (Timing("interval", interval_seconds=90), "Every 90 seconds"),
        (Timing("interval", interval_seconds=7200), "Every 2 hours"),
        (Timing("interval", interval_seconds=604_800), "Every week"),
        (Timing("manual"), "Only by hand"),
        (Timing("immediate"), "Once, when it is created"),
        (Timing("one_time", at=datetime(2026, 11, 26, 6, 15, tzinfo=UTC)), "Once, on Thu 26 Nov 2026 at 06:15"),
        (
            Timing("one_time", at=datetime(2026, 11, 26, 6, 15, tzinfo=UTC), zone="Asia/Tokyo"),
            "Once, on Thu 26 Nov 2026 at 15:15",
        ),
        (
            Timing("cron", cron="@hourly", start=NOW, end=NOW + timedelta(seconds=61)),
            "Every hour, from Sun 1 Mar 2026 at 12:00, until Sun 1 Mar 2026 at 12:01:01",
        ),
    ],
)
def test_a_timing_is_said_in_english(timing, said):
    assert sentence(timing) == said
