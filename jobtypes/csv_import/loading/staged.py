"""Write the SQL that speaks of one file's rows: their temporary table, and its texts as the target's values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from jobtypes.csv_import.loading.session import Connection
from jobtypes.csv_import.loading.tally import Tally
from jobtypes.csv_import.loading.target import Column, Table

OR, AND, COMMA = sql.SQL(" OR "), sql.SQL(" AND "), sql.SQL(", ")


@dataclass(frozen=True, slots=True)
class Staged:
    """One file's rows in a temporary table: `row` grows in the file's order, the cells c1, c2, … are text."""

    number: int
    header: tuple[str, ...]
    tally: Tally
    lines: Callable[[Iterable[int]], Mapping[int, int]]  # on which rows begin, by their `row`

    @property
    def table(self) -> sql.Identifier:
        return sql.Identifier("pg_temp", f"carillon_staging_{self.number}")

    @property
    def cells(self) -> list[sql.Identifier]:
        return [sql.Identifier(f"c{number}") for number in range(1, len(self.header) + 1)]

    def cell(self, name: str, alias: str = "s") -> sql.Identifier:
        """Return the cell that holds the column `name`."""
        return sql.Identifier(alias, f"c{self.header.index(name) + 1}")

    def value(self, column: Column, alias: str = "s") -> sql.Composable:
        """Return the cell as the column's own type. Check before that it fits: it would be cut silently."""
        cell = self.cell(column.name, alias)
        if column.type == "text":
            return cell
        types = [column.base] if column.base == column.type else [column.base, column.type]
        return sql.Composed([cell, *(sql.SQL(f"::{written}") for written in types)])  # as format_type wrote them

    def key(self, table: Table, alias: str = "s") -> list[sql.Composable]:
        """Return the values of the key, to be compared with the table's own."""
        return [_collated(self.value(column, alias), column) for column in key_columns(table)]

    def sorted_key(self, table: Table, alias: str = "s") -> list[sql.Composable]:
        """Return the values of the key, to be compared with each other: faster, and equal when the others are."""
        return [_bytewise(self.value(column, alias), column) for column in key_columns(table)]


def analyse(connection: Connection, staged: Staged, table: Table) -> None:
    """Tell the planner how many rows there are, and how many keys."""
    cells = COMMA.join(sql.Identifier(f"c{staged.header.index(name) + 1}") for name in table.key)
    connection.execute(sql.SQL("ANALYZE {} ({})").format(staged.table, cells))


def key_columns(table: Table) -> list[Column]:
    """Return the columns of the table's key."""
    return [table.columns[name] for name in table.key]


def other_columns(staged: Staged, table: Table) -> list[Column]:
    """Return the file's columns that are no part of the key."""
    return [table.columns[name] for name in staged.header if name not in table.key]


def same_key(staged: Staged, table: Table) -> sql.Composable:
    """Return the condition that the row t of the table and the row s of the file have one key."""
    pairs = zip(key_columns(table), staged.key(table), strict=True)
    return AND.join(sql.SQL("{} = {}").format(sql.Identifier("t", column.name), value) for column, value in pairs)


def differs(staged: Staged, table: Table) -> sql.Composable:
    """Return the condition that some value outside the key differs in s and t; texts count letter by letter."""
    return OR.join(
        sql.SQL("{} IS DISTINCT FROM {}").format(
            comparable(sql.Identifier("t", column.name), column), comparable(staged.value(column), column)
        )
        for column in other_columns(staged, table)
    )


def comparable(value: sql.Composable, column: Column) -> sql.Composable:
    """Return a value that differs where people see a difference, also of types that cannot be compared themselves."""
    if column.is_text:
        text = value if column.type == "text" else sql.SQL("{}::text").format(value)
        return sql.SQL('{} COLLATE "C"').format(text)
    return sql.SQL("{}::text").format(value) if column.has_no_equality else value


def assignments(staged: Staged, table: Table) -> sql.Composable:
    """Return what SET says to give t the values of s."""
    return COMMA.join(
        sql.SQL("{} = {}").format(sql.Identifier(column.name), staged.value(column))
        for column in other_columns(staged, table)
    )


def names(columns: Sequence[str]) -> sql.Composable:
    """Return a list of names."""
    return COMMA.join(map(sql.Identifier, columns))


def _collated(value: sql.Composable, column: Column) -> sql.Composable:
    if column.collation is None:
        return value
    return sql.Composed([value, sql.SQL(f" COLLATE {column.collation}")])  # as quote_ident wrote it


def _bytewise(value: sql.Composable, column: Column) -> sql.Composable:
    if column.base in {"text", "character varying"} and column.is_deterministic:
        return sql.SQL('{} COLLATE "C"').format(value)
    return _collated(value, column)
