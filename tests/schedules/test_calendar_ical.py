"""Which days an iCalendar file closes, and what is said of a file that cannot be read."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schedules.calendars import countries, ical

SINCE, UNTIL = date(2026, 1, 1), date(2028, 12, 31)


def file(*lines, more=""):
    event = "\n".join(["BEGIN:VEVENT", "UID:1", "SUMMARY:Day", *lines, "END:VEVENT"])
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//tests//EN\n{event}\n{more}END:VCALENDAR\n"


def days(*lines, **options):
    return [f"{one.date:%Y%m%d}" for one in ical.dates(file(*lines, **options), since=SINCE, until=UNTIL)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["DTSTART;VALUE=DATE:20261225"], ["20261225"]),
        (["DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20261227"], ["20261225", "20261226"]),
        (["DTSTART;VALUE=DATE:20261225", "DURATION:P2D"], ["20261225", "20261226"]),
        (["DTSTART;VALUE=DATE:20251231", "DURATION:P3D"], ["20260101", "20260102"]),
        (["DTSTART;VALUE=DATE:20201225", "RRULE:FREQ=YEARLY"], ["20261225", "20271225", "20281225"]),
        (["DTSTART;VALUE=DATE:20201225", "RRULE:FREQ=YEARLY;COUNT=7"], ["20261225"]),
        (["DTSTART;VALUE=DATE:20201225", "RRULE:FREQ=YEARLY;UNTIL=20271225T000000Z"], ["20261225", "20271225"]),
        (
            ["DTSTART;VALUE=DATE:20201225", "RRULE:FREQ=YEARLY", "EXDATE;VALUE=DATE:20271225"],
            ["20261225", "20281225"],
        ),
        (["DTSTART;VALUE=DATE:20261225", "RDATE;VALUE=DATE:20270101,20270102"], ["20261225", "20270101", "20270102"]),
        (
            ["DTSTART;VALUE=DATE:20261126", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"],
            ["20261126", "20271125", "20281123"],
        ),
        (["DTSTART;VALUE=DATE:20261225", "STATUS:CANCELLED"], []),
        (["DTSTART;VALUE=DATE:19700101", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"], []),
    ],
)
def test_all_day_events_close_their_days(lines, expected):
    assert days(*lines) == expected


def test_a_repetition_that_was_moved_closes_the_day_it_was_moved_to():
    moved = "BEGIN:VEVENT\nUID:1\nRECURRENCE-ID;VALUE=DATE:20271225\nDTSTART;VALUE=DATE:20271224\nEND:VEVENT\n"
    found = days("DTSTART;VALUE=DATE:20201225", "RRULE:FREQ=YEARLY", more=moved)
    assert found == ["20261225", "20271224", "20281225"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no events"),
        ("hello", "no iCalendar file"),
        ("BEGIN:VCALENDAR\nfoo\nEND:VCALENDAR", "no iCalendar file"),
        (file("DTSTART:20261225T100000Z"), "VEVENT 'Day': it has a clock time"),
        (file("DTSTART;VALUE=DATE:2026122"), "VEVENT 'Day': DTSTART cannot be read"),
        (file(), "VEVENT 'Day': it has no DTSTART"),
        (file("DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20261225"), "1 to 366 days"),
        (file("DTSTART;VALUE=DATE:20261225", "DURATION:PT2H"), "part of a day"),
        (file("DTSTART;VALUE=DATE:20261225", "RRULE:FREQ=HOURLY"), "by less than a day"),
        (file("DTSTART;VALUE=DATE:20261225", "RRULE:FREQ=SOMETIMES"), "RRULE cannot be read"),
        (file("DTSTART;VALUE=DATE:10661014"), "between 1970"),
        ("x" * 1_000_001, "larger than"),
    ],
)
def test_what_cannot_be_read_is_named(text, sentence):
    with pytest.raises(ical.UnreadableFile) as refused:
        ical.dates(text, since=SINCE, until=UNTIL)
    assert sentence in str(refused.value)


def test_rules_that_would_take_long_are_refused_at_once():
    event = "BEGIN:VEVENT\nUID:{n}\nDTSTART;VALUE=DATE:19700101\nRRULE:FREQ=DAILY\nEND:VEVENT\n"
    with pytest.raises(ical.UnreadableFile, match="name fewer years"):
        days("DTSTART;VALUE=DATE:20261225", more="".join(event.format(n=n) for n in range(100)))


def test_holidays_of_a_part_of_a_country_are_more_than_those_of_the_whole():
    whole, part = countries.dates("DE", "", [2026]), countries.dates("de", "by", [2026])
    assert {one.date for one in whole} < {one.date for one in part}


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "holidays", None)
    with pytest.raises(countries.UnknownHolidays, match=r"install carillon\[holidays\]"):
        countries.dates("LV", "", [2026])


SCRAPS = [
    "",
    "DATE-TIME",
    "99991231",
    "SECONDLY",
    ";COUNT=-1",
    ";BYDAY=XX",
    ":",
    ";",
    "\n",
    "=",
    "BEGIN:VEVENT\n",
    ",",
    "\0",
]
WHOLE = file("DTSTART;VALUE=DATE:20200611", "RRULE:FREQ=YEARLY;COUNT=30", "EXDATE;VALUE=DATE:20270611").replace(
    "BEGIN:VEVENT", "BEGIN:VTIMEZONE\nTZID:Here\nEND:VTIMEZONE\nBEGIN:VEVENT"
)


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 12), st.sampled_from(SCRAPS)), max_size=4))
@example([(0, 0, "DTSTART;VALUE=DATE;VALUE=DATE:2020"), (16, 9, "VTIMEZONE\nTZID:X")])
def test_whatever_is_broken_in_a_file_is_refused_in_a_sentence(cuts):
    text = WHOLE
    for place, length, scrap in cuts:
        text = text[:place] + scrap + text[place + length :]
    with suppress(ical.UnreadableFile):
        found = ical.dates(text, since=SINCE, until=UNTIL)
        assert all(SINCE <= one.date <= UNTIL for one in found)
