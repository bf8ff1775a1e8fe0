import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.cron import CronError, parse, write_out
from schedules.timing import Timing, TimingError, check, occurrences

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def refusal(expression):
    with pytest.raises(CronError) as refused:
        parse(expression)
    return refused.value


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("5 22-4 * * *", "Hour, characters 3 to 6: 22-4 runs backwards. Write 22-23,0-4."),
        ("5 22-0 * * *", "Hour, characters 3 to 6: 22-0 runs backwards. Write 22-23,0."),
        ("5 22-4/2 * * *", "Hour, characters 3 to 8: 22-4/2 runs backwards. Write 22,0,2,4."),
        ("0 0 * * sat-sun", "Day of week, characters 9 to 15: SAT-SUN runs backwards. Write 6-7."),
        ("0 0 * * fri-mon", "Day of week, characters 9 to 15: FRI-MON runs backwards. Write 5-7,1."),
        ("0 0 * nov-feb *", "Month, characters 7 to 13: NOV-FEB runs backwards. Write 11-12,1-2."),
        ("5/15 * * * *", "Minute, characters 1 to 4: 5/15 has a step but no range. Write 5-59/15."),
        ("*/0 * * * *", "Minute, characters 1 to 3: a step of 0 goes nowhere. Write */1."),
        ("0 24 * * *", "Hour, characters 3 to 4: 24 is above 23. Write 0 for midnight."),
        ("0 0 0 * *", "Day of month, character 5: 0 is below 1. Write 1 to 31."),
        (
            "1,,2 * * * *",
            "Minute, character 3: a comma has nothing beside it. Leave the comma out, or write a number.",
        ),
        ("0 0 ? * *", "Day of month, character 5: ? cannot be read. Write *."),
        ("0 0 * * MONDAY", "Day of week, characters 9 to 14: MONDAY cannot be read. Write MON."),
        (
            "0 0 * * FRIL",
            "Day of week, characters 9 to 12: FRIL cannot be read. Write 5L for the last one of the month.",
        ),
        ("h 0 * * *", "Minute, character 1: h cannot be read. Write H, with a capital letter."),
        ("H(9-5) 0 * * *", "Minute, characters 1 to 6: H(9-5) runs backwards. Write H(5-9)."),
        ("@DAILY", "Characters 1 to 6: Nicknames are in small letters. Write @daily."),
        (
            "0 * * * * *",
            "There are six fields; seconds are for interval schedules. Leave out the field of the seconds: * * * * *",
        ),
    ],
)
def test_an_error_says_where_why_and_what_to_write(expression, message):
    assert str(refusal(expression)) == message


def test_an_error_is_data():
    error = refusal("  0,61\t* * * *")
    assert (error.field, error.start, error.end) == ("Minute", 5, 6)
    assert (error.sentence, error.hint) == ("61 is above 59.", "Write 0 to 59.")


BACKWARDS = [
    "5 22-4 * * *",
    "5 23-0 * * *",
    "5 20-4/3 * * *",
    "0 0 * * 5-1",
    "0 0 * * 6-0",
    "0 0 * * 5-1/2",
    "0 0 30-2 * *",
]
NO_RANGE = ["5/15 * * * *", "0 5/7 * * *", "0 0 * * 1/2", "0 0 3/4 * *", "*/0 * * * *", "0 24 * * *"]


@pytest.mark.parametrize("hint_of", [*BACKWARDS, *NO_RANGE])
def test_what_a_hint_proposes_can_be_read(hint_of):
    error = refusal(hint_of)
    proposed = error.hint.removeprefix("Write ").removesuffix(".").removesuffix(" for midnight")
    parse(hint_of[: error.start - 1] + proposed + hint_of[error.end :])


UNREADABLE = [
    "",
    " ",
    "*",
    "* * * *",
    "* * * * * * *",
    "\n* * * * *",
    "* * * * *\n",
    "* *\x00 * * *",
    "* *\x0b* * *",
    "*\xa0* * * *",
    "٣ * * * *",
    "* * * * ﬁ",
    "-1 * * * *",
    "1- * * * *",
    "1-2-3 * * * *",
    "*-5 * * * *",
    "*/ * * * *",
    "/5 * * * *",
    "1.5 * * * *",
    "+1 * * * *",
    "0x5 * * * *",
    "60 * * * *",
    "* * 32 * *",
    "* * * 13 *",
    "* * * * 8",
    "mon * * * *",
    "* * * fri *",
    "0 0 L-3 * *",
    "0 0 L/2 * *",
    "0 0 * * L",
    "0 0 * * 1#6",
    "0 0 * * 1#0",
    "0 0 * * 8L",
    "0 0 1#2 * *",
    "0 0 * * 1-5#2",
    "5L * * * *",
    "0 LW * * *",
    "0 0 15W * *",
    "@reboot",
    "@every 5m",
    "@daily x",
    "@",
    "*/5/5 * * * *",
    "H-5 * * * *",
    "H(0-99) * * * *",
    "H() * * * *",
    "H/0 * * * *",
    "0 0 * * H#2",
    "* * * * *;ls",
    "1" * 1001,
]


@pytest.mark.parametrize("expression", UNREADABLE)
def test_what_debian_cron_cannot_read_is_refused(expression):
    refusal(expression)


@pytest.mark.parametrize("value", [None, 5, b"* * * * *", ["*"]])
def test_what_is_no_text_is_refused(value):
    assert "is text" in str(refusal(value))


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 31 2 *",
        "0 0 30,31 feb *",
        "0 0 31 4,6,9,11 *",
        "0 0 30 2 */2",
        "0 0 */15 2 1#5",
        "0 0 */20 * 1L",
        "0 0 31 2 */7",
    ],
)
def test_what_never_fires_is_refused_with_that_reason(expression):
    assert "never fires" in str(refusal(expression))


