"""What reading has in common on every database."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from sqlalchemy import create_engine
from sqlalchemy.engine import URL, Connection, CursorResult, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from integrations.readonly.answer import QueryFailed, Seen, Table

CONNECT_SECONDS = 10


class Reader:
    """Reads once from a database of any kind that SQLAlchemy knows; nothing is committed."""

    forbidden_words: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, location: URL, seconds: float) -> None:
        self.location = location
        self.seconds = seconds
        self.raw: Any = None  # the driver's connection while one is open
        self.given_up = threading.Event()

    @classmethod
    def refusal(cls, query: str) -> str:
        """Return why `query` is not sent to this kind of database; a word counts wherever it stands."""
        for word in re.findall(r"\w+", query.lower()):
            if word in cls.forbidden_words:
                return f"{word} is not allowed in a query here: it reaches beyond the tables of the database."
        return ""

    def read(self, query: str, *, max_rows: int) -> Table:
        """Return the answer to one statement, at most `max_rows` rows of it; raises QueryFailed."""
        try:
            with self._connection() as connection:
                return self.ask(connection, query, max_rows=max_rows)
        except SQLAlchemyError as refused:
            raise QueryFailed(_sentence(refused)) from None

    def examine(self) -> Seen:
        """Return who answered, and what its role may do; raises QueryFailed."""
        try:
            with self._connection() as connection:
                return self.look(connection)
        except SQLAlchemyError as refused:
            raise QueryFailed(_sentence(refused)) from None

    def interrupt(self) -> None:
        """Ask the server to give up the statement, or do not begin it. Called from another thread."""
        self.given_up.set()

    def sever(self) -> None:
        """Cut the line to the server. Called from another thread."""

    def engine(self) -> Engine:
        """Return an engine that opens one connection."""
        return create_engine(self.location, poolclass=NullPool, hide_parameters=True)

    def guard(self, connection: Connection) -> None:
        """Begin a transaction that cannot write, with the server's own limit of time."""

    def ask(self, connection: Connection, query: str, *, max_rows: int) -> Table:
        """Send `query` as it is written, without any placeholder being read in it."""
        streaming = connection.execution_options(no_parameters=True, stream_results=True, max_row_buffer=max_rows)
        with streaming.exec_driver_sql(query) as result:
            columns = column_names(result)
            return Table(columns, [tuple(row) for row in result.fetchmany(max_rows)])

    def look(self, connection: Connection) -> Seen:
        """Return what `examine` returns, over an open connection."""
        self.ask(connection, "SELECT 1", max_rows=1)
        return Seen(
            f"The {self.location.get_backend_name()} database answered.",
            ("Carillon cannot open this kind of database read only; use a role without the right to write.",),
        )

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        engine = self.engine()
        try:
            with engine.connect() as connection:
                self.raw = connection.connection.dbapi_connection
                try:
                    self.guard(connection)
                    if self.given_up.is_set():
                        raise QueryFailed("It was given up before the query began.")
                    yield connection
                finally:
                    self.raw = None
                    if not connection.invalidated:
                        connection.rollback()
        finally:
            engine.dispose()


def column_names(result: CursorResult[Any]) -> list[str]:
    """Return the names as the database gave them, doubled ones too; ask before the rows are fetched."""
    if result.cursor is None or not result.cursor.description:
        raise QueryFailed("The statement answered no rows; write a SELECT.")
    return [str(column[0]) for column in result.cursor.description]


def _sentence(refused: SQLAlchemyError) -> str:
    """Return the driver's own words, on one line."""
    words = str(refused.orig) if isinstance(refused, DBAPIError) and refused.orig else str(refused)
    return " ".join(words.split())
