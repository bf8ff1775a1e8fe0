"""Count what becomes of the rows of one file, and keep the first that are refused."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from operator import attrgetter
from pathlib import Path
from typing import Literal

from jobtypes.csv_import.loading.failures import LoadFailed
from jobtypes.csv_import.outcome import KEPT_REJECTS, Change, FileResult
from jobtypes.csv_import.plan import FilePlan
from jobtypes.csv_import.reading import Reject

LONGEST_RAW = 1024  # bytes


@dataclass(slots=True)
class Tally:
    """What is known of one file so far."""

    plan: FilePlan
    path: Path
    lane: Literal["", "row", "raw"] = ""
    rows_read: int = 0
    inserted: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: int = 0
    duplicates: int = 0
    columns_added: tuple[str, ...] = ()
    size: int = 0
    sha256: str = ""
    rejects: list[Reject] = field(default_factory=list)
    changes: tuple[Change, ...] = ()
    started: float = field(default_factory=time.monotonic)

    @property
    def table_name(self) -> str:
        return f"{self.plan.schema}.{self.plan.table}"

    def refuse(self, rejects: Iterable[Reject], count: int) -> None:
        """Take note of `count` refused rows, of which `rejects` are the first."""
        self.rejected += count
        self.rejects = nsmallest(KEPT_REJECTS, [*self.rejects, *rejects], key=attrgetter("line"))

    def check_limit(self) -> None:
        """Raise LoadFailed if more rows were refused than the plan allows, or fewer are left than it wants."""
        if self.plan.reject_limit.allows(self.rejected, self.rows_read):
            self._check_enough()
            return
        first = self.rejects[0]
        column = f", column {first.column}" if first.column else ""
        raise LoadFailed(
            "RejectLimitExceeded",
            f"{self.rejected:,} of {self.rows_read:,} rows were refused; reject_limit allows "
            f"{self.plan.reject_limit}. The first, line {first.line}{column}: "
            f"{first.reason}. Nothing was changed.",
        )

    def _check_enough(self) -> None:
        good = self.rows_read - self.rejected
        if good < self.plan.min_rows:
            raise LoadFailed(
                "TooFewRows",
                f"The file has {good:,} good rows; min_rows wants {self.plan.min_rows:,}. Was it sent whole? "
                "Nothing was changed.",
            )

    def loaded(self) -> FileResult:
        """Return the result of a file that was loaded."""
        return replace(
            self._read(),
            inserted=self.inserted,
            updated=self.updated,
            skipped=self.skipped,
            duplicates=self.duplicates,
            columns_added=self.columns_added,
            changes=self.changes,
        )

    def failed(self, why: LoadFailed) -> FileResult:
        """Return the result of a file of which nothing was loaded."""
        return replace(
            self._read(),
            status="failed",
            error_type=why.error_type,
            error=str(why),
            retryable=why.retryable,
            connection_lost=why.lost,
        )

    def _read(self) -> FileResult:
        return FileResult(
            filename=self.plan.filename,
            table_name=self.table_name,
            rows_read=self.rows_read,
            rejected=self.rejected,
            bytes=self.size,
            sha256=self.sha256,
            duration_ms=round((time.monotonic() - self.started) * 1000),
            rejects=tuple(self.rejects),
            lane=self.lane,
        )


def raw_text(cells: Iterable[str | None], delimiter: str) -> str:
    """Return a row as a file would hold it, cut to 1 KiB."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="").writerow(cells)
    return text.getvalue().encode()[:LONGEST_RAW].decode(errors="ignore")
