"""Files to read, and random texts of the kind that break readers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from hypothesis import strategies as st

from jobtypes.csv_import.plan import FilePlan
from jobtypes.csv_import.reading import CsvFile, Reject, Row, open_file

CELLS = st.text(alphabet='ab,;"\n\r\0 é€\u2028\x85\\.', max_size=6)
QUOTED = CELLS.map(lambda text: '"' + text.replace('"', '""') + '"')
ENDS = st.sampled_from(["\n", "\n", "\r\n", "\r"])
LINES = st.tuples(st.lists(CELLS | QUOTED | QUOTED, min_size=1, max_size=4).map(",".join), ENDS).map("".join)
TEXTS = st.lists(LINES | ENDS, max_size=8).map("".join)


class Trickle(io.RawIOBase):
    """A stream that gives a few bytes at a time, so that every place is a block's end for once."""

    def __init__(self, data: bytes, step: int) -> None:
        self.parts = iter([data[place : place + step] for place in range(0, len(data), step)])

    def read(self, size: int = -1) -> bytes:
        return next(self.parts, b"")


def plan(**values: Any) -> FilePlan:
    return FilePlan(**{"filename": "t.csv", "table": "t", "primary_key": ("a",), **values})


def opened(content: str | bytes | BinaryIO, **values: Any) -> CsvFile:
    chosen = plan(**values)
    if isinstance(content, str):
        content = content.encode(chosen.encoding)
    return open_file(io.BytesIO(content) if isinstance(content, bytes) else content, chosen)


def read(content: str | bytes, **values: Any) -> list[tuple[int, list[str | None]]]:
    """Return line and cells of each row; there is to be no reject."""
    found = list(opened(content, **values))
    assert all(isinstance(one, Row) for one in found), found
    return [(one.line, one.cells) for one in found if isinstance(one, Row)]


def rejects(found: Iterator[Row | Reject] | CsvFile) -> list[tuple[int, str | None, str]]:
    return [(one.line, one.column, one.reason) for one in found if isinstance(one, Reject)]
