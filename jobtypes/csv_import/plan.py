"""What is to be done with one file, everything resolved. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

EmptyAs = Literal["null", "text"]
Duplicates = Literal["last", "first", "reject", "error"]
Ragged = Literal["reject", "pad"]
AlreadyImported = Literal["load", "skip"]
AfterSuccess = Literal["keep", "move", "delete"]

# The words that the program before Carillon read as NULL, which are those of pandas.read_csv.
LEGACY_NULLS = frozenset(
    {"#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"}
    | {"<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"}
)


class FileRefused(Exception):
    """The file as a whole cannot be loaded, and nothing of it was written.

    `error_type` is a short word for programs, the message a sentence for people.
    """

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


@dataclass(frozen=True, slots=True)
class RejectLimit:
    """How many rows of a file may be refused before it fails: `rows`, or a `share` of those that were read."""

    rows: int = 0
    share: Fraction | None = None

    def allows(self, rejected: int, read: int) -> bool:
        """Tell whether a file with `rejected` of `read` rows may still be loaded."""
        return rejected <= self.rows if self.share is None else rejected <= self.share * read

    def __str__(self) -> str:
        return str(self.rows) if self.share is None else f"{float(self.share * 100):g}%"


@dataclass(frozen=True, slots=True)
class TableNaming:
    """How the name of a file becomes the name of a table."""

    strip_prefix: str = ""
    strip_suffix: str = ""
    lowercase: bool = True

    def table_for(self, filename: str) -> str:
        """Return the table's name: the file's without its ending, prefix and suffix, these whatever their case.

        Of a packed file, `.gz` belongs to the ending.
        """
        whole = filename[:-3] if filename.lower().endswith(".gz") else filename
        name = whole.rpartition(".")[0] or whole
        if self.strip_prefix and name.lower().startswith(self.strip_prefix.lower()):
            name = name[len(self.strip_prefix) :]
        if self.strip_suffix and name.lower().endswith(self.strip_suffix.lower()):
            name = name[: len(name) - len(self.strip_suffix)]
        return name.lower() if self.lowercase else name


@dataclass(frozen=True, slots=True)
class FilePlan:
    """How one file is read, and where its rows go. `primary_key` and `column_mapping` hold names of columns."""

    filename: str
    table: str
    primary_key: tuple[str, ...]
    schema: str = "public"
    delimiter: str = ","
    encoding: str = "utf-8"
    skiprows: int = 0
    datestyle: Literal["DMY", "MDY", "YMD"] | None = None
    column_mapping: Mapping[str, str] = field(default_factory=dict)
    rebuild_table: bool = False
    null_values: frozenset[str] = frozenset()
    empty_as: EmptyAs = "null"
    reject_limit: RejectLimit = RejectLimit()
    duplicates: Duplicates = "last"
    ragged: Ragged = "reject"
    expect_columns: tuple[str, ...] = ()  # by their names in the table
    min_rows: int = 0
    create_table: bool = True
    add_columns: bool = True
    allow_empty_rebuild: bool = False
    already_imported: AlreadyImported = "load"
    after_success: AfterSuccess = "keep"
