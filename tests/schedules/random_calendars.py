"""Random calendars and timings, around the days on which clocks change."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from schedules.calendars.closures import closures
from schedules.calendars.definition import WEEKDAYS, read
from schedules.timing import Timing

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "Pacific/Apia"]
CRONS = ["30 2 * * *", "0 */6 * * *", "15 9 * * 1-5", "0 0 1,15 * *", "45 23 * * 6,0", "*/20 1-3 * * *"]
# Around the days on which clocks change, in spring and in autumn.
STARTS = st.sampled_from(
    [datetime(2026, 3, 6), datetime(2026, 3, 26), datetime(2026, 10, 20), datetime(2026, 12, 20)]
)
BEGINS = st.builds(
    lambda at, hours, micro: (at + timedelta(hours=hours, microseconds=micro)).replace(tzinfo=UTC),
    STARTS,
    st.integers(0, 72),
    st.sampled_from([0, 1]),
)
DATES = st.lists(
    st.one_of(
        st.dates(date(2026, 3, 1), date(2026, 4, 10)),
        st.dates(date(2026, 10, 15), date(2026, 11, 10)),
        st.dates(date(2026, 12, 15), date(2027, 1, 10)),
    ),
    max_size=6,
    unique=True,
)
CLOCKS = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15, 30]))
WEEKLY = st.builds(
    lambda days, ends, stop: {"name": "w", "days": days, "from": ends[0], "to": ends[1], "stop_running": stop},
    st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=7, unique=True),
    st.lists(CLOCKS, min_size=2, max_size=2, unique=True),
    st.booleans(),
)
ONCE = st.builds(
    lambda at, hours, zoned: {
        "name": "o",
        "from": (at.isoformat() + ("+00:00" if zoned else "")),
        "to": ((at + timedelta(hours=hours)).isoformat() + ("+00:00" if zoned else "")),
    },
    STARTS,
    st.integers(1, 90),
    st.booleans(),
)
DEFINITIONS = st.builds(
    lambda zone, weekdays, closed, opened, windows: read(
        {
            "timezone": zone,
            "weekdays": weekdays,
            "closed_dates": closed,
            "open_dates": opened,
            "windows": windows,
        }
    ),
    st.sampled_from(ZONES),
    st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True),
    DATES,
    DATES,
    st.lists(WEEKLY | ONCE, max_size=2),
)
TIMINGS = st.one_of(
    st.builds(Timing, kind=st.just("cron"), cron=st.sampled_from(CRONS), zone=st.sampled_from(ZONES)),
    st.builds(
        Timing,
        kind=st.just("interval"),
        interval_seconds=st.integers(5_000, 200_000),
        anchor=st.just(datetime(2026, 1, 1, 7, 30, tzinfo=UTC)),
        zone=st.sampled_from(ZONES),
    ),
    st.builds(Timing, kind=st.just("one_time"), at=BEGINS, zone=st.sampled_from(ZONES)),
)
RULES = st.sampled_from(["skip", "next", "previous"])


def under(timing, definition, rule="skip"):
    return replace(timing, calendar=closures("Random", 1, definition), calendar_rule=rule)
