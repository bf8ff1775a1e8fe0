"""Run one query on another database without a chance to write, and never longer than allowed.

Each read opens a connection of its own, begins a read-only transaction, rolls back and closes. At the end of its
time the statement is cancelled on the server, and the line is cut if that does not help within five seconds. The true
guard is a role without the right to write: see docs/how-to/connect-a-database-safely.md.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from integrations import watchdog
from integrations.readonly.answer import QueryFailed, Seen, Table

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from integrations.readonly.reader import Reader

__all__ = ["QueryFailed", "Seen", "Table", "examine", "read", "refusal"]

# Loaded on first use, and SQLAlchemy with them: a process that only fires does without these 15 MB.
READERS = {
    "sqlite": ("sqlite", "SQLiteReader"),
    "postgresql": ("postgresql", "PostgreSQLReader"),
    "mysql": ("mysql", "MySQLReader"),
    "mariadb": ("mysql", "MySQLReader"),
}


def read(
    location: URL,
    query: str,
    *,
    seconds: float,
    max_rows: int,
    stopped: Callable[[], bool] = lambda: False,
) -> Table:
    """Return the columns and at most `max_rows` rows of one statement.

    Raises QueryFailed (the message may hold secrets: scrub it), watchdog.TookTooLong, watchdog.Stopped.
    """
    reader = _reader(location, seconds)
    return watchdog.watched(
        lambda: reader.read(query, max_rows=max_rows),
        seconds=seconds,
        stopped=stopped,
        interrupt=reader.interrupt,
        sever=reader.sever,
    )


def examine(location: URL, *, seconds: float, grace_seconds: float = 5.0) -> Seen:
    """Return who answered, and what its role may do. Raises as `read`; the server has `grace_seconds` to give up."""
    reader = _reader(location, seconds)
    return watchdog.watched(
        reader.examine,
        seconds=seconds,
        stopped=lambda: False,
        interrupt=reader.interrupt,
        sever=reader.sever,
        grace_seconds=grace_seconds,
    )


def refusal(backend: str, query: str) -> str:
    """Return why this database may not be sent `query`, though it reads as one SELECT; empty if it may."""
    return _kind(backend).refusal(query)


def _reader(location: URL, seconds: float) -> Reader:
    return _kind(location.get_backend_name())(location, seconds)


def _kind(backend: str) -> type[Reader]:
    module, name = READERS.get(backend, ("reader", "Reader"))
    kind: type[Reader] = getattr(import_module(f"integrations.readonly.{module}"), name)
    return kind
