"""Both ways of reading a file bring the same rows, counts and rejects, and those are what a model says."""

from dataclasses import replace

import pytest

from jobtypes.csv_import.loading import staging
from jobtypes.csv_import.raw import GivesWay
from tests.jobtypes.csv_import.loading.generated import Generated, Model
from tests.jobtypes.csv_import.loading.ground import adds_up, counts


def by_rows_only(_file):
    raise GivesWay("a test wants it row by row")


def told(result):
    rejects = [(one.line, one.column, one.reason) for one in result.rejects]
    return result.status, result.error_type, counts(result), result.columns_added, rejects


def compare(ground, monkeypatch, number):
    """Load two generated files by either lane; return the lanes that were taken where both are possible."""
    made, model, lanes = Generated(number, ground.schema), Model(), []
    for content in (made.content(), made.content()):
        path = ground.path(content, "file.csv")
        result = ground.load(content, **fields(made.plan))
        with monkeypatch.context() as patched:
            patched.setattr(staging, "raw_blocks", by_rows_only)
            slow = ground.load(content, **fields(replace(made.plan, table=f"r{number}")))
        assert told(result) == told(slow), path.read_bytes()
        expected = model.load(made.plan, content)
        if expected is None:
            assert result.status == "failed"
            continue
        lanes.append(result.lane)
        assert (counts(result), adds_up(result)) == (expected, True), content
        columns = ", ".join(f'"{name}"' for name in made.columns)
        for table in (f"t{number}", f"r{number}"):
            rows = ground.ask(f"SELECT {columns} FROM {table}")
            assert sorted(map(repr, rows)) == sorted(repr(tuple(row)) for row in model.rows.values()), content
    return lanes


def fields(plan):
    return {name: getattr(plan, name) for name in plan.__dataclass_fields__}


def test_both_lanes_make_of_generated_files_what_a_model_says(ground, monkeypatch):
    lanes = [lane for number in range(30) for lane in compare(ground, monkeypatch, number)]
    assert (lanes.count("raw") > 9, lanes.count("row") > 9) == (True, True)


@pytest.mark.long
def test_both_lanes_make_of_five_hundred_generated_files_what_a_model_says(ground, monkeypatch):
    for number in range(1000, 1500):
        compare(ground, monkeypatch, number)


@pytest.mark.parametrize(
    ("text", "lane"),
    [
        ("id,name\n1,a\n", "raw"),
        ('id,name\r\n1,"a\r\nb"\r\n', "raw"),
        ('id,name\n1,5" pipe\n', "row"),
        ("id,name\n\\.,a\n", "row"),
        ("id,name\n1,a\r\n2,b\n", "row"),
        ("id,name\n1\n", "row"),
        ("id,name\n1,\0\n", "row"),
        ("id,name,\n1,a,\n", "row"),
    ],
)
def test_the_servers_own_parser_is_asked_only_for_what_it_reads_as_we_do(ground, text, lane):
    assert ground.load(text).lane == lane


def test_bytes_that_are_not_of_the_encoding_fail_the_file_with_line_and_byte(ground):
    result = ground.load(b"id,name\n1,a\n2,\xe4\n")
    assert (result.status, result.error_type) == ("failed", "EncodingError")
    assert ("Line 3" in result.error, "0xE4" in result.error) == (True, True)
    assert ground.ask("SELECT to_regclass('t')") == [(None,)]
