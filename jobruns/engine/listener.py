"""The thread that waits for PostgreSQL's NOTIFY and wakes the firing loop; a lost connection is opened anew."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg
import structlog
from django.db import connection

from schedules.wakeup import CHANNEL

log = structlog.get_logger(__name__)

PATIENCE = 1.0  # seconds between looks at whether to stop, and before a lost connection is opened anew


class Listener:
    """Calls `on_notify` for whatever other processes announce; does nothing on SQLite."""

    def __init__(self, on_notify: Callable[[], None]) -> None:
        self.on_notify = on_notify
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._listen, name="listener", daemon=True)

    def start(self) -> None:
        """Start listening, if the database can notify."""
        if connection.vendor == "postgresql":
            self.thread.start()

    def stop(self) -> None:
        """Stop listening."""
        self.stopping.set()
        if self.thread.is_alive():
            self.thread.join()

    def _listen(self) -> None:
        while not self.stopping.is_set():
            try:
                with psycopg.connect(**self._parameters(), autocommit=True) as own:
                    own.execute(f"LISTEN {CHANNEL}")
                    self._wait(own)
            except psycopg.Error as error:
                log.info("not listening, polling goes on", error=str(error).strip())
                self.stopping.wait(PATIENCE)

    def _wait(self, own: psycopg.Connection) -> None:
        while not self.stopping.is_set():
            if any(True for _ in own.notifies(timeout=PATIENCE, stop_after=1)):
                self.on_notify()

    def _parameters(self) -> dict[str, Any]:
        """Return what Django connects with, less what only a cursor of Django's can use."""
        wanted = connection.get_connection_params()
        return {key: value for key, value in wanted.items() if key not in {"context", "cursor_factory"}}
