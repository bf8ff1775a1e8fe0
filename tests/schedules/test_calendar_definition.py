"""What a calendar may say, and the sentence that meets what it may not."""

import pytest
import yaml
from hypothesis import given

from schedules.calendars import text
from schedules.calendars.definition import InvalidDefinition, NamedDate, read, with_closed
from tests.schedules.random_calendars import DEFINITIONS

MOVE = """
closed_dates: [2026-12-25]
windows: [{name: Move, from: 2026-12-24 18:00:00, to: 2026-12-27 06:00:00}]
"""


def refused(**values):
    with pytest.raises(InvalidDefinition) as found:
        read(values)
    return found.value.errors


def test_an_empty_definition_is_open_every_day():
    assert read({}).weekdays == ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def test_dates_are_read_from_text_and_from_objects_and_sorted():
    found = read({"closed_dates": ["2026-12-25 Christmas Day", {"date": "2026-01-01"}]})
    assert found.as_json()["closed_dates"] == [
        {"date": "2026-01-01", "name": ""},
        {"date": "2026-12-25", "name": "Christmas Day"},
    ]


@given(DEFINITIONS)
def test_a_definition_is_the_same_when_it_is_read_back(definition):
    assert read(definition.as_json()) == definition


@given(DEFINITIONS)
def test_dates_and_windows_are_the_same_when_their_lines_are_read_back(definition):
    assert read({"closed_dates": text.read_dates(text.dates_text(definition.closed_dates))}).closed_dates == (
        definition.closed_dates
    )
    assert read({"windows": text.read_windows(text.windows_text(definition.windows))}).windows == definition.windows


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({"timezone": "Mars/Base"}, "timezone", "no time zone"),
        ({"weekdays": ["someday"]}, "weekdays", "Write weekdays as mon"),
        ({"weekdays": []}, "weekdays", "at least one open"),
        ({"weekdays": 5}, "weekdays", "tuple"),
        ({"closed_dates": ["2026-02-30"]}, "closed_dates", "a date that exists"),
        ({"closed_dates": ["25.12.2026"]}, "closed_dates", "such as 2026-12-25"),
        ({"closed_dates": [20261225]}, "closed_dates", "Number 1"),
        ({"closed_dates": ["2026-12-25 A", "2026-12-25 B"]}, "closed_dates", "there twice"),
        ({"closed_dates": ["1066-10-14"]}, "closed_dates", "between 1970"),
        ({"closed_dates": ["2026-12-25 \x1b[31m"]}, "closed_dates", "Control characters"),
        ({"windows": [{"name": "a", "from": "1", "to": "2"}]}, "windows", "Write moments such as"),
        ({"windows": [{"name": "a", "days": ["sat"], "from": "25:00", "to": "2:00"}]}, "windows", "clock times"),
        ({"windows": [{"name": "a", "days": ["sat"], "from": "02:00", "to": "02:00"}]}, "windows", "differ"),
        (
            {"windows": [{"name": "a", "from": "2026-12-27T06:00", "to": "2026-12-24T18:00"}]},
            "windows",
            "ends before",
        ),
        ({"windows": [{"name": "a", "from": "2026-12-24T18:00Z", "to": "2026-12-27T06:00"}]}, "windows", "both ends"),
        ({"windows": [{"from": "2026-12-24T18:00", "to": "2026-12-27T06:00"}]}, "windows", "name: This is required"),
        ({"windows": [{"name": "a", "stop_running": "yes"}]}, "windows", "stop_running"),
        ({"holidays": []}, "holidays", "no such field"),
    ],
)
def test_what_cannot_be_read_is_refused_by_field(values, field, sentence):
    errors = refused(**values)
    assert sentence.lower() in " ".join(errors[field]).lower()


def test_unquoted_times_in_yaml_are_read_as_they_are_written():
    found = read(yaml.safe_load("windows: [{name: Patches, days: [sat], from: 22:00, to: 02:00}]"))
    assert (found.windows[0].start, found.windows[0].end) == ("22:00", "02:00")
    found = read(yaml.safe_load(MOVE))
    assert found.windows[0].start == "2026-12-24T18:00"
    assert found.closed_dates[0].date.day == 25


def test_dates_that_are_closed_already_keep_their_names():
    before = read({"closed_dates": ["2026-12-25 Our day"]})
    after = with_closed(before, [NamedDate(date="2026-12-25", name="Christmas"), NamedDate(date="2026-12-26")])
    assert [one.name for one in after.closed_dates] == ["Our day", ""]


def test_lines_that_cannot_be_read_are_named_by_number():
    with pytest.raises(text.UnreadableLines) as found:
        text.read_windows("sat 22:00-02:00 | Patches\n\nsometimes")
    assert found.value.sentences == [f"Line 3: {text.WINDOW_HINT}"]
    with pytest.raises(text.UnreadableLines) as found:
        text.read_dates("# ours\n2026-12-25 Christmas\ntomorrow")
    assert "Line 3" in str(found.value)
