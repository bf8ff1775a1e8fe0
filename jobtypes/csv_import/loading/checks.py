"""Refuse staged rows that the table cannot take, by statements about all of them at once.

First all rows are tried in one pass, which is all that a good file needs. Only if something is wrong the bad ones are
looked for: with pg_input_error_info where the server has it and the types go along, else with a function of this
transaction that catches what each row raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from jobtypes.csv_import.loading import repeated
from jobtypes.csv_import.loading.session import Connection, Session
from jobtypes.csv_import.loading.staged import COMMA, OR, Staged
from jobtypes.csv_import.loading.tally import raw_text
from jobtypes.csv_import.loading.target import Column, Table
from jobtypes.csv_import.outcome import KEPT_REJECTS
from jobtypes.csv_import.reading import Reject

LONGEST_REASON = 500
KNOWS_VALIDITY = 160000
MISFIT = sql.Identifier("pg_temp", "carillon_misfit")
BAD_VALUE = (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError, psycopg.NotSupportedError)


def check(session: Session, connection: Connection, staged: Staged, table: Table) -> None:
    """Leave only rows that fit the table, each key once; the tally counts the others. Raises LoadFailed."""
    distinct = _distinct_if_all_fit(connection, staged, table)
    session.go_on()
    if distinct is None:
        _refuse_misfits(connection, staged, table)
        session.go_on()
        distinct = repeated.count_keys(connection, staged, table)
    left = staged.tally.rows_read - staged.tally.rejected
    if distinct < left:
        repeated.settle(connection, staged, table, surplus=left - distinct)


def _distinct_if_all_fit(connection: Connection, staged: Staged, table: Table) -> int | None:
    """Return how many keys there are, None if some row does not fit."""
    typed = [column for _, column in _typed(staged, table)]
    unfit = [_is_empty(staged, column) for _, column in _filled(staged, table)]
    unfit += [_may_be_cut(staged, column) for column in typed if column.is_cut]
    statement = sql.SQL("SELECT coalesce(bool_or({}), false), {}{} FROM {} AS s").format(
        OR.join(unfit),
        repeated.counted_keys(staged, table),
        sql.Composed([sql.SQL(", count({})").format(staged.value(column)) for column in typed]),
        staged.table,
    )
    try:
        with connection.transaction():
            found = connection.execute(statement).fetchone()
    except BAD_VALUE:
        return None
    return int(found[1]) if found and not found[0] else None


def _refuse_misfits(connection: Connection, staged: Staged, table: Table) -> None:
    if connection.info.server_version >= KNOWS_VALIDITY:
        try:
            with connection.transaction():
                return _delete(connection, staged, table, _what_the_server_says(staged, table))
        except BAD_VALUE:  # a type, of an extension say, whose errors cannot be asked for
            pass
    _make_function(connection, staged, table)
    function = sql.SQL("{}(s)").format(MISFIT)
    _delete(connection, staged, table, (sql.SQL("{} IS NOT NULL").format(function), function))
    connection.execute(sql.SQL("DROP FUNCTION {}").format(MISFIT))
    return None


def _what_the_server_says(staged: Staged, table: Table) -> tuple[sql.Composable, sql.Composable]:
    """Return the condition of a misfit, and the expression for its number and message."""
    typed = _typed(staged, table)
    if not typed:
        return sql.SQL("false"), sql.SQL("NULL::text[]")
    bad = OR.join(_ask("NOT pg_input_is_valid({}, {})", staged, column) for _, column in typed)
    cases = [
        sql.SQL("WHEN {} THEN ARRAY[{}, {}]").format(
            _ask("NOT pg_input_is_valid({}, {})", staged, column),
            sql.Literal(str(number)),
            _ask("(pg_input_error_info({}, {})).message", staged, column),
        )
        for number, column in typed
    ]
    return bad, sql.SQL("CASE {} END").format(sql.SQL(" ").join(cases))


def _ask(form: LiteralString, staged: Staged, column: Column) -> sql.Composable:
    return sql.SQL(form).format(staged.cell(column.name), sql.Literal(column.type))


def _make_function(connection: Connection, staged: Staged, table: Table) -> None:
    """Make a function that answers NULL for a row that fits, else the number of its column and the message.

    An assignment of PL/pgSQL refuses what an explicit cast would cut off.
    """
    typed = _typed(staged, table)
    tried = "".join(
        f"IF s.c{number} IS NOT NULL THEN at := '{number}'; "
        f"DECLARE v {column.type} := s.c{number}; BEGIN END; END IF;\n"
        for number, column in typed
    )
    body = f"DECLARE at text;\nBEGIN\n{tried}RETURN NULL;\nEXCEPTION WHEN OTHERS THEN RETURN ARRAY[at, SQLERRM];\nEND"
    connection.execute(
        sql.SQL("CREATE FUNCTION {}(s {}) RETURNS text[] LANGUAGE plpgsql AS {}").format(
            MISFIT, staged.table, sql.Literal(body)
        )
    )


def _delete(
    connection: Connection, staged: Staged, table: Table, misfit: tuple[sql.Composable, sql.Composable]
) -> None:
    """Take the bad rows out and note them in the tally."""
    is_misfit, why = misfit
    empty = _filled(staged, table)
    cases = [
        sql.SQL("WHEN {} THEN ARRAY[{}, NULL]").format(_is_empty(staged, column), sql.Literal(str(number)))
        for number, column in empty
    ]
    statement = sql.SQL(
        "WITH gone AS (DELETE FROM {table} AS s WHERE {empty} OR {misfit} "
        "RETURNING s.row, CASE {cases} ELSE {why} END AS why, {cells}) "
        "SELECT count(*) OVER (), * FROM gone ORDER BY row LIMIT {kept}"
    ).format(
        table=staged.table,
        empty=OR.join(_is_empty(staged, column) for _, column in empty),
        misfit=is_misfit,
        kept=sql.Literal(KEPT_REJECTS),
        cases=sql.SQL(" ").join(cases),
        why=why,
        cells=COMMA.join(staged.cells),
    )
    rows = connection.execute(statement).fetchall()
    if rows:
        lines = staged.lines(row[1] for row in rows)
        staged.tally.refuse([_reject(staged, table, lines[row[1]], row[2], row[3:]) for row in rows], rows[0][0])


def _reject(staged: Staged, table: Table, line: int, why: Any, cells: Sequence[Any]) -> Reject:
    number, message = int(why[0]), why[1]
    column = table.columns[staged.header[number - 1]]
    if message is not None:
        reason = f"{column.type} does not take this value: {message}"
    elif column.name in table.key:
        reason = "the key is empty"
    else:
        reason = "the column must not be empty"
    return Reject(line, column.name, reason[:LONGEST_REASON], raw_text(cells, staged.tally.plan.delimiter))


def _numbered(staged: Staged, table: Table) -> list[tuple[int, Column]]:
    return [(number, table.columns[name]) for number, name in enumerate(staged.header, 1)]


def _typed(staged: Staged, table: Table) -> list[tuple[int, Column]]:
    return [(number, column) for number, column in _numbered(staged, table) if not column.takes_any_text]


def _filled(staged: Staged, table: Table) -> list[tuple[int, Column]]:
    """Return the columns in which every row needs a value."""
    return [
        (number, column) for number, column in _numbered(staged, table) if column.required or column.name in table.key
    ]


def _is_empty(staged: Staged, column: Column) -> sql.Composable:
    return sql.SQL("{} IS NULL").format(staged.cell(column.name))


def _may_be_cut(staged: Staged, column: Column) -> sql.Composable:
    """Return the condition that an explicit cast changes the value; an assignment might refuse it."""
    uncut, value = staged.value(replace(column, type=column.base)), staged.value(column)
    if column.base in {"character varying", "bpchar"}:
        return sql.SQL("length({}) > length({})").format(uncut, value)
    return sql.SQL("{}::text <> {}::text").format(uncut, value)
