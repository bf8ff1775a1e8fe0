"""Read the header of a file: which columns it has, and whether rows can be loaded under it at all. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from jobtypes.csv_import.config import identifier
from jobtypes.csv_import.plan import FilePlan, FileRefused

MOST_COLUMNS = 1_599  # PostgreSQL's 1,600, less one for the number of the row
SYSTEM_COLUMNS = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}
DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
LONGEST_LIST = 300  # characters


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a file, mapped; `trailing` tells whether a nameless one follows, which is ignored."""

    columns: tuple[str, ...]
    trailing: bool


def read_header(cells: list[str], line: int, plan: FilePlan) -> Header:
    """Return the columns that the header's cells mean; raises FileRefused."""
    if len(cells) > MOST_COLUMNS + 1:
        raise _wrong(line, f"The header has {len(cells):,} columns; a table takes {MOST_COLUMNS:,}.")
    names = [cell.strip() for cell in cells]
    trailing = len(names) > 1 and not names[-1]
    if trailing:
        names.pop()
    columns = [plan.column_mapping.get(name, name) for name in names]
    if len(columns) > MOST_COLUMNS:
        raise _wrong(line, f"The header has {len(columns):,} columns; a table takes {MOST_COLUMNS:,}.")
    seen: dict[str, int] = {}
    for place, column in enumerate(columns, start=1):
        _check(column, place, line)
        if column in seen:
            raise _wrong(line, f"Columns {seen[column]} and {place} of the header are both named {column!r}.")
        seen[column] = place
    if missing := [column for column in plan.primary_key if column not in seen]:
        raise FileRefused("MissingKeyColumn", _missing(missing, columns, names, line, plan))
    if missing := [column for column in plan.expect_columns if column not in seen]:
        raise FileRefused(
            "ColumnsNotAsExpected",
            f"Line {line}: the header lacks {_listed(missing)}, which expect_columns names. "
            f"It has: {_listed(columns)}. Nothing was written.",
        )
    return Header(tuple(columns), trailing)


def check_table(plan: FilePlan) -> None:
    """Refuse a file whose name makes no name for a table; raises FileRefused."""
    try:
        identifier(plan.table)
    except ValueError as wrong:
        raise FileRefused(
            "TableNameError", f"The name of the file makes no name for a table. {wrong} See table_naming, or tables."
        ) from None


def _check(column: str, place: int, line: int) -> None:
    if not column:
        raise _wrong(line, f"Column {place} of the header has no name.")
    if column in SYSTEM_COLUMNS:
        raise _wrong(line, f"Column {place} is named {column}, which PostgreSQL keeps for itself; map it.")
    try:
        identifier(column)
    except ValueError as wrong:
        hint = " Is the file UTF-16?" if "\0" in column else ""
        raise _wrong(line, f"Column {place} of the header cannot be a column. {wrong}{hint}") from None


def _missing(missing: list[str], columns: list[str], names: list[str], line: int, plan: FilePlan) -> str:
    alike = [column for column in columns if column.lower() in {one.lower() for one in missing}]
    others = [word for mark, word in DELIMITERS.items() if mark != plan.delimiter and mark in names[0]]
    if alike:
        hint = f" Names are compared as they are written: {', '.join(alike)}."
    elif len(names) == 1 and others:
        hint = f" It holds {' and '.join(others)}: is that the delimiter?"
    else:
        hint = ""
    keys = ", ".join(missing)
    has = f"It has: {_listed(columns)}.{hint}"
    return f"Line {line}: the header lacks {keys} of the primary key. {has} Nothing was written."


def _listed(names: list[str]) -> str:
    text = ", ".join(names)
    return text if len(text) <= LONGEST_LIST else f"{text[:LONGEST_LIST]} …"


def _wrong(line: int, sentence: str) -> FileRefused:
    return FileRefused("HeaderError", f"Line {line}: {sentence} Nothing was written.")
