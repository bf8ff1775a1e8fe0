"""The checker finds what is wrong in histories broken by hand, and nothing in a sound one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.faults.checker import History, Line, Plan, Row, check

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at(number):
    return START + number * SECOND


def seen(run, instant, begin, end=None, attempt=1):
    lines = [Line("begin", run, 1, instant, attempt, 100, begin)]
    return lines if end is None else [*lines, Line("end", run, 1, instant, attempt, 100, end)]


PLAN = Plan(1, START, SECOND, at(3), total=3, successes=2, failures=1)
ROWS = [
    Row(11, 1, at(0), "success"),
    Row(12, 1, at(2), "missed", since=at(1), count=2),
    Row(13, 1, at(3), "failed"),
    Row(14, 1, at(3), "success", attempt=2, trigger="retry", retry_of=13),
]
LINES = [*seen(11, at(0), 1.0, 1.5), *seen(13, at(3), 2.0), *seen(14, at(3), 3.0, 3.5, attempt=2)]
SOUND = History([PLAN], ROWS, LINES, until=at(4))


def changed(run, **fields):
    return [replace(row, **fields) if row.id == run else row for row in ROWS]


def test_a_sound_history_is_good_news():
    assert check(SOUND) == []


BROKEN = {
    "lost its fire": replace(SOUND, rows=[row for row in ROWS if row.id != 12]),
    "lost its fire at 2026-03-02 10:00:04": replace(SOUND, until=at(8)),
    "fired 2 times": replace(SOUND, rows=[*ROWS, Row(15, 1, at(0), "skipped")]),
    "no instant of it": replace(SOUND, rows=[*ROWS, Row(15, 1, at(0.5), "skipped")]),
    "its last instant": replace(SOUND, rows=[*ROWS, Row(15, 1, at(4), "skipped")]),
    "but not from": replace(SOUND, rows=changed(12, since=at(0))),
    "went on at once": replace(SOUND, lines=[*LINES[:1], replace(LINES[1], at=3.2), *LINES[2:]]),
    "left running": replace(SOUND, rows=changed(13, status="running")),
    "nobody saw it end": replace(SOUND, lines=LINES[:-1]),
    "nobody saw it begin": replace(SOUND, lines=LINES[:-2]),
    "has no row": replace(SOUND, lines=[*LINES, *seen(99, at(0), 5.0)]),
    "as another one": replace(SOUND, rows=changed(14, attempt=3)),
    "though its row says missed": replace(SOUND, lines=[*LINES, *seen(12, at(2), 5.0)]),
    "another attempt took its place": replace(SOUND, rows=changed(13, status="success")),
    "was done 2 times": replace(SOUND, lines=[*LINES, *seen(11, at(0), 5.0, 5.5)]),
    "counts": replace(SOUND, plans=[replace(PLAN, total=4)]),
}


@pytest.mark.parametrize("said", BROKEN)
def test_what_is_broken_is_said(said):
    assert any(said in sentence for sentence in check(BROKEN[said]))


def test_rows_without_bound_are_said():
    assert check(SOUND, most_rows=4) == []
    assert check(SOUND, most_rows=3) == ["Schedule 1 has 4 rows."]


def test_repeats_and_overlaps_can_be_allowed():
    lines = [*LINES, *seen(11, at(0), 3.1, 3.4)]
    assert check(replace(SOUND, lines=lines), repeats=True, overlaps=True) == []


def test_a_line_is_read_as_it_was_written():
    text = "end 11 1 2026-03-02T10:00:00+00:00 1 100 1.500000"
    assert Line.read(text) == LINES[1]
