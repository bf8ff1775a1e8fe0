"""The reader against one that is slow and obvious, on random texts cut into random blocks."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from jobtypes.csv_import.plan import FileRefused
from jobtypes.csv_import.reading import Reject, Row
from tests.jobtypes.csv_import.naive_reader import records
from tests.jobtypes.csv_import.texts import TEXTS, Trickle, opened

HEADER = "a,b,c\n"
WIDTH = 3


def obvious(text: str) -> tuple[list[tuple[Any, ...]], int | None]:
    """Return what the obvious reader says of the rows after the header, and the line of a quote that stays open."""
    said: list[tuple[Any, ...]] = []
    for one in records(text):
        if one.fault == "never closed":
            return said, one.line + 1
        if one.fault:
            said.append((one.line + 1, one.fault))
        elif len(one.cells) != WIDTH:
            said.append((one.line + 1, f"{len(one.cells)} of {WIDTH} cells"))
        elif any("\0" in cell for cell in one.cells):
            said.append((one.line + 1, "NUL character"))
        else:
            said.append((one.line + 1, [cell or None for cell in one.cells]))
    return said, None


def taken(text: str, step: int, encoding: str = "utf-8") -> tuple[list[Row | Reject], int | None]:
    """Return all that the reader gives, and the line of a quote that stays open."""
    found: list[Row | Reject] = []
    try:
        found.extend(opened(cast(BinaryIO, Trickle((HEADER + text).encode(encoding), step)), encoding=encoding))
    except FileRefused as refused:
        if refused.error_type != "UnclosedQuote":
            raise
        return found, int(str(refused).split()[1].strip(":"))
    return found, None


@given(TEXTS, st.integers(1, 12))
@settings(max_examples=1_000, deadline=None)
def test_rows_and_rejects_are_those_of_the_obvious_reader(text: str, step: int) -> None:
    found, open_quote = taken(text, step)
    said = [(one.line, one.reason if isinstance(one, Reject) else one.cells) for one in found]
    assert (said, open_quote) == obvious(text)


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_a_rejects_text_is_what_stands_on_its_line(text: str) -> None:
    physical = (HEADER + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    found, _open_quote = taken(text, 5)
    for one in found:
        if isinstance(one, Reject):
            assert physical[one.line - 1].replace("\0", "\u2400") == one.raw.replace("\r", "\n").split("\n")[0]


@given(TEXTS, st.sampled_from(["utf-16", "utf-16-le", "utf-32", "utf-8-sig"]), st.integers(4, 9))
@settings(max_examples=200, deadline=None)
def test_the_encoding_changes_nothing(text: str, encoding: str, step: int) -> None:
    assert taken(text, step, encoding) == taken(text, 100)
