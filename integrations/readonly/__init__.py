"""Run one query on another database without a chance to write, and never longer than allowed.

Each read opens a connection of its own, begins a read-only transaction, rolls back and closes. At the end of its
time the statement is cancelled on the server, and the line is cut if that does not help within five seconds. The true
guard is a role without the right to write: see docs/how-to/connect-a-database-safely.md.
"""

from collections.abc import Callable

from sqlalchemy.engine import URL

from integrations import watchdog
from integrations.readonly.mysql import MySQLReader
from integrations.readonly.postgresql import PostgreSQLReader
from integrations.readonly.reader import QueryFailed, Reader, Table
from integrations.readonly.sqlite import SQLiteReader

__all__ = ["QueryFailed", "Table", "examine", "read", "refusal"]

READERS: dict[str, type[Reader]] = {
    "sqlite": SQLiteReader,
    "postgresql": PostgreSQLReader,
    "mysql": MySQLReader,
    "mariadb": MySQLReader,
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


def examine(location: URL, *, seconds: float) -> tuple[str, tuple[str, ...]]:
    """Return a sentence on the server that answered, and warnings about what the role may do. Raises as `read`."""
    reader = _reader(location, seconds)
    return watchdog.watched(
        reader.examine,
        seconds=seconds,
        stopped=lambda: False,
        interrupt=reader.interrupt,
        sever=reader.sever,
    )


def refusal(backend: str, query: str) -> str:
    """Return why this database may not be sent `query`, though it reads as one SELECT; empty if it may."""
    return READERS.get(backend, Reader).refusal(query)


def _reader(location: URL, seconds: float) -> Reader:
    return READERS.get(location.get_backend_name(), Reader)(location, seconds)
