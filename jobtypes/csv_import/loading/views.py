"""Refresh materialized views after a load, each after those that it reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Literal

import psycopg
from psycopg import sql

from integrations import own_database, watchdog
from jobtypes.csv_import.loading.meter import Meter, Progress
from jobtypes.csv_import.loading.session import LOCK_SECONDS, Connection, Session

ERROR_TYPE = "MaterializedViewRefreshError"
# Which relation a view reads; a view's own rule depends on the view itself as well.
READS = """
SELECT DISTINCT r.ev_class::bigint, d.refobjid::bigint
FROM pg_rewrite AS r
JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
JOIN pg_class AS v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')
WHERE d.refobjid <> r.ev_class
"""
PARENTS = "SELECT inhparent::bigint, inhrelid::bigint FROM pg_inherits"
# CONCURRENTLY needs rows to compare with, and a unique index over plain columns and all rows.
VIEWS = """
SELECT c.oid::bigint, n.nspname, c.relname, c.relispopulated AND EXISTS (
    SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
    AND i.indpred IS NULL AND i.indexprs IS NULL)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' ORDER BY n.nspname, c.relname
"""
TABLES = """
SELECT c.oid::bigint FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE (n.nspname::text, c.relname::text) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A materialized view and how refreshing it went; `error` is a sentence, empty if it went well."""

    name: str  # schema.view
    concurrently: bool
    duration_ms: int
    error: str = ""

    @property
    def error_type(self) -> str:
        return ERROR_TYPE if self.error else ""


@dataclass(frozen=True, slots=True)
class View:
    schema: str
    name: str
    may_be_read_meanwhile: bool


def refresh_views(
    target: str,
    which: Literal["all", "dependents"],
    *,
    schemas: Sequence[str],
    tables: Sequence[tuple[str, str]],
    progress: Progress = lambda done, total, text: None,
    cancelled: Callable[[], bool] = lambda: False,
    seconds: float = float("inf"),
) -> list[Refreshed]:
    """Refresh all materialized views of the schemas, or those of the database that read one of these tables.

    One at a time, each in a transaction of its own, CONCURRENTLY where the view can be; errors are in the answer.
    Where the database is not to be reached the last answer is of no view. Raises watchdog.Stopped and
    watchdog.TookTooLong.
    """
    session = Session(target, own=own_database.identity(), seconds=seconds)
    meter = Meter(progress, cancelled)

    done: list[Refreshed] = []

    def work() -> list[Refreshed]:
        try:
            with session.connection(autocommit=True) as connection:
                session.limit(connection, local=False)
                views, reads = _known(connection)
                wanted = _wanted(connection, which, views, reads, schemas, tables)
                for view in _in_order(wanted, views, reads):
                    session.go_on()
                    meter.say(f"refreshing {view.schema}.{view.name}")
                    done.append(_refresh(session, connection, view))
        except psycopg.Error as broken:
            session.go_on()
            words = " ".join(str(broken).split())
            done.append(Refreshed("", False, 0, f"The other views could not be refreshed: {words}."))
        return done

    return watchdog.watched(
        work, seconds=seconds, stopped=meter.look, interrupt=session.interrupt, sever=session.sever
    )


def _known(connection: Connection) -> tuple[dict[int, View], dict[int, set[int]]]:
    """Return the materialized views by their numbers, and for each relation those that it reads."""
    views = {row[0]: View(*row[1:]) for row in connection.execute(VIEWS).fetchall()}
    reads: dict[int, set[int]] = {}
    for reader, read in connection.execute(READS).fetchall() + connection.execute(PARENTS).fetchall():
        reads.setdefault(reader, set()).add(read)
    return views, reads


def _wanted(
    connection: Connection,
    which: str,
    views: Mapping[int, View],
    reads: Mapping[int, set[int]],
    schemas: Sequence[str],
    tables: Sequence[tuple[str, str]],
) -> set[int]:
    if which == "all":
        return {number for number, view in views.items() if view.schema in schemas}
    names = [name for name, _ in tables], [name for _, name in tables]
    loaded = {row[0] for row in connection.execute(TABLES, names).fetchall()}
    return {number for number in views if loaded & _all_read(number, reads)}


def _all_read(number: int, reads: Mapping[int, set[int]]) -> set[int]:
    """Return every relation that is read by this one, also by way of others."""
    found: set[int] = set()
    waiting = [number]
    while waiting:
        new = reads.get(waiting.pop(), set()) - found
        found |= new
        waiting.extend(new)
    return found


def _in_order(wanted: set[int], views: Mapping[int, View], reads: Mapping[int, set[int]]) -> list[View]:
    """Return the wanted views, each after those of them that it reads."""
    ahead = {number: _all_read(number, reads) & wanted - {number} for number in views if number in wanted}
    try:
        return [views[number] for number in TopologicalSorter(ahead).static_order()]
    except CycleError:  # by way of inheritance, in theory
        return [views[number] for number in ahead]


def _refresh(session: Session, connection: Connection, view: View) -> Refreshed:
    started = time.monotonic()
    how = (
        "REFRESH MATERIALIZED VIEW CONCURRENTLY {}" if view.may_be_read_meanwhile else "REFRESH MATERIALIZED VIEW {}"
    )
    error = ""
    try:
        connection.execute(sql.SQL(how).format(sql.Identifier(view.schema, view.name)))
    except psycopg.errors.LockNotAvailable:
        error = f"Somebody else held it for over {LOCK_SECONDS} s; it is as it was."
    except psycopg.Error as refused:
        session.go_on()
        if connection.broken:
            raise
        error = f"{' '.join(str(refused.diag.message_primary or refused).split())}; it is as it was."
    milliseconds = round((time.monotonic() - started) * 1000)
    return Refreshed(f"{view.schema}.{view.name}", view.may_be_read_meanwhile, milliseconds, error)
