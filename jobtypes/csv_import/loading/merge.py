"""Bring the table to what the checked rows say, and count what that changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import sql

from jobtypes.csv_import.loading.failures import UNTOUCHED, LoadFailed
from jobtypes.csv_import.loading.session import Connection
from jobtypes.csv_import.loading.staged import (
    AND,
    COMMA,
    Staged,
    assignments,
    differs,
    key_columns,
    names,
    other_columns,
    same_key,
)
from jobtypes.csv_import.loading.target import Table
from jobtypes.csv_import.outcome import Change

SHOWN = 20  # changes of a trial


def merge(connection: Connection, staged: Staged, table: Table) -> None:
    """Insert the new rows and update those that differ; the others are not touched.

    A row that somebody else inserts in between is updated as well.
    """
    tally = staged.tally
    left = tally.rows_read - tally.rejected - tally.duplicates
    others = other_columns(staged, table)
    if others and not table.is_new:
        update = sql.SQL("UPDATE {} AS t SET {} FROM {} AS s WHERE {} AND ({})").format(
            table.identifier,
            assignments(staged, table),
            staged.table,
            same_key(staged, table),
            differs(staged, table),
        )
        tally.updated = connection.execute(update).rowcount
    set_again = COMMA.join(sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(column.name)) for column in others)
    insert = sql.SQL("{} WHERE NOT EXISTS (SELECT FROM {} AS t WHERE {}) ON CONFLICT ({}) DO {}").format(
        _insert(staged, table),
        table.identifier,
        same_key(staged, table),
        names(table.key),
        sql.SQL("UPDATE SET {}").format(set_again) if others else sql.SQL("NOTHING"),
    )
    tally.inserted = connection.execute(_insert(staged, table) if table.is_new else insert).rowcount
    tally.skipped = left - tally.inserted - tally.updated


def fill(connection: Connection, staged: Staged, table: Table) -> None:
    """Insert all rows into a table that was emptied; a trigger may leave some out."""
    tally = staged.tally
    left = tally.rows_read - tally.rejected - tally.duplicates
    tally.inserted = connection.execute(_insert(staged, table)).rowcount
    tally.skipped = left - tally.inserted


def empty(connection: Connection, files: Sequence[Staged], table: Table) -> bool:
    """Take away what the files do not hold; return whether the table is empty now and may be filled.

    TRUNCATE where that is possible. Where foreign keys point at the table only the rows go that no file holds, so
    that rows of other tables keep those they belong to.
    """
    if not table.is_referenced and not table.is_new:
        verb = "TRUNCATE TABLE {}" if table.may_truncate else "DELETE FROM {}"
        connection.execute(sql.SQL(verb).format(table.identifier))
    if not table.is_referenced:
        return True
    kept = AND.join(
        sql.SQL("NOT EXISTS (SELECT FROM {} AS s WHERE {})").format(staged.table, same_key(staged, table))
        for staged in files
    )
    connection.execute(sql.SQL("DELETE FROM {} AS t WHERE {}").format(table.identifier, kept))
    return False


def check_not_empty(files: Sequence[Staged], table: Table) -> None:
    """Raise LoadFailed if a rebuild would leave nothing, unless a plan allows that."""
    good = sum(file.tally.rows_read - file.tally.rejected - file.tally.duplicates for file in files)
    if not good and not any(file.tally.plan.allow_empty_rebuild for file in files):
        raise LoadFailed(
            "EmptyRebuild",
            f"There is no good row, so {table.schema}.{table.name} would be empty. {UNTOUCHED} "
            "If that is meant, set allow_empty_rebuild.",
        )


def changes(connection: Connection, staged: Staged, table: Table) -> tuple[Change, ...]:
    """Return the first changes that are about to be made; of a rebuild not the rows that go."""
    columns = other_columns(staged, table)
    t_key = [sql.Identifier("t", column.name) for column in key_columns(table)]
    differing = differs(staged, table) if columns else sql.SQL("false")
    before = [sql.SQL("{}::text").format(sql.Identifier("t", column.name)) for column in columns]
    after = [sql.SQL("{}::text").format(staged.value(column)) for column in columns]
    keys = [sql.SQL("{}::text").format(value) for value in staged.key(table)]
    statement = sql.SQL(
        "SELECT {is_new}, ARRAY[{keys}]::text[], ARRAY[{before}]::text[], ARRAY[{after}]::text[] "
        "FROM {staged} AS s LEFT JOIN {table} AS t ON {same} WHERE {is_new} OR {differing} "
        "ORDER BY s.row LIMIT {shown}"
    ).format(
        is_new=sql.SQL("{} IS NULL").format(t_key[0]),
        keys=COMMA.join(keys),
        before=COMMA.join(before),
        after=COMMA.join(after),
        staged=staged.table,
        table=table.identifier,
        same=same_key(staged, table),
        differing=differing,
        shown=sql.Literal(SHOWN),
    )
    found = connection.execute(statement).fetchall()
    return tuple(_change(table, [column.name for column in columns], row) for row in found)


def _change(table: Table, columns: Sequence[str], row: tuple[Any, ...]) -> Change:
    is_new, keys, before, after = row
    key = dict(zip(table.key, keys, strict=True))
    if is_new:
        return Change("insert", key, {}, dict(zip(columns, after, strict=True)))
    pairs = {name: pair for name, *pair in zip(columns, before, after, strict=True) if pair[0] != pair[1]}
    return Change(
        "update",
        key,
        {name: old for name, (old, _) in pairs.items()},
        {name: new for name, (_, new) in pairs.items()},
    )


def _insert(staged: Staged, table: Table) -> sql.Composed:
    return sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} AS s").format(
        table.identifier,
        names(staged.header),
        COMMA.join(staged.value(table.columns[name]) for name in staged.header),
        staged.table,
    )
