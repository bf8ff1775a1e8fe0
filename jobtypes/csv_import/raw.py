"""Hand the bytes of a file to the server's own CSV parser, as long as that reads them as we do. Pure.

It reads otherwise: a quote inside a cell opens a quoted stretch there, `\\.` on a line of its own ends the data
(before version 18), all lines must end alike, blank lines are rows, rows of another length or NUL are errors.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import BinaryIO

from jobtypes.csv_import.plan import FilePlan, FileRefused
from jobtypes.csv_import.reading import CsvFile, open_file

LONGEST = 1024 * 1024  # characters of a row
WHY = "a quote inside a cell, lines that end differently, a blank line, or a row that is too short or too long"
UNROLLED = 64  # columns; up to there a pattern is written out, which is matched faster


class GivesWay(Exception):
    """The server would read this file otherwise: load it row by row. The message says why."""


def raw_blocks(file: CsvFile) -> Iterator[bytes]:
    """Yield what comes after the header as UTF-8, in blocks of whole rows, each checked before it is given.

    Raises GivesWay, possibly after some blocks: undo what they did, open the file anew and read it row by row. The
    cells are those of the rows, except that nothing was made NULL yet: an empty cell is NULL, quoted or not, unless
    `empty_as` is text, and so are `null_values`. Raises FileRefused as reading does.
    """
    if not file.is_plain or not file.plan.delimiter.isascii():
        raise GivesWay("a nameless last column, or a delimiter of several bytes")
    rows = _Rows(file.plan.delimiter, len(file.header))
    text = file.lines.remainder()
    blocks = iter(file.lines.blocks)
    while True:
        more = next(blocks, None)
        end = rows.end(text, is_last=more is None)
        if end:
            yield text[:end].encode()
        if more is None:
            return
        text = text[end:] + more


def raw_lane(stream: BinaryIO, plan: FilePlan) -> bool:
    """Tell whether the server's parser reads the whole file as we do; False also where the file is refused."""
    try:
        for _block in raw_blocks(open_file(stream, plan)):
            pass
    except (GivesWay, FileRefused):
        return False
    return True


def physical_lines(stream: BinaryIO, plan: FilePlan, rows: Collection[int]) -> dict[int, int]:
    """Return for rows of the raw lane, counted from 1, the physical lines on which they begin."""
    wanted = set(rows)
    found: dict[int, int] = {}
    for number, row in enumerate(open_file(stream, plan), start=1):
        if number in wanted:
            found[number] = row.line
            if len(found) == len(wanted):
                break
    return found


class _Rows:
    """What rows look like that the server reads as we do: of so many cells, and all with the same line end."""

    def __init__(self, delimiter: str, width: int) -> None:
        edge = re.escape(delimiter)
        text = f'[^"{edge}\\r\\n]'
        cell = (
            rf'(?:"[^"]*+(?:""[^"]*+)*+"|{text}{"*+" if width > 1 else "++"})'  # of one column, a blank line is none
        )
        more = f"{edge}{cell}"
        row = cell + (more * (width - 1) if width <= UNROLLED else f"(?:{more}){{{width - 1}}}")
        self._kinds = [re.compile(f"(?:{row}{end})*+") for end in (r"\n", r"\r\n")]
        self._last = re.compile(row)
        self._is_odd = re.compile(r"(?:^|[\r\n])\\\.").search

    def end(self, text: str, *, is_last: bool) -> int:
        """Return where the last whole row of the text ends; raises GivesWay where the server would read otherwise.

        `text` begins with a row; with `is_last` it is the end of the file.
        """
        if "\0" in text:
            raise GivesWay("a NUL character")
        if "\\." in text and self._is_odd(text):
            raise GivesWay(r"a line that begins with \.")
        end = self._whole(text)
        if is_last and end < len(text):
            if self._last.fullmatch(text, end):
                return len(text)
            raise GivesWay(WHY)
        if len(text) - end > LONGEST:
            raise GivesWay(WHY)
        return end

    def _whole(self, text: str) -> int:
        for kind in self._kinds:
            found = kind.match(text)
            if found is not None and found.end():
                self._kinds = [kind]
                return found.end()
        return 0
