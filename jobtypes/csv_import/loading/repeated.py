"""Settle keys that a file holds more than once, and files of one rebuilt table between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import sql

from jobtypes.csv_import.loading.failures import UNTOUCHED, LoadFailed
from jobtypes.csv_import.loading.session import Connection
from jobtypes.csv_import.loading.staged import AND, COMMA, Staged
from jobtypes.csv_import.loading.tally import raw_text
from jobtypes.csv_import.loading.target import Table
from jobtypes.csv_import.outcome import KEPT_REJECTS
from jobtypes.csv_import.reading import Reject

MANY = 1000  # rows, above which a key that mostly repeats is taken for the wrong one


def counted_keys(staged: Staged, table: Table) -> sql.Composable:
    """Return the expression that counts the different keys."""
    values = staged.sorted_key(table)
    form = sql.SQL("count(DISTINCT {})") if len(values) == 1 else sql.SQL("count(DISTINCT ({}))")
    return form.format(COMMA.join(values))


def count_keys(connection: Connection, staged: Staged, table: Table) -> int:
    """Return how many different keys there are; all of them must be values of the key's types."""
    keys = sql.SQL("SELECT {} FROM {} AS s").format(counted_keys(staged, table), staged.table)
    found = connection.execute(keys).fetchone()
    return int(found[0]) if found else 0


def settle(connection: Connection, staged: Staged, table: Table, *, surplus: int) -> None:
    """Leave one row of each key, as the plan says; `surplus` rows are over. Raises LoadFailed."""
    tally = staged.tally
    if tally.rows_read > MANY and surplus * 2 > tally.rows_read:
        raise LoadFailed(
            "KeyDoesNotIdentifyRows",
            f"{surplus:,} of {tally.rows_read:,} rows repeat a key, so {', '.join(table.key)} does not tell the rows "
            f"apart. {UNTOUCHED} Name other columns as primary_key.",
        )
    if tally.plan.duplicates == "error":
        raise LoadFailed("DuplicateKeys", _first_repeated(connection, staged, table, surplus))
    _delete(connection, staged, table, staged, "max" if tally.plan.duplicates == "last" else "min")


def settle_between(connection: Connection, earlier: Staged, later: Staged, table: Table) -> None:
    """Leave keys that two files share in one of them, as the later one's plan says. Raises LoadFailed."""
    policy = later.tally.plan.duplicates
    if policy != "error":
        loser, winner = (earlier, later) if policy == "last" else (later, earlier)
        _delete(connection, loser, table, winner, None)
        return
    pair = sql.SQL("SELECT l.row FROM {} AS e, {} AS l WHERE {} ORDER BY l.row LIMIT 1").format(
        earlier.table, later.table, _equal(earlier.key(table, "e"), later.key(table, "l"))
    )
    if found := connection.execute(pair).fetchone():
        line = later.lines([found[0]])[found[0]]
        raise LoadFailed(
            "DuplicateKeys",
            f"Line {line} has a key that {earlier.tally.plan.filename} has too; duplicates is error. {UNTOUCHED}",
        )


def _delete(connection: Connection, staged: Staged, table: Table, winner: Staged, keeps: str | None) -> None:
    """Take out the rows whose key another row has: of the file itself, or of `winner`, and note them in the tally."""
    refuses = winner.tally.plan.duplicates == "reject" if keeps else staged.tally.plan.duplicates == "reject"
    keys = COMMA.join(
        sql.SQL("{} AS k{}").format(value, sql.SQL(str(number)))
        for number, value in enumerate(winner.key(table, "w"), 1)
    )
    theirs = [sql.SQL(f"r.k{number}") for number in range(1, len(table.key) + 1)]
    if keeps:
        others = sql.SQL(
            "SELECT {keys}, {keeps}(w.row) AS row FROM {table} AS w GROUP BY {group} HAVING count(*) > 1"
        ).format(keys=keys, keeps=sql.SQL(keeps), table=winner.table, group=_positions(len(table.key)))
    else:
        others = sql.SQL("SELECT {}, w.row FROM {} AS w").format(keys, winner.table)
    gone = sql.SQL("DELETE FROM {} AS s USING ({}) AS r WHERE {}{} RETURNING s.row, r.row, {}").format(
        staged.table,
        others,
        _equal(staged.key(table), theirs),
        sql.SQL(" AND s.row <> r.row") if keeps else sql.SQL(""),
        COMMA.join(sql.Composed([sql.SQL("s."), cell]) for cell in staged.cells),
    )
    if not refuses:
        counted = connection.execute(sql.SQL("WITH gone AS ({}) SELECT count(*) FROM gone").format(gone)).fetchone()
        staged.tally.duplicates += counted[0] if counted else 0
        return
    rows = connection.execute(
        sql.SQL("WITH gone AS ({}) SELECT count(*) OVER (), * FROM gone ORDER BY 2 LIMIT {}").format(
            gone, sql.Literal(KEPT_REJECTS)
        )
    ).fetchall()
    if rows:
        _refuse(staged, table, winner, rows)


def _refuse(staged: Staged, table: Table, winner: Staged, rows: Sequence[tuple[Any, ...]]) -> None:
    lines = staged.lines(row[1] for row in rows)
    firsts = winner.lines(row[2] for row in rows)
    where = "" if winner is staged else f" of {winner.tally.plan.filename}"
    delimiter = staged.tally.plan.delimiter
    staged.tally.refuse(
        [
            Reject(
                lines[row[1]],
                table.key[0] if len(table.key) == 1 else "",
                f"the key is that of line {firsts[row[2]]}{where}",
                raw_text(row[3:], delimiter),
            )
            for row in rows
        ],
        rows[0][0],
    )


def _first_repeated(connection: Connection, staged: Staged, table: Table, surplus: int) -> str:
    first = sql.SQL(
        "SELECT min(s.row), (array_agg(s.row ORDER BY s.row))[2], {texts} FROM {table} AS s "
        "GROUP BY {keys} HAVING count(*) > 1 ORDER BY 1 LIMIT 1"
    ).format(
        texts=COMMA.join(sql.SQL("min({})").format(staged.cell(name)) for name in table.key),
        table=staged.table,
        keys=COMMA.join(staged.key(table)),
    )
    found = connection.execute(first).fetchall()[0]
    lines = staged.lines(found[:2])
    key = ", ".join(f"{name} {value}" for name, value in zip(table.key, found[2:], strict=True))
    return (
        f"{surplus:,} rows repeat a key; the first are lines {lines[found[0]]} and {lines[found[1]]} "
        f"with {key[:300]}. duplicates is error. {UNTOUCHED}"
    )


def _equal(left: Sequence[sql.Composable], right: Sequence[sql.Composable]) -> sql.Composable:
    return AND.join(sql.SQL("{} = {}").format(one, other) for one, other in zip(left, right, strict=True))


def _positions(count: int) -> sql.Composable:
    return COMMA.join(sql.SQL(str(number)) for number in range(1, count + 1))
