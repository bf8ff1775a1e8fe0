"""Read a CSV file row by row, in memory that the longest row bounds. Pure.

RFC 4180 with the delimiter of the plan. A quote opens a cell only at its start; anywhere else in an unquoted cell it
is text. Lines end with LF, CR or CRLF, also mixed; within quotes line ends are kept as they are. Blank lines are no
rows. Python's own parser does this when it is handed physical lines and told to be strict.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO, NamedTuple

from jobtypes.csv_import.decoding import BLOCK, LONGEST_ROW, Lines, TextBlocks, cut
from jobtypes.csv_import.header import check_table, read_header
from jobtypes.csv_import.plan import FilePlan, FileRefused
from jobtypes.csv_import.unpacking import is_packed, unpacked

csv.field_size_limit(max(csv.field_size_limit(), LONGEST_ROW + 2 * BLOCK))  # Lines refuses what is longer


class Row(NamedTuple):
    """A row as the columns of the header want it. `line` is the physical line on which it begins, from 1."""

    line: int
    cells: list[str | None]


class Reject(NamedTuple):
    """A row that is not loaded: the line on which it begins, the column at fault if one is, why, and its text."""

    line: int
    column: str | None
    reason: str
    raw: str


class CsvFile:
    """An open file: `header` holds the columns, mapped; iterating gives its rows and rejects in the file's order.

    It is read once. Raises FileRefused where the file as a whole turns out to be wrong, also after some rows.
    """

    def __init__(self, stream: BinaryIO, plan: FilePlan) -> None:
        self.plan = plan
        self._stream = stream
        self.lines = Lines(TextBlocks(unpacked(stream, plan.filename), plan.encoding))
        lines = chain.from_iterable(self.lines.taken(plan.delimiter))
        for number in range(1, plan.skiprows + 1):
            next(lines, None)
            self.lines.record = number + 1
        self._reader = csv.reader(lines, delimiter=plan.delimiter, strict=True)
        found = read_header(self._first_row(), self.lines.record, plan)
        self.header = found.columns
        self._trailing = found.trailing
        self._advance()
        self.first_line = self.lines.record  # the first one after the header

    @property
    def bytes_read(self) -> int:
        """Return how many bytes of the file were read, packed as it is."""
        return self._stream.tell() if is_packed(self.plan.filename) else self.lines.blocks.bytes_read

    @property
    def is_plain(self) -> bool:
        """Tell whether rows have exactly as many cells as there are columns."""
        return not self._trailing

    def __iter__(self) -> Iterator[Row | Reject]:
        lines, reader, width = self.lines, self._reader, len(self.header)
        converted = _conversion(self.plan)
        make: Callable[[type[Row], tuple[int, list[str | None]]], Row] = tuple.__new__  # half of what Row() takes
        expected = -1 if self._trailing else width
        before = self.plan.skiprows + 1
        while True:
            try:
                for cells in reader:
                    line = lines.record
                    lines.record = before + reader.line_num
                    if len(cells) == expected and not lines.has_nul:
                        yield make(Row, (line, converted(cells)))
                    elif cells:
                        reason, column = self._fault(cells)
                        if reason:
                            yield Reject(line, column, reason, lines.excerpt(line, lines.record))
                        else:
                            padding: list[str | None] = [None] * (width - len(cells))
                            yield Row(line, converted(cells[:width]) + padding)
                return
            except csv.Error:
                line = lines.record
                if lines.ended:
                    raise self._never_closed(line) from None
                self._advance()
                yield Reject(line, None, "text after a closing quote", lines.excerpt(line, lines.record))

    def _first_row(self) -> list[str]:
        try:
            for cells in self._reader:
                if cells:
                    return cells
                self._advance()
        except csv.Error:
            if self.lines.ended:
                raise self._never_closed(self.lines.record) from None
            raise FileRefused(
                "HeaderError",
                f"Line {self.lines.record}: the header has text after a closing quote. Nothing was written.",
            ) from None
        skipped = f" after the {self.plan.skiprows} skipped lines" if self.plan.skiprows else ""
        raise FileRefused("EmptyFile", f"The file is empty: there is no header{skipped}.")

    def _advance(self) -> None:
        self.lines.record = self.plan.skiprows + 1 + self._reader.line_num

    def _fault(self, cells: list[str]) -> tuple[str, str | None]:
        """Return why a row is refused, and its column; an empty reason where it is not."""
        width = len(self.header)
        if self._trailing and len(cells) == width + 1 and not cells[width]:
            cells = cells[:width]
        if len(cells) > width or (len(cells) < width and self.plan.ragged == "reject"):
            return f"{len(cells)} of {width} cells", None
        nul = next((column for column, cell in zip(self.header, cells, strict=False) if "\0" in cell), None)
        return ("NUL character", nul) if nul else ("", None)

    @staticmethod
    def _never_closed(line: int) -> FileRefused:
        return FileRefused(
            "UnclosedQuote",
            f"Line {line}: a quote opens in the row that begins here and is never closed, so the rest of the file "
            "is inside it. Nothing was written.",
        )


def open_file(stream: BinaryIO, plan: FilePlan) -> CsvFile:
    """Open a file for reading and check its header; raises FileRefused before any row."""
    check_table(plan)
    return CsvFile(stream, plan)


def _conversion(plan: FilePlan) -> Callable[[list[str]], list[str | None]]:
    """Return what makes NULL of the cells that mean it."""
    if not plan.null_values:
        return _as_they_are if plan.empty_as == "text" else _without_empty
    words = plan.null_values - {""} if plan.empty_as == "text" else plan.null_values | {""}
    return lambda cells: [None if cell in words else cell for cell in cells]


def _as_they_are(cells: list[str]) -> list[str | None]:
    return cells  # type: ignore[return-value]  # nobody else holds this list


def _without_empty(cells: list[str]) -> list[str | None]:
    return [cell or None for cell in cells] if "" in cells else _as_they_are(cells)


__all__ = ["CsvFile", "FileRefused", "Reject", "Row", "cut", "open_file"]
