"""Be connected to the target database for one transaction, which the thread that waits can end on the server."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import IsolationLevel, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from integrations.own_database import IDENTITY
from jobtypes.csv_import.loading.failures import GivenUp, LoadFailed

CONNECT_SECONDS = 15
LOCK_SECONDS = 30
IDLE_SECONDS = 900  # of a worker that vanished without closing its connection
DATESTYLES = {"DMY": "ISO, DMY", "MDY": "ISO, MDY", "YMD": "ISO, YMD"}
LOCKS = 1_128_354_377  # the first half of the keys of our advisory locks: "CARI"

Connection = psycopg.Connection[tuple[Any, ...]]


class Session:
    """One connection at a time. `own` names Carillon's own database, which no import may write to."""

    def __init__(self, target: str, *, own: str = "", seconds: float = float("inf")) -> None:
        self.target = target
        self.own = own
        self.seconds = seconds
        self.connected = False
        self.was_cut = False
        self.raw: Connection | None = None
        self.given_up = threading.Event()

    @contextmanager
    def connection(self, *, autocommit: bool = False) -> Iterator[Connection]:
        """Open a connection of its own; it is closed in every ending, which rolls back what was not committed."""
        wanted = {"connect_timeout": CONNECT_SECONDS, "application_name": "carillon", **conninfo_to_dict(self.target)}
        where = make_conninfo("", **{**wanted, "client_encoding": "utf8"})
        opened = psycopg.connect(where, autocommit=autocommit, prepare_threshold=None)
        try:
            opened.isolation_level = IsolationLevel.READ_COMMITTED
            opened.read_only = False
            self.raw, self.connected = opened, True
            self.go_on()
            self._refuse_own(opened)
            yield opened
        finally:
            self.raw, self.was_cut = None, opened.broken
            opened.close()

    def limit(self, connection: Connection, datestyle: str | None = None, *, local: bool = True) -> None:
        """Set limits of time and the like for this transaction alone, or for all of this connection."""
        settings = {
            "statement_timeout": f"{int((self.seconds + 5) * 1000)}" if self.seconds < 10**6 else "0",
            "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
            "lock_timeout": f"{LOCK_SECONDS}s",
            "jit": "off",
        }
        if datestyle is not None:
            settings["datestyle"] = DATESTYLES[datestyle]
        if connection.info.server_version >= 140000:
            self._notice_a_dead_worker(connection, local)
        for name, value in settings.items():
            connection.execute("SELECT set_config(%s, %s, %s)", (name, value, local))
        connection.execute(
            "SELECT set_config('work_mem', '64MB', %s) WHERE pg_size_bytes(current_setting('work_mem')) < 67108864",
            (local,),
        )

    def lock(self, connection: Connection, schema: str, table: str) -> None:
        """Wait, however long the run may take, until no other import writes to that table."""
        connection.execute("SET LOCAL lock_timeout = 0")
        connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (LOCKS, f"{schema}.{table}"))
        connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(f"{LOCK_SECONDS}s")))

    def go_on(self) -> None:
        """Raise GivenUp if somebody asked to stop."""
        if self.given_up.is_set():
            raise GivenUp

    def interrupt(self) -> None:
        """Ask the server to give up the statement, and the work not to begin another. Called from another thread."""
        self.given_up.set()
        if (raw := self.raw) is not None:
            with suppress(psycopg.Error):
                raw.cancel_safe(timeout=3.0)

    def sever(self) -> None:
        """Cut the line to the server. Called from another thread."""
        if (raw := self.raw) is not None:
            with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(raw.fileno())) as wire:
                wire.shutdown(socket.SHUT_RDWR)

    def _refuse_own(self, connection: Connection) -> None:
        """Refuse Carillon's own database also where another name or port led to it."""
        if not self.own:
            return
        with suppress(psycopg.errors.InsufficientPrivilege), connection.transaction():
            found = connection.execute(IDENTITY).fetchone()
            if found and found[0] == self.own:
                raise LoadFailed("OwnDatabase", "This is Carillon's own database; an import may not write to it.")

    def _notice_a_dead_worker(self, connection: Connection, local: bool) -> None:
        """Let the server look every few seconds whether we still live; not every system it runs on can."""
        with suppress(psycopg.Error), connection.transaction():
            connection.execute("SELECT set_config('client_connection_check_interval', '5s', %s)", (local,))