def test_what_falls_into_a_gap_each_time_is_refused_with_that_reason():
    with pytest.raises(TimingError, match="never fires: the clocks of Europe/Berlin"):
        check(Timing("cron", cron="*/5 2 * 3 0L", zone="Europe/Berlin"), NOW)


@pytest.mark.parametrize("expression", ["0 0 31 2 1", "0 0 29 2 *", "0 0 29 2 */7", "0 0 31,L 2 *", "0 0 30 2 FRI#2"])
def test_what_fires_seldom_is_read(expression):
    check(Timing("cron", cron=expression), NOW)


@pytest.mark.parametrize(
    ("expression", "same"),
    [
        ("4-4/2 * * * *", "4 * * * *"),
        ("59-59/7 * * * *", "59 * * * *"),
        ("0 0 4-4/2 * *", "0 0 4 * *"),
        ("0 0 25-27/9 * 3-3/2", "0 0 25 * 3"),
        ("5-20/99 * * * *", "5 * * * *"),
        ("*/99999999999999999999 * * * *", "0 * * * *"),
        ("*/40 1 * * *", "0,40 1 * * *"),
        ("0 0 * * 7", "0 0 * * 0"),
        ("0 0 * * 0-7", "0 0 * * *"),
        ("0 0 * * Mon-FRI/2", "0 0 * * 1,3,5"),
        ("0 0 * jAn,oct-DEC *", "0 0 * 1,10,11,12 *"),
        ("007 08 * * *", "7 8 * * *"),
        ("\t 0  0\t* * *  ", "0 0 * * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
        ("0 0 l * *", "0 0 L * *"),
        ("0 0 * * fri#2", "0 0 * * 5#2"),
        ("0 0 * * 7L", "0 0 * * 0L"),
    ],
)
def test_two_ways_to_write_one_thing_fire_alike(expression, same):
    until = datetime(2028, 3, 1, tzinfo=UTC)
    found = occurrences(Timing("cron", cron=expression), NOW, until, 500)
    assert found
    assert found == occurrences(Timing("cron", cron=same), NOW, until, 500)


def test_a_thousand_characters_are_read_and_one_more_is_not():
    assert parse("1," * 495 + "1 * * * *".ljust(10)).minutes == {1}
    assert "at most 1000" in str(refusal("1," * 496 + "1 * * * *"))


def test_h_is_written_out_the_same_each_time_and_differs_between_schedules():
    seeds = [f"production/report-{n}" for n in range(50)]
    written = [write_out("H H * * *", seed) for seed in seeds]
    assert written == [write_out("H H * * *", seed) for seed in seeds]
    assert len(set(written)) > 40


@given(seed=st.text(max_size=20))
def test_h_stays_in_its_range_and_keeps_its_step(seed):
    minute, hour, day, month, weekday = write_out("H(10-29)/5 H(1-4) H H H", seed).split(" ")
    first = int(minute.split("-")[0])
    assert minute == f"{first}-29/5"
    assert 10 <= first <= 14
    assert 1 <= int(hour) <= 4
    assert 1 <= int(day) <= 28
    assert 1 <= int(month) <= 12
    assert 0 <= int(weekday) <= 6


def test_a_seed_changes_nothing_without_h():
    assert parse("5 4 * MAR THU", "one") is parse("5 4 * MAR THU", "two")


@pytest.mark.parametrize("expression", ["1-5,H * * * *", "H/15 H(0-7) * * *", "H H(22-23) * * H"])
def test_what_is_written_out_is_read_as_the_same(expression):
    assert parse(write_out(expression, "x")).minutes == parse(expression, "x").minutes
    assert "H" not in write_out(expression, "x")


ALPHABET = st.sampled_from([*"0123456789*/,-#@LWH?() \t", "MON", "feb", "99", "* * * * *"])


@given(expression=st.lists(ALPHABET, max_size=40).map("".join) | st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused_within_100_ms(expression):
    began = time.perf_counter()
    with suppress(CronError):
        parse(expression, "seed")
    assert time.perf_counter() - began < 0.1


SEARCHED = ["0 0 */15 2 1#5", "*/5 2 * 3 0L", "* * " + "31," * 300 + "31 2 */7"]
LONG = ["9" * 1000, "1-" * 500, "H(" * 400, "," * 1000, " " * 1000, "\x00" * 1000, "@" * 1000, "x" * 10**6]


@pytest.mark.parametrize("expression", [*SEARCHED, *LONG, "*/" + "9" * 900 + " 24 * * *"])
def test_hostile_input_is_refused_within_100_ms(expression):
    timing = Timing("cron", cron=expression, zone="Europe/Berlin")
    check(Timing("cron", cron="* * * * *", zone="Europe/Berlin"), NOW)  # the zone itself is read once per process
    began = time.perf_counter()
    with pytest.raises(TimingError):
        check(timing, NOW)
    assert time.perf_counter() - began < 0.1


@pytest.mark.parametrize(
    "expression", ["*/7 3-9/2 * * 1-5", "0 0 13 * 5", "0 6 LW * *", "30 5 * * 2L", "0 0 29 2 */7", "1 1 1-7 * */7"]
)
def test_without_clock_changes_cronsim_agrees(expression):
    reference = CronSim(expression, NOW)
    assert occurrences(Timing("cron", cron=expression), NOW, datetime(9998, 1, 1, tzinfo=UTC), 40) == [
        next(reference) for _ in range(40)
    ]
