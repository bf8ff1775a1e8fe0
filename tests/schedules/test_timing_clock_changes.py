"""Literal fire times at clock changes, in the time of the zone with its offset."""

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from schedules.timing import Timing, TimingError, clock_changes, instants, preview, stretch

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"

TABLE = [
    # forward: what has a fixed time fires once, at the first minute after the gap
    (BERLIN, "30 2 * * *", "2026-03-28T12:00+01:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]),
    (BERLIN, "0,30 2 * * *", "2026-03-28T12:00+01:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"]),
    (BERLIN, "0 2,3 * * *", "2026-03-28T12:00+01:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"]),
    (BERLIN, "30 1-3 * * *", "2026-03-29T01:30+01:00", ["2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00"]),
    (BERLIN, "30 2 29 3 *", "2026-01-01T00:00+01:00", ["2026-03-29T03:00+02:00", "2027-03-29T02:30+02:00"]),
    (NEW_YORK, "15 2 * * 0", "2026-03-07T12:00-05:00", ["2026-03-08T03:00-04:00", "2026-03-15T02:15-04:00"]),
    (LORD_HOWE, "15 2 * * *", "2026-10-03T12:00+10:30", ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"]),
    (LORD_HOWE, "45 2 * * *", "2026-10-03T12:00+10:30", ["2026-10-04T02:45+11:00", "2026-10-05T02:45+11:00"]),
    ("America/Havana", "0 0 * * *", "2026-03-07T12:00-05:00", ["2026-03-08T01:00-04:00", "2026-03-09T00:00-04:00"]),
    ("Africa/Cairo", "30 0 * * 5", "2026-04-23T12:00+02:00", ["2026-04-24T01:00+03:00", "2026-05-01T00:30+03:00"]),
    ("America/Sao_Paulo", "@daily", "2018-11-03T12:00-03:00", ["2018-11-04T01:00-02:00", "2018-11-05T00:00-02:00"]),
    ("Asia/Beirut", "@daily", "2026-03-28T12:00+02:00", ["2026-03-29T01:00+03:00", "2026-03-30T00:00+03:00"]),
    ("Europe/Dublin", "30 1 * * *", "2026-03-28T12:00+00:00", ["2026-03-29T02:00+01:00", "2026-03-30T01:30+01:00"]),
    (
        "Antarctica/Troll",
        "0 1,2 * * *",
        "2026-03-28T12:00+00:00",
        ["2026-03-29T03:00+02:00", "2026-03-30T01:00+02:00"],
    ),
    # forward: what follows the clock is left out, or goes on
    (BERLIN, "*/30 2 * * *", "2026-03-28T12:00+01:00", ["2026-03-30T02:00+02:00", "2026-03-30T02:30+02:00"]),
    (BERLIN, "30 * * * *", "2026-03-29T00:30+01:00", ["2026-03-29T01:30+01:00", "2026-03-29T03:30+02:00"]),
    (BERLIN, "0 */2 * * *", "2026-03-29T00:00+01:00", ["2026-03-29T04:00+02:00", "2026-03-29T06:00+02:00"]),
    # more than three hours are a correction: the 30th of December 2011 is not caught up
    ("Pacific/Apia", "30 12 * * *", "2011-12-29T00:00-10:00", ["2011-12-29T12:30-10:00", "2011-12-31T12:30+14:00"]),
    # back: what has a fixed time fires in the first pass only
    (BERLIN, "30 2 * * *", "2026-10-24T12:00+02:00", ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]),
    (BERLIN, "0 2 * * *", "2026-10-24T12:00+02:00", ["2026-10-25T02:00+02:00", "2026-10-26T02:00+01:00"]),
    (NEW_YORK, "30 1 * * *", "2026-10-31T12:00-04:00", ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"]),
    (LORD_HOWE, "45 1 * * *", "2026-04-04T12:00+11:00", ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"]),
    ("America/Havana", "30 0 * * *", "2026-10-31T12:00-04:00", ["2026-11-01T00:30-04:00", "2026-11-02T00:30-05:00"]),
    ("Asia/Beirut", "30 23 * * *", "2026-10-24T12:00+03:00", ["2026-10-24T23:30+03:00", "2026-10-25T23:30+02:00"]),
    ("Africa/Cairo", "30 23 * * *", "2026-10-29T12:00+03:00", ["2026-10-29T23:30+03:00", "2026-10-30T23:30+02:00"]),
    ("Europe/Dublin", "30 1 * * *", "2026-10-24T12:00+01:00", ["2026-10-25T01:30+01:00", "2026-10-26T01:30+00:00"]),
    # back: what follows the clock fires in both passes
    (BERLIN, "*/30 2 * * *", "2026-10-25T02:00+02:00", ["2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00"]),
    (BERLIN, "30 * * * *", "2026-10-25T02:00+02:00", ["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"]),
    (LORD_HOWE, "*/15 1 * * *", "2026-04-05T01:30+11:00", ["2026-04-05T01:45+11:00", "2026-04-05T01:30+10:30"]),
    # a start within the second pass, or at its very beginning
    (BERLIN, "30 2 * * *", "2026-10-25T02:10+01:00", ["2026-10-26T02:30+01:00", "2026-10-27T02:30+01:00"]),
    (BERLIN, "*/30 2 * * *", "2026-10-25T02:10+01:00", ["2026-10-25T02:30+01:00", "2026-10-26T02:00+01:00"]),
    (BERLIN, "0 3 * * *", "2026-10-25T02:59+01:00", ["2026-10-25T03:00+01:00", "2026-10-26T03:00+01:00"]),
    (NEW_YORK, "5-59/10 1 * * *", "2026-11-01T01:00-05:00", ["2026-11-02T01:05-05:00", "2026-11-02T01:15-05:00"]),
    # a start at the moment of the change, and a second before it
    (BERLIN, "30 2 * * *", "2026-03-29T03:00:00+02:00", ["2026-03-30T02:30+02:00", "2026-03-31T02:30+02:00"]),
    (BERLIN, "30 2 * * *", "2026-03-29T01:59:59+01:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]),
]


@pytest.mark.parametrize(("zone", "expression", "after", "expected"), TABLE)
def test_an_expression_fires_at(zone, expression, after, expected):
    found = islice(instants(Timing("cron", cron=expression, zone=zone), datetime.fromisoformat(after)), len(expected))
    assert [at.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes") for at in found] == expected


def test_a_stretch_over_a_gap_holds_the_late_fire():
    timing = Timing("cron", cron="30 2 * * *", zone=BERLIN)
    first, late, last = (datetime(2026, 3, *at, tzinfo=UTC) for at in ((28, 1, 30), (29, 1, 0), (30, 0, 30)))
    counted = stretch(timing, first, last, 3)
    assert (counted.count, counted.newest) == (3, (first, late, last))
    assert stretch(timing, first, late, 1).newest == (late,)


@pytest.mark.parametrize(
    ("zone", "expression", "after", "said"),
    [
        (BERLIN, "30 2 * * *", "2026-03-01", "02:30 does not exist that night; it fires once at 03:00."),
        (BERLIN, "0,30 2 * * *", "2026-03-01", "02:00 and 02:30 do not exist that night; it fires once at 03:00."),
        (
            BERLIN,
            "*/9 2 * * *",
            "2026-03-01",
            "7 times from 02:00 to 02:54 do not exist that night; they are left out.",
        ),
        (BERLIN, "30 2 * * *", "2026-10-01", "02:30 comes twice that night; it fires once, the first time."),
        (BERLIN, "*/30 2 * * *", "2026-10-01", "02:00 and 02:30 come twice that night; it fires both times."),
        (BERLIN, "*/30 * * * *", "2026-10-01", "It follows the clock that ticks: no fire is lost, none is doubled."),
        (BERLIN, "30 12 * * *", "2026-10-01", "No time of this schedule comes twice."),
        (BERLIN, "30 2 * * 1", "2026-03-01", "No time of this schedule is left out."),
        ("Asia/Beirut", "30 23 * * *", "2026-10-01", "23:30 comes twice that night; it fires once, the first time."),
        ("Pacific/Apia", "30 12 * * *", "2011-12-01", "12:30 does not exist that day; it is left out."),
    ],
)
def test_a_preview_says_what_a_clock_change_does(zone, expression, after, said):
    start = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert preview(Timing("cron", cron=expression, zone=zone), start, 1).effects[0].sentence == said


def test_clock_changes_carry_their_offsets():
    spring, autumn = clock_changes(LORD_HOWE, datetime(2026, 9, 1, tzinfo=UTC), 2)
    assert spring.at == datetime(2026, 10, 3, 15, 30, tzinfo=UTC)
    assert (spring.before.total_seconds(), spring.after.total_seconds(), spring.gap) == (37_800, 39_600, True)
    assert autumn.at == datetime(2027, 4, 3, 15, 0, tzinfo=UTC)
    assert not autumn.gap


def test_a_clock_change_is_ahead_of_itself_no_longer():
    (first,) = clock_changes(BERLIN, datetime(2026, 1, 1, tzinfo=UTC), 1)
    assert clock_changes(BERLIN, first.at, 1)[0].at == datetime(2026, 10, 25, 1, tzinfo=UTC)


def test_two_changes_within_a_week_are_both_found():
    found = clock_changes("America/Recife", datetime(2000, 10, 1, tzinfo=UTC), 2)
    assert [change.at for change in found] == [
        datetime(2000, 10, 8, 3, tzinfo=UTC),
        datetime(2000, 10, 15, 2, tzinfo=UTC),
    ]


def test_a_zone_without_changes_has_none():
    assert clock_changes("UTC", datetime(2026, 1, 1, tzinfo=UTC), 2) == ()


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "europe/berlin ", "UTC\0", "x" * 10_000])
def test_an_unknown_zone_is_refused(name):
    with pytest.raises(TimingError, match="no time zone"):
        preview(Timing("cron", cron="* * * * *", zone=name), datetime(2026, 1, 1, tzinfo=UTC), 1)
