"""Unpack a file whose name ends in `.gz` while it is read, up to a size. Pure."""

from __future__ import annotations

import gzip
import zlib
from typing import BinaryIO, Protocol

from jobtypes.csv_import.plan import FileRefused

MOST_UNPACKED = 10 * 2**30  # bytes


class Readable(Protocol):
    """What reading needs of a stream."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""
        ...


class Gunzipped:
    """What a gzip file holds, in bounded memory; raises FileRefused where it is damaged, or holds too much."""

    def __init__(self, stream: BinaryIO, *, most: int = MOST_UNPACKED) -> None:
        self._packed = gzip.GzipFile(fileobj=stream, mode="rb")
        self._left = most

    def read(self, size: int, /) -> bytes:
        try:
            block = self._packed.read(size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as wrong:
            raise FileRefused(
                "BadArchive", f"The file cannot be unpacked: {wrong}. Was it sent whole? Nothing was written."
            ) from None
        self._left -= len(block)
        if self._left < 0:
            raise FileRefused("FileTooLarge", "The file holds more than 10 GiB unpacked. Nothing was written.")
        return block


def is_packed(filename: str) -> bool:
    """Tell whether a file of that name is unpacked first."""
    return filename.lower().endswith(".gz")


def unpacked(stream: BinaryIO, filename: str) -> Readable:
    """Return what is to be read of a file."""
    return Gunzipped(stream) if is_packed(filename) else stream
