"""Read the beginning of a file as a project would, and show what came of it. Nothing is stored, no database asked."""

from __future__ import annotations

import codecs
import zlib
from dataclasses import dataclass, field, replace
from io import BytesIO

from jobruns.uploads import MOST_BYTES
from jobtypes.csv_import.config import ImportConfig
from jobtypes.csv_import.plan import FilePlan
from jobtypes.csv_import.reading import FileRefused, Reject, Row, open_file
from jobtypes.csv_import.unpacking import is_packed

ROWS, REJECTS = 20, 20
WIDE = ("utf-16", "utf-32")
GZIP = 31  # zlib's word for a gzip header


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file and what it is in the table."""

    written: str
    name: str
    is_key: bool


@dataclass(slots=True)
class Trial:
    """What a file, or its beginning, says.

    `plan` is None where no pattern matches the file's name; `error` says why the file cannot be read, or not further.
    """

    filename: str
    size: int
    is_cut: bool = False
    plan: FilePlan | None = None
    columns: list[Column] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    read: int = 0
    refused: int = 0
    error: str = ""

    @property
    def is_over_the_limit(self) -> bool:
        """Tell whether so many rows are refused that the file would fail."""
        return self.plan is not None and not self.plan.reject_limit.allows(self.refused, self.read)


def tried(config: ImportConfig, filename: str, content: bytes, *, size: int) -> Trial:
    """Read `content`, the beginning of a file of `size` bytes, as `config` says."""
    trial = Trial(filename, size, plan=config.rule_for(filename))
    if trial.plan is None:
        return trial
    plan, trial.is_cut = trial.plan, size > len(content)
    try:
        if is_packed(filename):
            plan = replace(plan, filename=filename[:-3])
            content, trial.is_cut = _unpacked(content, is_whole=not trial.is_cut)
        _read(trial, plan, _whole_lines(content, plan.encoding) if trial.is_cut else content)
    except FileRefused as refused:
        if not (trial.is_cut and trial.read and refused.error_type == "UnclosedQuote"):  # the cut is in a quoted cell
            trial.error = str(refused)
    return trial


def _read(trial: Trial, plan: FilePlan, content: bytes) -> None:
    file = open_file(BytesIO(content), plan)
    mapped = {column: name for name, column in plan.column_mapping.items()}
    trial.columns = [Column(mapped.get(name, name), name, name in plan.primary_key) for name in file.header]
    for one in file:
        trial.read += 1
        if isinstance(one, Reject):
            trial.refused += 1
            if len(trial.rejects) < REJECTS:
                trial.rejects.append(one)
        elif len(trial.rows) < ROWS:
            trial.rows.append(one)


def _unpacked(content: bytes, *, is_whole: bool) -> tuple[bytes, bool]:
    """Return the beginning of what a gzip file holds, and whether it is cut; raises FileRefused if it is damaged."""
    unpacking = zlib.decompressobj(wbits=GZIP)
    try:
        beginning = unpacking.decompress(content, MOST_BYTES)
    except zlib.error as wrong:
        raise FileRefused("BadArchive", f"The file cannot be unpacked: {wrong}. Nothing was written.") from None
    if is_whole and not unpacking.eof and not unpacking.unconsumed_tail:
        raise FileRefused("BadArchive", "The file cannot be unpacked: it ends too early. Nothing was written.")
    return beginning, not unpacking.eof


def _whole_lines(content: bytes, encoding: str) -> bytes:
    """Return `content` without the beginning of a line at its end."""
    if codecs.lookup(encoding).name.startswith(WIDE):
        return content[: len(content) // 4 * 4]
    return content[: max(content.rfind(b"\n"), content.rfind(b"\r")) + 1] or content
