"""Where the server's own parser reads a file as we do, and where not: asked of a real server."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, cast

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobtypes.csv_import.plan import FileRefused
from jobtypes.csv_import.raw import GivesWay, physical_lines, raw_blocks, raw_lane
from jobtypes.csv_import.reading import Row
from tests.jobtypes.csv_import.texts import CELLS, QUOTED, TEXTS, Trickle, opened, plan
from tests.services import POSTGRESQL, need

HEADER = "a,b,c\n"
PLAIN = st.text(alphabet="ab é€;.\\\u2028\x85", max_size=5)
TIDY_CELLS = PLAIN | PLAIN | QUOTED
TIDY = st.builds(
    lambda rows, end, last: end.join(",".join(row) for row in rows) + (end if last else ""),
    st.lists(st.tuples(TIDY_CELLS, TIDY_CELLS, TIDY_CELLS), min_size=1, max_size=6),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
NEARLY = st.lists(st.tuples(TIDY, CELLS).map("".join), max_size=3).map("".join)


@pytest.fixture(scope="module")
def server() -> Iterator[psycopg.Connection]:
    need("PostgreSQL", 5432)
    with psycopg.connect(f"{POSTGRESQL}/postgres", client_encoding="utf8") as connection:
        yield connection


def as_the_server_reads(server: psycopg.Connection, blocks: Iterator[bytes]) -> list[tuple[str | None, ...]]:
    """Return the rows that COPY makes; none are left behind, also where this ends with an exception."""
    with server.transaction(force_rollback=True), server.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE staged (n bigserial, a text, b text, c text) ON COMMIT DROP")
        with cursor.copy("COPY staged (a, b, c) FROM STDIN (FORMAT csv, FORCE_NULL (a, b, c))") as copy:
            for block in blocks:
                copy.write(block)
        return cursor.execute("SELECT a, b, c FROM staged ORDER BY n").fetchall()


@given(TIDY | NEARLY | TEXTS, st.integers(1, 12))
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_handed_over_the_server_reads_as_we_do(server: psycopg.Connection, text: str, step: int) -> None:
    data = (HEADER + text).encode()
    try:
        rows = as_the_server_reads(server, raw_blocks(opened(cast(BinaryIO, Trickle(data, step)))))
    except (GivesWay, FileRefused):
        return
    assert rows == [tuple(one.cells) for one in opened(data) if isinstance(one, Row)]
    assert len(rows) == len(list(opened(data)))


@given(TIDY)
@settings(max_examples=200, deadline=None)
def test_files_that_are_written_well_are_handed_over(text: str) -> None:
    odd = "\0" in text or "\n\\." in text or "\r\\." in text or text.startswith(("\\.", '"\\.'))
    if not odd:
        assert raw_lane(io.BytesIO((HEADER + text).encode()), plan())


@pytest.mark.parametrize(
    "text",
    [
        '1,5" pipe,4" pipe\n',
        '1,5",6"\n',
        '1,5" pipe,x\n',
        '1,"x"y,z\n',
        '1,"x,y\n',
        "1,2,3\n\\.\n",
        '1,2,"\n\\.\n"\n',
        "1,2,3\r\n4,5,6\n",
        "1,2,3\n4,5,6\r\n",
        "1,2,3\r4,5,6\r",
        "1,2,3\n\n4,5,6\n",
        "1,2\n",
        "1,2,3,4\n",
        "1,2,\0\n",
    ],
)
def test_what_the_server_reads_otherwise_is_kept_from_it(text: str) -> None:
    assert not raw_lane(io.BytesIO((HEADER + text).encode()), plan())


def test_a_blank_line_in_a_file_of_one_column_is_kept_from_the_server() -> None:
    assert raw_lane(io.BytesIO(b'a\n1\n""\n2'), plan())
    assert not raw_lane(io.BytesIO(b"a\n1\n\n2"), plan())


def test_files_of_many_columns_are_handed_over() -> None:
    header, row = (",".join(f"{mark}{one}" for one in range(1_599)) for mark in "cx")
    data = f"{header}\n{row}\n{row}\n"
    assert raw_lane(io.BytesIO(data.encode()), plan(primary_key=("c0",)))
    assert not raw_lane(io.BytesIO(f"{data},".encode()), plan(primary_key=("c0",)))


def test_a_wrong_row_is_noticed_before_much_more_is_read() -> None:
    stream = io.BytesIO((HEADER + "1,2,3\n" * 10 + "1,2\n" + "1,2,3\n" * 2_000_000).encode())
    with pytest.raises(GivesWay):
        list(raw_blocks(opened(stream)))
    assert stream.tell() < 2 * 1024 * 1024


def test_a_nameless_last_column_is_kept_from_the_server() -> None:
    assert not raw_lane(io.BytesIO(b"a,b,\n1,2,\n"), plan())


def test_a_delimiter_of_several_bytes_is_kept_from_the_server() -> None:
    assert not raw_lane(io.BytesIO("a§b\n1§2\n".encode()), plan(delimiter="§"))


def test_a_refused_file_is_not_handed_over() -> None:
    assert not raw_lane(io.BytesIO(b"a,b\n1,\xff\n"), plan())


def test_what_is_handed_over_is_utf_8_without_skipped_lines_header_and_mark() -> None:
    file = opened("exported\na;b\n1;é\n", delimiter=";", encoding="cp1252", skiprows=1)
    assert b"".join(raw_blocks(file)) == "1;é\n".encode()
    assert b"".join(raw_blocks(opened(b"\xef\xbb\xbfa\n1"))) == b"1"


def test_large_files_are_handed_over_whole_and_in_blocks() -> None:
    rows = "".join(f'{number},"some\ntext, {number}",x\n' for number in range(100_000))
    blocks = list(raw_blocks(opened(HEADER + rows)))
    assert b"".join(blocks) == rows.encode()
    assert len(blocks) > 5
    assert all(block.endswith(b"x\n") for block in blocks)


def test_rows_by_number_are_found_on_their_physical_lines() -> None:
    data = b'skipped\na,b\n1,"x\ny"\n2,z\n"3\n",w\n4,v\n'
    assert physical_lines(io.BytesIO(data), plan(skiprows=1), [1, 2, 4]) == {1: 3, 2: 5, 4: 8}
