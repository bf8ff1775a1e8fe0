"""What became of one file: the counts, the refused rows and the reason. Pure."""

from dataclasses import dataclass
from typing import Literal, Protocol

KEPT_REJECTS = 1000  # of one file; the count is exact all the same

Status = Literal["loaded", "failed", "already_imported"]


class Rejected(Protocol):
    """A refused row: the physical line (from 1) on which it begins, the column at fault if one is, why, its text."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> str | None: ...
    @property
    def reason(self) -> str: ...
    @property
    def raw(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Change:
    """What a trial would have done to one row of the table; values as PostgreSQL writes them.

    `before` is empty for an insert; for an update both hold only the columns that differ.
    """

    operation: Literal["insert", "update"]
    key: dict[str, str]
    before: dict[str, str | None]
    after: dict[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """How one file went.

    Of a loaded file rows_read = inserted + updated + skipped + rejected + duplicates. Of a failed file `rejected` and
    `rows_read` tell how far it was read; inserted, updated and skipped are 0, as nothing was changed.
    `rejects` are the first KEPT_REJECTS in file order. `retryable` says that the next attempt may go well: network,
    lock, serialisation. `connection_lost` says that the files after this one need not be tried.
    """

    filename: str
    table_name: str = ""  # schema.table
    status: Status = "loaded"
    rows_read: int = 0
    inserted: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: int = 0
    duplicates: int = 0
    columns_added: tuple[str, ...] = ()
    bytes: int = 0
    sha256: str = ""
    duration_ms: int = 0
    error_type: str = ""
    error: str = ""
    rejects: tuple[Rejected, ...] = ()
    retryable: bool = False
    connection_lost: bool = False
    lane: Literal["", "row", "raw"] = ""  # how the file was read: see docs/decisions
    changes: tuple[Change, ...] = ()  # of a trial only, the first 20 of the table
