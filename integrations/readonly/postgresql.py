"""Read from PostgreSQL: a cursor in a READ ONLY transaction, which takes one SELECT and nothing else."""

import os
import socket
from contextlib import suppress
from typing import ClassVar

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from integrations import own_database
from integrations.readonly.answer import QueryFailed, Seen, Table
from integrations.readonly.reader import CONNECT_SECONDS, Reader

ROLE = """
SELECT current_user, rolsuper,
       pg_has_role(current_user, 'pg_execute_server_program', 'MEMBER'),
       pg_has_role(current_user, 'pg_write_server_files', 'MEMBER')
           OR pg_has_role(current_user, 'pg_read_server_files', 'MEMBER'),
       EXISTS (SELECT FROM pg_class WHERE relkind = 'r' AND relnamespace NOT IN (
                   'pg_catalog'::regnamespace, 'information_schema'::regnamespace)
               AND has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE')),
       current_setting('server_version')
FROM pg_roles WHERE rolname = current_user
"""


class PostgreSQLReader(Reader):
    # A read-only transaction stops writes to tables. These reach files, programs, other servers and settings, or run
    # a text as SQL; a role without rights is the true guard, as no list is complete.
    forbidden_words: ClassVar[frozenset[str]] = frozenset(
        {
            "pg_read_file",
            "pg_read_binary_file",
            "pg_stat_file",
            "pg_ls_dir",
            "pg_ls_logdir",
            "pg_ls_waldir",
            "pg_ls_tmpdir",
            "pg_file_write",
            "pg_terminate_backend",
            "pg_cancel_backend",
            "pg_create_physical_replication_slot",
            "pg_create_logical_replication_slot",
            "pg_copy_physical_replication_slot",
            "pg_copy_logical_replication_slot",
            "pg_drop_replication_slot",
            "pg_logical_emit_message",
            "pg_reload_conf",
            "pg_rotate_logfile",
            "pg_switch_wal",
            "pg_promote",
            "set_config",
            "lo_create",
            "lo_creat",
            "lo_unlink",
            "lo_import",
            "lo_export",
            "lo_from_bytea",
            "lo_put",
            "lowrite",
            "dblink",
            "dblink_exec",
            "dblink_connect",
            "dblink_send_query",
            "query_to_xml",
            "query_to_xmlschema",
            "query_to_xml_and_xmlschema",
            "cursor_to_xml",
            "ts_stat",
        }
    )

    @classmethod
    def refusal(cls, query: str) -> str:
        if 'u&"' in query.lower():
            return 'Names written as U&"…" are not allowed; write the name itself.'
        return super().refusal(query)

    def __init__(self, location: URL, seconds: float) -> None:
        super().__init__(location, seconds)
        self.own = own_database.identity()  # asked for here: the reading thread has no connection of Django's

    def engine(self) -> Engine:
        options = {"connect_timeout": CONNECT_SECONDS, "application_name": "carillon"}
        wanted = {name: value for name, value in options.items() if name not in self.location.query}
        return create_engine(self.location, poolclass=NullPool, hide_parameters=True, connect_args=wanted)

    def guard(self, connection: Connection) -> None:
        self._refuse_own(connection)
        connection.rollback()
        self.raw.read_only = True  # psycopg sends BEGIN READ ONLY
        limit = int((self.seconds + 1) * 1000)  # the watchdog, a second earlier, is the one that is meant to act
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {limit}")
        connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = {limit}")

    def _refuse_own(self, connection: Connection) -> None:
        """Refuse Carillon's own database also where another name or port led to it."""
        if not self.own:
            return
        with suppress(SQLAlchemyError):  # a server that does not tell: the names were compared before
            if connection.exec_driver_sql(own_database.IDENTITY).scalar() == self.own:
                raise QueryFailed("This is Carillon's own database; a connection may not lead there.")

    def ask(self, connection: Connection, query: str, *, max_rows: int) -> Table:
        """Declare a cursor, which takes one SELECT only, by a prepared statement, which takes one statement only."""
        try:
            with self.raw.cursor() as cursor:
                cursor.execute(f"DECLARE carillon NO SCROLL CURSOR FOR {query}", prepare=True)
                cursor.execute(f"FETCH {int(max_rows)} FROM carillon")
                columns = [str(column.name) for column in cursor.description]
                rows = cursor.fetchall()
                cursor.execute("CLOSE carillon")
                return Table(columns, rows)
        except psycopg.Error as refused:
            if self.raw.closed:
                connection.invalidate()
            raise QueryFailed(" ".join(str(refused).split())) from None

    def interrupt(self) -> None:
        super().interrupt()
        if (raw := self.raw) is not None:
            with suppress(psycopg.Error):
                raw.cancel_safe(timeout=3.0)

    def sever(self) -> None:
        if (raw := self.raw) is not None:
            with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(raw.fileno())) as wire:
                wire.shutdown(socket.SHUT_RDWR)

    def look(self, connection: Connection) -> Seen:
        role, superuser, programs, files, writes, version = self.ask(connection, ROLE, max_rows=1).rows[0]
        risks, warnings = [], []
        if superuser:
            risks.append(f"The role {role} is a superuser: what is sent as it can do anything. Use a lesser role.")
        elif programs or files:
            risks.append(f"The role {role} may reach files or programs of the server. Use a lesser role.")
        elif writes:
            warnings.append(
                f"The role {role} may write to tables, as imports must. Alerts only read: give them a role that can "
                "do no more."
            )
        return Seen(f"PostgreSQL {version} answered; the role is {role}.", tuple(warnings), tuple(risks))
