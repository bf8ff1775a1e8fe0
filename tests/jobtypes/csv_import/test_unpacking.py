"""Files that are packed are read as if they were not."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from collections import deque

import pytest

from jobtypes.csv_import.plan import FileRefused, TableNaming
from jobtypes.csv_import.raw import raw_blocks, raw_lane
from jobtypes.csv_import.unpacking import Gunzipped
from tests.jobtypes.csv_import.texts import opened, plan, read

TEXT = b"a,b\n1,x\n2,y\n"
NAME = "t.csv.gz"


def refusal(content: bytes) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        list(opened(content, filename=NAME))
    return refused.value


def test_a_packed_file_has_the_rows_of_what_it_holds() -> None:
    assert read(gzip.compress(TEXT), filename=NAME) == [(2, ["1", "x"]), (3, ["2", "y"])]


def test_the_ending_counts_in_any_case() -> None:
    assert len(read(gzip.compress(TEXT), filename="T.CSV.GZ")) == 2


def test_several_parts_packed_one_after_the_other_are_one_file() -> None:
    assert len(read(gzip.compress(TEXT) + gzip.compress(b"3,z\n"), filename=NAME)) == 3


def test_what_it_holds_can_be_handed_to_the_server() -> None:
    assert raw_lane(io.BytesIO(gzip.compress(TEXT)), plan(filename=NAME))
    assert b"".join(raw_blocks(opened(gzip.compress(TEXT), filename=NAME))) == b"1,x\n2,y\n"


def test_how_far_it_is_counts_the_packed_bytes() -> None:
    content = gzip.compress(TEXT * 10_000)
    file = opened(content, filename=NAME)
    list(file)
    assert file.bytes_read == len(content)


def test_the_table_is_named_without_both_endings() -> None:
    assert TableNaming(strip_prefix="exp_").table_for("Exp_Orders.csv.gz") == "orders"
    assert TableNaming().table_for("orders.GZ") == "orders"


def test_a_packed_file_that_holds_nothing_is_empty() -> None:
    assert refusal(gzip.compress(b"")).error_type == "EmptyFile"


@pytest.mark.parametrize(
    "content",
    [TEXT, gzip.compress(TEXT)[:-3], gzip.compress(TEXT) + b"rest", gzip.compress(TEXT)[:12] + b"\0" * 30],
    ids=["not packed", "cut off", "with a rest", "damaged"],
)
def test_a_damaged_file_is_refused(content: bytes) -> None:
    wrong = refusal(content)
    assert wrong.error_type == "BadArchive"
    assert "cannot be unpacked" in str(wrong)


def test_what_holds_more_than_it_may_is_refused_in_bounded_memory() -> None:
    bomb = gzip.compress(b"a,b\n" * 4_000_000)
    stream = Gunzipped(io.BytesIO(bomb), most=8 * 2**20)
    tracemalloc.start()
    with pytest.raises(FileRefused) as refused:
        deque(iter(lambda: stream.read(2**18), b""), maxlen=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused.value.error_type == "FileTooLarge"
    assert peak < 4 * 2**20
