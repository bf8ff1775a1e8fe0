"""What is written is read again as it was."""

import json

import yaml
from hypothesis import given
from hypothesis import strategies as st

from schedules.files.writing import as_json, as_yaml

ODD = [
    *("on", "no", "y", "~", "null", "22:00", "09", "1e5", "0x1f", "1_000", "2026-12-25", ".5", "+1", "1.", "-", "="),
    *(
        "a: b",
        "#a",
        "a\nb",
        "\n",
        " a\n b ",
        "a\n\nb\n",
        "\u2028",
        "\x85",
        "\x7f",
        "\t",
        "'",
        '"',
        "- a",
        "? b",
        "!x",
    ),
    *(
        "&a",
        "*a",
        "%a",
        "@a",
        "`a",
        "{}",
        "[]",
        "<<",
        "x" * 200,
        "word " * 60 + "x",
        "${NAME}",
        "***",
        "- ",
        "\ufeff",
    ),
]
TEXTS = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
NUMBERS = st.integers(-(10**20), 10**20) | st.floats(-1e200, 1e200, allow_nan=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
SECTIONS = st.dictionaries(st.sampled_from(["connections", "schedules", "calendars"]), VALUES, min_size=1)


@given(SECTIONS)
def test_sections_are_read_as_they_were(sections):
    assert yaml.safe_load(as_yaml(sections, ["A comment"])) == sections
    assert json.loads(as_json(sections)) == sections


@given(TEXTS)
def test_a_comment_never_ends_within_its_line(text):
    assert yaml.safe_load(as_yaml({"schedules": []}, [text])) == {"schedules": []}


def test_texts_of_several_lines_are_written_as_people_do():
    query = "SELECT 'OK' AS status\nFROM orders\n"
    assert as_yaml({"query": query}, []) == "query: |\n  SELECT 'OK' AS status\n  FROM orders\n"


def test_words_that_some_readers_take_for_more_are_quoted():
    assert as_yaml({"a": ["on", "1e5", "09", "on time", "0 1 * * *"]}, []) == (
        "a:\n  - 'on'\n  - '1e5'\n  - '09'\n  - on time\n  - 0 1 * * *\n"
    )
