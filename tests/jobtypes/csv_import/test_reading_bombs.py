"""Files that are made to exhaust a reader end in a clear refusal, in bounded memory."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice
from typing import BinaryIO, cast

import pytest

from jobtypes.csv_import.decoding import BLOCK, LONGEST_ROW
from jobtypes.csv_import.plan import FileRefused
from jobtypes.csv_import.reading import Row
from tests.jobtypes.csv_import.texts import opened, read

MIB = 1024 * 1024


class Endless(io.RawIOBase):
    """A stream of `begin` and then `again`, over and over, up to 200 MiB; `given` counts what was read."""

    def __init__(self, begin: bytes, again: bytes) -> None:
        self.begin, self.again = begin, again * (BLOCK // len(again))
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        if self.given > 200 * MIB:
            return b""
        block, self.begin = self.begin or self.again, b""
        self.given += len(block)
        return block


@pytest.fixture
def peak() -> Iterator[Callable[[], int]]:
    """Return the most memory that was taken since the start of the test, in bytes."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("begin", "again"),
    [
        (b"x", b"x"),
        (b"a,b\n1,", b"x"),
        (b'a,b\n1,"', b"x"),
        (b'a,b\n1,"', b"x" * 99 + b"\n"),
        (b'a,b\n1,"', b'""'),
        (b"a,b\n", b","),
        (b'a,b\n"', b'\n",,,,,,,,"'),
        (b"a,b\n", b"\xf0\x9f\x9a\xa2"),
    ],
    ids=["header", "cell", "quoted", "lines", "quotes", "delimiters", "cells of lines", "wide"],
)
def test_a_row_without_an_end_is_refused_early(begin: bytes, again: bytes, peak: Callable[[], int]) -> None:
    stream = Endless(begin, again)
    with pytest.raises(FileRefused) as refused:
        list(opened(cast(BinaryIO, stream)))
    assert refused.value.error_type == "RowTooLong"
    assert len(str(refused.value)) < 300
    assert stream.given <= LONGEST_ROW + 2 * MIB
    assert peak() < 12 * LONGEST_ROW


def test_a_row_just_below_the_limit_is_read() -> None:
    cell = "x" * (LONGEST_ROW - MIB)
    assert read(f'a,b\n1,"{cell}"\n2,y\n') == [(2, ["1", cell]), (3, ["2", "y"])]


def test_a_header_of_100_000_columns_is_refused_in_a_short_sentence(peak: Callable[[], int]) -> None:
    with pytest.raises(FileRefused) as refused:
        opened(",".join(f"c{one}" for one in range(100_000)))
    assert "100,000 columns" in str(refused.value)
    assert len(str(refused.value)) < 200
    assert peak() < 50 * MIB


def test_a_header_that_would_be_sql_is_a_name_like_others() -> None:
    assert opened('a,a"; DROP TABLE x;--\n').header == ("a", 'a"; DROP TABLE x;--')


def test_long_files_are_read_a_block_at_a_time(peak: Callable[[], int]) -> None:
    file = opened(cast(BinaryIO, Endless(b"a,b,c\n", b"1,some text,some more\n")))
    assert all(isinstance(one, Row) for one in islice(file, 200_000))
    assert peak() < 8 * MIB
