"""Say what became of the files of one run: totals, the run's word, and sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

MOST_FILES = 500  # whose numbers a run's own result repeats; all are kept beside it
MOST_ERRORS = 50
NUMBERS = ("rows_read", "inserted", "updated", "skipped", "rejected", "duplicates")
TOTALS = ("inserted", "updated", "skipped", "rejected", "duplicates")
FILE = ("filename", "table_name", "status", *NUMBERS, "columns_added", "bytes", "duration_ms", "error_type", "error")


class Went(Protocol):
    """How one file went, as it comes from loading or from the database."""

    @property
    def filename(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def error(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Report:
    """The files of one run, in the order in which they were taken.

    `notes` are sentences on what failed after the loading: files that could not be put away, views.
    """

    files: Sequence[Any]
    notes: Sequence[str] = ()
    views: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> list[Any]:
        """Return the files that were not loaded and should have been."""
        return [one for one in self.files if one.status == "failed"]

    @property
    def done(self) -> int:
        """Return how many files are in their tables: loaded now, or the same before."""
        return len(self.files) - len(self.failed)

    @property
    def status(self) -> str:
        """Return the run's word: completed, partial or failed."""
        if not self.failed:
            return "completed"
        return "partial" if self.done else "failed"

    def total(self, name: str) -> int:
        """Return the sum of a number over all files."""
        return sum(getattr(one, name) for one in self.files)

    def sentence(self) -> str:
        """Return the numbers in a sentence."""
        if not self.files:
            return "There was no file to import."
        words = [f"{_files(len(self.files))}: {self.total('inserted'):,} inserted, {self.total('updated'):,} updated"]
        words.append(f"{self.total('skipped'):,} unchanged")
        words += [f"{self.total(name):,} {name}" for name in ("rejected", "duplicates") if self.total(name)]
        return f"{', '.join(words)}." + (f" {self.failing()}" if self.failed else "")

    def failing(self) -> str:
        """Say which files failed and why, and what became of the others."""
        count, first = len(self.failed), self.failed[0]
        more = f" And {_files(count - 1)} more." if count > 1 else ""
        why = f"{first.filename}: {first.error}{more}"
        if not self.done:
            return f"{_files(count)} failed, none was loaded. {why}"
        stay = "stays" if self.done == 1 else "stay"
        return f"{_files(count)} failed; what came from the {_others(self.done)} {stay} loaded. {why}"

    def metrics(self) -> dict[str, int]:
        """Return flat numbers."""
        numbers = {
            "files_processed": self.done,
            "files_failed": len(self.failed),
            "rows_read": self.total("rows_read"),
        }
        return {**numbers, **self.totals(), "bytes": self.total("bytes")}

    def totals(self) -> dict[str, int]:
        """Return total_inserted and its kin."""
        return {f"total_{name}": self.total(name) for name in TOTALS}

    def errors(self) -> list[str]:
        """Return a sentence for each file that failed."""
        return errors_of(self.files)

    def result(self, project: str) -> dict[str, Any]:
        """Return what a run keeps as its result."""
        return {
            "status": self.status,
            "project": project,
            "files_processed": self.done,
            "files_failed": len(self.failed),
            **self.totals(),
            "errors": self.errors(),
            "files": [shown(one) for one in self.files[:MOST_FILES]],
            **({"notes": list(self.notes[:MOST_ERRORS])} if self.notes else {}),
            **({"views": dict(self.views)} if self.views else {}),
        }


def shown(file: Any) -> dict[str, Any]:
    """Return the numbers of one file as plain JSON."""
    values = {name: getattr(file, name) for name in FILE}
    return {**values, "columns_added": list(values["columns_added"])}


def errors_of(files: Iterable[Went]) -> list[str]:
    """Return a sentence for each file that failed, at most MOST_ERRORS."""
    return [f"{one.filename}: {one.error}" for one in files if one.status == "failed"][:MOST_ERRORS]


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number:,} files"


def _others(number: int) -> str:
    return "other one" if number == 1 else f"{number:,} others"
