"""What looking for files brings, whichever place it looked in. Pure."""

from __future__ import annotations

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from integrations.naming import has_control_characters, on_one_line
from jobtypes.csv_import.config import ImportConfig
from jobtypes.csv_import.plan import FilePlan

MOST_BYTES = 10 * 2**30  # of one file, and of what is downloaded at one time
LONGEST_NAME = 255  # bytes
SETTLED_SECONDS = 2.0
UNFINISHED = (".part", ".tmp", ".filepart")
ARCHIVE, FAILED = "archive", "failed"


class SourceFailed(Exception):
    """The place where files should be cannot be looked into; no file was touched.

    `error_type` is a short word for programs. `retry` tells whether it may go better by itself a little later.
    """

    def __init__(self, error_type: str, message: str, *, retry: bool) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.retry = retry


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to load. `name` is its base name, `origin` says where it is for people, `size` is in bytes.

    `place` is what the finding itself knows it by.
    """

    name: str
    size: int
    origin: str
    plan: FilePlan
    place: str


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that was asked for, or matched, and cannot be loaded: `error` is a sentence, `error_type` a word."""

    name: str
    error_type: str
    error: str


class Finding(ABC):
    """The files of one run. Whatever was opened or downloaded for it is gone when its context ends."""

    files: tuple[FoundFile, ...] = ()
    refused: tuple[RefusedFile, ...] = ()
    waiting: tuple[str, ...] = ()  # names of files that are still being written; the next run finds them

    @abstractmethod
    def fetch(self, file: FoundFile) -> Path:
        """Return a path to read the file's bytes from, the same ones each time, until it is settled or dropped.

        Raises plan.FileRefused when this file cannot be had, SourceFailed when no further one can.
        """

    @abstractmethod
    def drop(self, file: FoundFile) -> None:
        """Give back what `fetch` took; a second time does nothing."""

    @abstractmethod
    def settle(self, file: FoundFile, ok: bool) -> str:
        """Do with a file what its project says of loaded (`ok`) and failed ones, after the commit; drop it.

        Returns why that could not be done, a sentence, empty if it was. Only a file that did not change since it
        was fetched is moved or deleted. Not for a file that will be tried again.
        """


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of a folder. `modified` is in seconds since 1970, None where nobody knows."""

    name: str
    size: int
    modified: float | None


def sort_out(
    config: ImportConfig, entries: Iterable[Listed], *, now: float, origin: Callable[[str], str]
) -> tuple[tuple[FoundFile, ...], tuple[RefusedFile, ...], tuple[str, ...]]:
    """Return which files of a folder are to be loaded, which cannot be, and which wait; each sorted by name."""
    files, refused, waiting = [], [], []
    for entry in sorted(entries, key=lambda one: one.name):
        plan = config.rule_for(entry.name)
        if plan is None:
            continue
        shown = shown_name(entry.name)
        if is_unfinished(entry, now):
            waiting.append(shown)
        elif sentence := name_refusal(entry.name):
            refused.append(RefusedFile(shown, "UnsafeName", sentence))
        elif entry.size > MOST_BYTES:
            refused.append(too_large(shown, entry.size))
        else:
            files.append(FoundFile(entry.name, entry.size, origin(entry.name), plan, entry.name))
    return tuple(files), tuple(refused), tuple(waiting)


def is_unfinished(entry: Listed, now: float) -> bool:
    """Tell whether somebody may still be writing the file: by its ending, or as it changed in the last 2 seconds."""
    if entry.name.lower().endswith(UNFINISHED):
        return True
    return entry.modified is not None and 0 <= now - entry.modified < SETTLED_SECONDS


def name_refusal(name: str) -> str:
    """Return why a file of this name is not touched, empty if it may be."""
    if "/" in name or "\\" in name or name in {"", ".", ".."}:
        return "This is no name of a file but a way to one. It was left where it is."
    if len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME:
        return f"The name is longer than {LONGEST_NAME} bytes. The file was left where it is."
    if has_control_characters(name) or any(unicodedata.category(letter) == "Cs" for letter in name):
        return "The name holds characters that cannot be shown. The file was left where it is; rename it."
    return ""


def shown_name(name: str) -> str:
    """Return a name as it may be stored and shown: what is no text, or moves a cursor, is written out."""
    return on_one_line(name.encode("utf-8", "backslashreplace").decode())[:LONGEST_NAME]


def too_large(name: str, size: int) -> RefusedFile:
    """Return the refusal of a file that is larger than any that is loaded."""
    return RefusedFile(
        name,
        "FileTooLarge",
        f"It has {size:,} bytes; at most {MOST_BYTES:,} are read. Nothing of it was loaded. Split the file.",
    )


def name_for(name: str, taken: Callable[[str], bool], *, at: float) -> str:
    """Return a name in another folder that overwrites nothing: its own, or with the moment behind its stem."""
    if not taken(name):
        return name
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (name, "")
    moment = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    number = 1
    while taken(candidate := f"{stem}.{moment}{f'-{number}' if number > 1 else ''}{ending}"):
        number += 1
    return candidate
