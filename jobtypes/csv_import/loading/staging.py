"""Bring a file's rows into a temporary table, all text, by one of two lanes.

The row lane is the measure: rows that our reader parsed are written one by one. The raw lane sends the file's bytes
to the server's own CSV parser, and gives way where that one reads otherwise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import psycopg
from psycopg import sql

from jobtypes.csv_import.loading.meter import Meter
from jobtypes.csv_import.loading.session import Connection, Session
from jobtypes.csv_import.loading.staged import COMMA, OR, Staged
from jobtypes.csv_import.loading.tally import Tally
from jobtypes.csv_import.outcome import KEPT_REJECTS
from jobtypes.csv_import.plan import FilePlan
from jobtypes.csv_import.raw import GivesWay, physical_lines, raw_blocks
from jobtypes.csv_import.reading import Reject, open_file

BLOCK = 262_144  # bytes
ROWS = 2_000  # between two looks at whether to go on
STUMBLES = (GivesWay, psycopg.DataError, psycopg.errors.ProgramLimitExceeded)


def stage(session: Session, connection: Connection, meter: Meter, number: int, tally: Tally) -> Staged:
    """Return the file's rows in a temporary table of this transaction. Raises FileRefused, OSError."""
    with tally.path.open("rb") as stream:
        tally.sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        tally.size = stream.tell()
    meter.total, meter.done = (meter.total or 0) + tally.size, meter.done
    meter.say(f"reading {tally.plan.filename}")
    before = meter.done
    try:
        with connection.transaction():
            staged = _by_server(session, connection, meter, number, tally)
    except STUMBLES:
        session.go_on()
        meter.done = before
        staged = _by_row(session, connection, meter, number, tally)
    meter.done = before + tally.size
    return staged


def _by_row(session: Session, connection: Connection, meter: Meter, number: int, tally: Tally) -> Staged:
    tally.lane = "row"
    before = meter.done
    with tally.path.open("rb") as stream:
        file = open_file(stream, tally.plan)
        staged = Staged(
            number, file.header, tally, lambda rows: {row: row for row in rows}
        )  # their lines serve as numbers
        _create(connection, staged)
        rejects: list[Reject] = []
        refused = count = 0
        columns = COMMA.join([sql.Identifier("row"), *staged.cells])
        copying = sql.SQL("COPY {} ({}) FROM STDIN").format(staged.table, columns)
        with connection.cursor() as cursor, cursor.copy(copying) as copy:
            for count, row in enumerate(file, 1):
                if isinstance(row, Reject):
                    refused += 1
                    if refused <= KEPT_REJECTS:
                        rejects.append(row)
                else:
                    copy.write_row((row.line, *row.cells))
                if count % ROWS == 0:
                    session.go_on()
                    meter.done = before + stream.tell()
    tally.rows_read = count
    tally.refuse(rejects, refused)
    return staged


def _by_server(session: Session, connection: Connection, meter: Meter, number: int, tally: Tally) -> Staged:
    tally.lane = "raw"
    plan, before = tally.plan, meter.done
    with tally.path.open("rb") as stream:
        file = open_file(stream, plan)
        staged = Staged(number, file.header, tally, lambda rows: _lines_of(tally.path, plan, rows))
        _create(connection, staged)
        cells = COMMA.join(staged.cells)
        copying = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, DELIMITER {}, {} ({}))").format(
            staged.table,
            cells,
            sql.Literal(plan.delimiter),
            sql.SQL("FORCE_NULL" if plan.empty_as == "null" else "FORCE_NOT_NULL"),
            cells,
        )
        with connection.cursor() as cursor:
            with cursor.copy(copying) as copy:
                for block in raw_blocks(file):
                    session.go_on()
                    copy.write(block)
                    meter.done = before + stream.tell()
            tally.rows_read = cursor.rowcount
    if words := plan.null_values - {""}:
        _make_null(connection, staged, sorted(words))
    return staged


def _make_null(connection: Connection, staged: Staged, words: list[str]) -> None:
    is_word = [sql.SQL("{} = ANY ({})").format(cell, sql.Literal(words)) for cell in staged.cells]
    without = [
        sql.SQL("{cell} = CASE WHEN {word} THEN NULL ELSE {cell} END").format(cell=cell, word=word)
        for cell, word in zip(staged.cells, is_word, strict=True)
    ]
    connection.execute(
        sql.SQL("UPDATE {} SET {} WHERE {}").format(staged.table, COMMA.join(without), OR.join(is_word))
    )


def _lines_of(path: Path, plan: FilePlan, rows: Iterable[int]) -> dict[int, int]:
    with path.open("rb") as stream:
        return physical_lines(stream, plan, {*rows})


def _create(connection: Connection, staged: Staged) -> None:
    cells = COMMA.join(sql.SQL("{} text").format(cell) for cell in staged.cells)
    connection.execute(
        sql.SQL(
            "CREATE TEMP TABLE {} (row bigint GENERATED BY DEFAULT AS IDENTITY (CACHE 1000), {}) ON COMMIT DROP"
        ).format(staged.table, cells)
    )
