"""Read from MariaDB and MySQL: START TRANSACTION READ ONLY, a limit of time on the server, and a streamed answer."""

import re
import socket
from contextlib import suppress
from typing import Any, ClassVar

from sqlalchemy import create_engine
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from integrations.readonly.answer import Seen, Table
from integrations.readonly.reader import CONNECT_SECONDS, Reader, column_names

WRITES = re.compile(r"\b(ALL PRIVILEGES|INSERT|UPDATE|DELETE|DROP|ALTER|SUPER|FILE)\b")


class MySQLReader(Reader):
    forbidden_words: ClassVar[frozenset[str]] = frozenset({"outfile", "dumpfile", "load_file", "get_lock"})

    @classmethod
    def refusal(cls, query: str) -> str:
        if "/*!" in query or "/*m!" in query.lower():
            return "Comments that the server runs (/*! … */) are not allowed."
        return super().refusal(query)

    def __init__(self, location: URL, seconds: float) -> None:
        super().__init__(location, seconds)
        self.thread = 0
        self.driver: Any = location.get_dialect().import_dbapi()

    def engine(self) -> Engine:
        wanted = {} if "connect_timeout" in self.location.query else {"connect_timeout": CONNECT_SECONDS}
        return create_engine(self.location, poolclass=NullPool, hide_parameters=True, connect_args=wanted)

    def guard(self, connection: Connection) -> None:
        self.thread = self.raw.thread_id()
        connection.rollback()
        seconds = self.seconds + 1  # the watchdog, a second earlier, is the one that is meant to act
        if connection.dialect.is_mariadb:  # type: ignore[attr-defined]
            connection.exec_driver_sql(f"SET SESSION max_statement_time = {seconds:.3f}")
        else:
            connection.exec_driver_sql(f"SET SESSION max_execution_time = {int(seconds * 1000)}")
        connection.exec_driver_sql("START TRANSACTION READ ONLY")

    def ask(self, connection: Connection, query: str, *, max_rows: int) -> Table:
        connection.exec_driver_sql(f"SET SESSION sql_select_limit = {max_rows}")
        streaming = connection.execution_options(no_parameters=True, stream_results=True)
        result = streaming.exec_driver_sql(query)
        columns = column_names(result)
        rows = [tuple(row) for row in result.fetchmany(max_rows)]
        if len(rows) == max_rows:
            self._end_statement()  # closing a streamed answer reads it to its end, so end it first
        with suppress(SQLAlchemyError, self.driver.Error):
            result.close()
        return Table(columns, rows)

    def interrupt(self) -> None:
        super().interrupt()
        self._end_statement()

    def _end_statement(self) -> None:
        """Kill the statement, not the connection, over a connection of its own."""
        if self.thread:
            _, options = self.location.get_dialect()().create_connect_args(self.location)
            with suppress(self.driver.Error), self.driver.connect(**{**options, "connect_timeout": 3}) as other:
                other.query(f"KILL QUERY {self.thread}")

    def sever(self) -> None:
        wire = getattr(self.raw, "_sock", None)
        if wire is not None:
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)

    def look(self, connection: Connection) -> Seen:
        role, version = self.ask(connection, "SELECT CURRENT_USER(), VERSION()", max_rows=1).rows[0]
        grants = [str(row[0]) for row in connection.exec_driver_sql("SHOW GRANTS").fetchall()]
        warnings: tuple[str, ...] = ()
        if any(WRITES.search(grant.partition(" ON ")[0]) for grant in grants):
            warnings = (f"The user {role} may write. Carillon reads only, but a user with SELECT alone is safer.",)
        return Seen(f"{version} answered; the user is {role}.", warnings)
