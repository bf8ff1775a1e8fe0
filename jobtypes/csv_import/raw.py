"""Hand the bytes of a file to the server's own CSV parser, as long as that reads them as we do. Pure.

It reads otherwise: a quote inside a cell opens a quoted stretch there, `\\.` on a line of its own ends the data
(before version 18), all lines must end alike, blank lines are rows, rows of another length or NUL are errors.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import BinaryIO

from jobtypes.csv_import.decoding import LONGEST_ROW
from jobtypes.csv_import.plan import FilePlan, FileRefused
from jobtypes.csv_import.reading import CsvFile, open_file

MOST_STEPS = 200  # back through the lines of a block, for one that no quote goes across


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
    check = _Check(file.plan.delimiter, len(file.header))
    text = file.lines.remainder()
    blocks = iter(file.lines.blocks)
    while True:
        more = next(blocks, None)
        whole = text if more is None else text[: _end_of_rows(text)]
        if whole:
            check(whole)
            yield whole.encode()
        if more is None:
            return
        text = text[len(whole) :] + more
        if len(text) > LONGEST_ROW:
            raise GivesWay("a very long row")


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


class _Check:
    """Raises GivesWay for a text of whole rows that the server would read otherwise."""

    def __init__(self, delimiter: str, width: int) -> None:
        edge = re.escape(delimiter)
        self._stray = re.compile(f'[^"{edge}\\n]"|"[^"{edge}\\n]')
        self._delimiter = delimiter
        self._delimiters = width - 1
        self._ends: str | None = None

    def __call__(self, text: str) -> None:
        if "\0" in text:
            raise GivesWay("a NUL character")
        if "\\." in text and re.search(r"(?:^|[\r\n])\\\.", text):
            raise GivesWay(r"a line that begins with \.")
        outside = text
        if '"' in text:
            pieces = text.split('"')
            if len(pieces) % 2 == 0:
                raise GivesWay("an odd number of quotes")
            outside = '"'.join(pieces[::2])  # one quote stands for each quoted stretch
        outside = self._with_plain_ends(outside)
        if '"' in outside and self._stray.search(outside):
            raise GivesWay("a quote inside a cell")
        lines = outside.split("\n")
        if not lines[-1]:
            lines.pop()
        if "" in lines:
            raise GivesWay("a blank line")
        if {line.count(self._delimiter) for line in lines} != {self._delimiters}:
            raise GivesWay("a row with more or fewer cells than the header")

    def _with_plain_ends(self, outside: str) -> str:
        """Return the text with LF only; raises GivesWay where lines do not all end alike, or end with CR."""
        returns, feeds = outside.count("\r"), outside.count("\n")
        if not returns and not feeds:
            return outside
        ends = "\r\n" if returns else "\n"
        if (returns and not returns == feeds == outside.count("\r\n")) or self._ends not in (None, ends):
            raise GivesWay("line ends of several kinds")
        self._ends = ends
        return outside.replace("\r\n", "\n") if returns else outside


def _end_of_rows(text: str) -> int:
    """Return where the last whole row ends; 0 if none was found."""
    end = text.rfind("\n") + 1
    if '"' not in text:
        return end
    quotes = text.count('"', 0, end)
    for _step in range(MOST_STEPS):
        if not end or quotes % 2 == 0:
            return end
        before = text.rfind("\n", 0, end - 1) + 1
        quotes -= text.count('"', before, end)
        end = before
    return 0
