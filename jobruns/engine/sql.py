"""The little SQL that differs between PostgreSQL and SQLite, so that every statement is written once.

A batch of rows is sent as JSON and read in SQL as a table: an array a column on PostgreSQL, which took a third of
the time that `unnest` of typed arrays took (bound by the client, the default), and one array of rows on SQLite.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import Error, connection
from django.utils import timezone

CLAIM_LOCK = 0x0CA8111  # PostgreSQL advisory lock: claims take turns
CONFLICTS = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, a lock that could not be had in time


def is_postgres() -> bool:
    """Tell whether the ledger lies in PostgreSQL."""
    return connection.vendor == "postgresql"


def is_conflict(error: Error) -> bool:
    """Tell whether the database rolled back for the sake of another transaction: the same work may be tried again.

    The connection is sound. False for SQLite, whose writers wait in line.
    """
    return getattr(error.__cause__, "sqlstate", None) in CONFLICTS


def now() -> datetime:
    """Return the database's time on PostgreSQL (so that no host fires early), else this host's; aware UTC."""
    if not is_postgres():
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def table(alias: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """Return SQL that reads `rows` as a table called `alias`, and its parameters.

    `columns` maps a name to its PostgreSQL type; values of type jsonb are passed as JSON text.
    """
    names = list(columns)
    written = datetime.isoformat if is_postgres() else connection.ops.adapt_datetimefield_value
    plain = [[written(value) if isinstance(value, datetime) else value for value in row] for row in rows]
    if is_postgres():
        read = ", ".join("json_array_elements_text(%s::json)" for _ in names)
        picked = ", ".join(f"{name}::{kind} AS {name}" for name, kind in columns.items())
        parameters = [json.dumps(column) for column in zip(*plain, strict=True)]
        return f"(SELECT {picked} FROM ROWS FROM ({read}) AS u({', '.join(names)})) AS {alias}", parameters
    picked = ", ".join(f"json_extract(value, '$[{place}]') AS {name}" for place, name in enumerate(names))
    return f"(SELECT {picked} FROM json_each(%s)) AS {alias}", [json.dumps(plain)]


def random_id() -> str:
    """Return SQL for a fresh random id of 32 hexadecimal digits, another one in each row."""
    return "replace(gen_random_uuid()::text, '-', '')" if is_postgres() else "lower(hex(randomblob(16)))"


def any_of(column: str, values: Iterable[int] | Iterable[str]) -> tuple[str, list[Any]]:
    """Return a condition that `column` is one of `values`, and its parameters."""
    if is_postgres():
        return f"{column} = ANY(%s)", [list(values)]
    return f"{column} IN (SELECT value FROM json_each(%s))", [json.dumps(list(values))]


def skip_locked(of: str = "") -> str:
    """Return the clause that locks the selected rows and passes over those that others hold."""
    return f"FOR NO KEY UPDATE {of} SKIP LOCKED" if is_postgres() else ""


def lock_rows() -> str:
    """Return the clause that locks the selected rows, waiting for those that others hold."""
    return "FOR NO KEY UPDATE" if is_postgres() else ""


def take_turns() -> None:
    """Let one transaction at a time past this point, in all processes; SQLite's write lock does it already."""
    if is_postgres():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK])


def run(statement: str, parameters: Sequence[Any]) -> int:
    """Execute a statement and return how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def fetch(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Execute a statement and return its rows; times are aware UTC on both databases, JSON is text."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def moment(value: datetime | None) -> Any:
    """Return a time as the database wants it in a parameter."""
    return connection.ops.adapt_datetimefield_value(value)


def aware(value: Any) -> datetime:
    """Return a time that a raw statement answered as an aware UTC datetime."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment if timezone.is_aware(moment) else moment.replace(tzinfo=UTC)
