"""Turn the bytes of a file into text, and the text into physical lines: strictly, and a block at a time. Pure."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator

from jobtypes.csv_import.plan import FileRefused
from jobtypes.csv_import.unpacking import Readable

BLOCK = 256 * 1024  # bytes
LONGEST_ROW = 16 * 1024 * 1024  # bytes
MOST_CELLS = 1_000_000  # of a row that is longer than a block
EXCERPT = 1_024  # bytes
WHAT_TO_DO = "Nothing was written. Set encoding to what the file is written in; nothing is guessed."
MARKS = (
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


class TextBlocks:
    """The text of a file. A CR and the LF after it are always in the same block; a byte order mark is dropped."""

    def __init__(self, stream: Readable, encoding: str) -> None:
        self.encoding = encoding
        self.bytes_read = 0
        self.size = 0  # of the last block, in bytes
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._held = ""  # a CR at the end of a block
        self._lines = 0  # that have ended in the blocks so far

    def __iter__(self) -> Iterator[str]:
        begun = False
        while True:
            block = self._stream.read(BLOCK)
            if self.bytes_read == 0:
                self._check_mark(block)
            text = self._held + self._decoded(block)
            self.bytes_read += len(block)
            self.size = len(block)
            self._held = ""
            if block and text.endswith("\r"):
                self._held, text = "\r", text[:-1]
            self._lines += _ends(text)
            if text:
                yield text if begun else text.removeprefix("\ufeff")
                begun = True
            if not block:
                return

    def _check_mark(self, block: bytes) -> None:
        """Refuse a file whose byte order mark says something else than the encoding does."""
        for mark, name in MARKS:
            if block.startswith(mark):
                if codecs.lookup(self.encoding).name.startswith(name.lower()):
                    return
                raise FileRefused(
                    "EncodingError",
                    f"Line 1 begins with the mark of {name}, but encoding says {self.encoding}. {WHAT_TO_DO}",
                )

    def _decoded(self, block: bytes) -> str:
        before = self._decoder.getstate()
        try:
            return self._decoder.decode(block, final=not block)
        except UnicodeDecodeError as wrong:
            place = wrong.start - len(wrong.object) + len(block)  # within this block; below 0: in the last one
            byte = wrong.object[wrong.start]
        except UnicodeError as wrong:  # UTF-16 without a mark
            raise FileRefused("EncodingError", f"Line 1: {wrong}. {WHAT_TO_DO}") from None
        self._decoder.setstate(before)
        text = self._decoder.decode(block[: max(place, 0)])
        line = self._lines + _ends(self._held + text) + 1
        raise FileRefused(
            "EncodingError",
            f"Line {line}: the byte 0x{byte:02X} at position {self.bytes_read + place + 1:,} of the file is not "
            f"{self.encoding}. {WHAT_TO_DO}",
        )


def _ends(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


class Lines:
    """The physical lines of a file, a list for each block; LF, CR and CRLF end one and stay with it.

    Whoever takes them keeps `record` up to date: the line on which the record that is being read begins, counted
    from 1. Raises FileRefused when that record grows beyond `LONGEST_ROW`.
    """

    def __init__(self, blocks: TextBlocks) -> None:
        self.blocks = blocks
        self.record = 1
        self.first = 1  # the number of lines[0]
        self.lines: list[str] = []
        self.rest = ""  # the line that has not ended yet
        self.has_nul = False  # somewhere in the lines, or before them in the same record
        self.ended = False
        self._head = ""  # what earlier blocks hold of the record, cut off
        self._bytes = self._cells = 0  # of the record in earlier blocks

    def taken(self, delimiter: str) -> Iterator[list[str]]:
        """Yield the lines of each block."""
        for text in self.blocks:
            if "\n" not in text and "\r" not in text:
                self._grow(text, delimiter)
                self.rest += text
                continue
            yield self._next(self.rest + text)
            if self._goes_on():
                self._grow(text, delimiter)
            else:
                self._bytes = self._cells = 0
        if self.rest:
            yield self._next(self.rest, whole=True)
        self.ended = True

    def excerpt(self, begin: int, end: int) -> str:
        """Return the text of the lines from `begin` to before `end`, at most `EXCERPT` bytes."""
        return cut(self._text(begin, end).rstrip("\r\n"))

    def remainder(self) -> str:
        """Return what was read and comes at or after the record's line."""
        return "".join(self.lines[self.record - self.first :]) + self.rest

    def _next(self, text: str, *, whole: bool = False) -> list[str]:
        going_on, end = self._goes_on(), self.first + len(self.lines)
        self._head = self._text(self.record, end) if going_on else ""
        self.first = end
        self.lines = io.StringIO(text, newline="").readlines()
        self.rest = "" if whole or self.lines[-1].endswith(("\n", "\r")) else self.lines.pop()
        self.has_nul = "\0" in text or (going_on and self.has_nul)
        return self.lines

    def _goes_on(self) -> bool:
        """Tell whether the record goes on after the lines that were given."""
        return self.record < self.first + len(self.lines)

    def _text(self, begin: int, end: int) -> str:
        text = self._head if begin < self.first else ""
        for line in self.lines[max(begin - self.first, 0) : end - self.first]:
            text += line[:EXCERPT]
            if len(text) >= EXCERPT:
                break
        return text[:EXCERPT]

    def _grow(self, text: str, delimiter: str) -> None:
        self._bytes += self.blocks.size
        self._cells += text.count(delimiter)
        if self._bytes > LONGEST_ROW:
            found = f"goes on for more than {LONGEST_ROW // 1024**2} MiB"
        elif self._cells > MOST_CELLS:
            found = f"goes on for more than {MOST_CELLS:,} delimiters"
        else:
            return
        raise FileRefused(
            "RowTooLong",
            f"Line {self.record}: the row that begins here {found}. "
            "Look for a quote that is never closed, or another kind of file.",
        )


def cut(text: str) -> str:
    """Return a text that a database can hold, at most `EXCERPT` bytes of UTF-8; NUL becomes its picture."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}").encode()[:EXCERPT].decode(errors="ignore")
