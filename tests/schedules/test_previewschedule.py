import json
import os
import subprocess
import sys
import time
from io import BytesIO, StringIO, TextIOWrapper

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from schedules.management.commands.previewschedule import LONGEST_LINE

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo"]


@pytest.fixture
def batch(monkeypatch):
    """Answer lines (bytes, text or objects) by one run of the command; gives the answers."""

    def ask(*lines):
        encoded = [line if isinstance(line, bytes) else _text(line).encode() for line in lines]
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b"\n".join(encoded))))
        return [json.loads(line) for line in shown("--batch").splitlines()]

    return ask


def _text(line):
    return line if isinstance(line, str) else json.dumps(line)


def shown(*arguments):
    out = StringIO()
    call_command("previewschedule", *arguments, stdout=out)
    return out.getvalue()


def test_it_shows_words_times_and_clock_changes():
    lines = shown(
        "30 2 * * *", "--timezone", "Europe/Berlin", "--after", "2026-03-28T12:00", "--count", "2"
    ).splitlines()
    assert lines == [
        "Every day at 02:30 (Europe/Berlin)",
        "2026-03-29T03:00:00+02:00  Sun  2026-03-29 01:00 UTC",
        "2026-03-30T02:30:00+02:00  Mon  2026-03-30 00:30 UTC",
        "Clock change on 2026-03-29: 02:30 does not exist that night; it fires once at 03:00.",
        "Clock change on 2026-10-25: 02:30 comes twice that night; it fires once, the first time.",
    ]


def test_json_is_one_array_of_times():
    out = shown(
        "0 9 * * *", "--timezone", "America/New_York", "--after", "2026-01-01T00:00:00Z", "--count", "1", "--json"
    )
    assert json.loads(out) == ["2026-01-01T09:00:00-05:00"]


def test_it_counts_from_now_and_shows_five():
    times = json.loads(shown("* * * * *", "--json"))
    assert len(times) == 5


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["61 * * * *"],
        ["* * * * *", "--timezone", "Mars/Olympus"],
        ["* * * * *", "--after", "tomorrow"],
        ["* * * * *", "--count", "0"],
        ["* * * * *", "--count", "1001"],
        ["* * * * *", "--batch"],
    ],
)
def test_bad_arguments_end_with_code_2(arguments):
    with pytest.raises(CommandError) as refused:
        shown(*arguments)
    assert refused.value.returncode == 2


def test_a_batch_answers_each_line_in_order(batch):
    answers = batch(
        {"expr": "30 2 * * *", "tz": "Europe/Berlin", "start": "2026-03-28T12:00:00+01:00", "count": 2},
        {"expr": "30 2 30 2 *"},
        {"expr": "@daily", "tz": None, "start": "2026-01-01", "count": 1},
    )
    assert answers[0] == {
        "valid": True,
        "times": ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"],
        "sentence": "Every day at 02:30",
    }
    assert answers[1]["valid"] is False
    assert "never fires" in answers[1]["error"]
    assert answers[2] == {"valid": True, "times": ["2026-01-02T00:00:00+00:00"], "sentence": "Every day at 00:00"}


def test_a_start_without_offset_is_in_the_zone(batch):
    (answer,) = batch({"expr": "0 * * * *", "tz": "Asia/Tokyo", "start": "2026-01-01T08:30", "count": 1})
    assert answer["times"] == ["2026-01-01T09:00:00+09:00"]


def test_a_start_in_the_second_pass_stays_there(batch):
    (answer,) = batch(
        {"expr": "*/30 2 * * *", "tz": "Europe/Berlin", "start": "2026-10-25T02:10:00+01:00", "count": 1}
    )
    assert answer["times"] == ["2026-10-25T02:30:00+01:00"]


EVERY_MINUTE = {"expr": "* * * * *"}
HOSTILE = [
    "",
    "   ",
    "null",
    "[]",
    '"* * * * *"',
    "{",
    '{"expr": NaN}',
    '{"expr": "* * * * *", "count": NaN}',
    '{"expr": "* * * * *", "count": ' + "9" * 5000 + "}",
    "[" * 60_000,
    '{"expr":' * 8_000,
    b"\xff\xfe{}",
    b"\x00",
    "x" * (LONGEST_LINE * 3),
    {},
    {"expr": None},
    {"expr": ["* * * * *"]},
    {"expr": "* * * * *\0"},
    {"expr": "9" * 60_000},
    {"expr": "\ud800 * * * *"},
    {**EVERY_MINUTE, "timezone": "UTC"},
    {**EVERY_MINUTE, "tz": "Nowhere/City"},
    {**EVERY_MINUTE, "tz": "../../etc/passwd"},
    {**EVERY_MINUTE, "tz": "\0"},
    {**EVERY_MINUTE, "tz": 5},
    {**EVERY_MINUTE, "start": "yesterday"},
    {**EVERY_MINUTE, "start": "2026-02-30T00:00:00Z"},
    {**EVERY_MINUTE, "start": "0001-01-01T00:00:00+14:00"},
    {**EVERY_MINUTE, "start": "9999-12-31T23:59:59-14:00"},
    {**EVERY_MINUTE, "start": "0001-01-01", "tz": "Asia/Tokyo"},
    {**EVERY_MINUTE, "start": "9999-12-31T23:59:59", "tz": "America/New_York"},
    {**EVERY_MINUTE, "start": 0},
    {**EVERY_MINUTE, "count": 10**9},
    {**EVERY_MINUTE, "count": 0},
    {**EVERY_MINUTE, "count": -1},
    {**EVERY_MINUTE, "count": 2.5},
    {**EVERY_MINUTE, "count": True},
    {**EVERY_MINUTE, "count": "5"},
]


def test_each_hostile_line_gets_one_answer_and_the_rest_go_on(batch):
    good = {**EVERY_MINUTE, "count": 1}
    lines = [line for hostile in HOSTILE for line in (hostile, good)]
    answers = batch(*lines)
    assert len(answers) == len(lines)
    for line, answer in zip(HOSTILE, answers[::2], strict=True):
        assert answer["valid"] is False, line
        assert 0 < len(answer["error"]) < 400
    assert all(answer["valid"] for answer in answers[1::2])


def request(number):
    minute, hour = number % 60, number % 24
    expressions = [
        f"{minute} {hour} * * *",
        f"*/{minute + 1} * * * *",
        f"0 0 29 2 */{number % 7 + 1}",
        f"{minute} 6 */{number % 30 + 1} * 1-5",
    ]
    start = f"{2010 + number % 40}-03-01T00:00:00+00:00"
    return {"expr": expressions[number % 4], "tz": ZONES[number % len(ZONES)], "start": start, "count": 10}


def test_a_thousand_expressions_are_answered_in_ten_seconds_without_a_database(tmp_path):
    database = tmp_path / "none.sqlite3"
    settings = {"DATABASE_URL": f"sqlite:///{database}", "DJANGO_SETTINGS_MODULE": "tests.settings"}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "manage.py", "previewschedule", "--batch"],
        input="\n".join(json.dumps(request(number)) for number in range(1000)),
        capture_output=True,
        text=True,
        env={**os.environ, **settings},
        check=True,
    )
    assert time.monotonic() - began < 10
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [len(answer["times"]) for answer in answers] == [10] * 1000
    assert not database.exists()
