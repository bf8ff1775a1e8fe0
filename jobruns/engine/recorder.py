"""The thread that writes what the pool reports: endings in batches, log lines, progress, returned runs.

It also renews the leases of what this process runs and passes on requests to stop.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from jobruns.engine import claims, sql
from jobruns.engine.endings import record
from jobruns.models import JobRun, RunLogLine
from jobruns.runner import Ending

log = structlog.get_logger(__name__)

BATCH = 500
PAUSE = 0.02  # seconds between batches, so that they grow under load
LOOK_FOR_STOPS = 0.5  # seconds
RETRY = 0.5  # seconds to wait after a database error


class Recorder:
    """Writes for one scheduler process. Nothing is dropped when the database is away: it is tried again."""

    def __init__(self, owner: str, *, stop_run: Callable[..., None]) -> None:
        self.owner = owner
        self.stop_run = stop_run
        self.endings: queue.SimpleQueue[Ending] = queue.SimpleQueue()
        self.lines: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self.returned: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.wake = threading.Event()
        self.closing = False
        self.unwritten: list[Ending] = []
        self.next_look = self.next_renewal = time.monotonic()
        self.thread = threading.Thread(target=self._write, name="recorder", daemon=True)

    def ended(self, endings: list[Ending]) -> None:
        """Take endings to write."""
        for one in endings:
            self.endings.put(one)
        self.wake.set()

    def line(self, message: tuple[Any, ...]) -> None:
        """Take a log line or a progress message to write."""
        self.lines.put(message)
        self.wake.set()

    def give_back(self, run_ids: list[int]) -> None:
        """Take runs that did not start, to put them back into the line."""
        for run_id in run_ids:
            self.returned.put(run_id)
        self.wake.set()

    def close(self, timeout: float) -> None:
        """Write what is left and end, after `timeout` seconds at the latest."""
        self.closing = True
        self.wake.set()
        self.thread.join(timeout)

    def _write(self) -> None:
        while True:
            self.wake.wait(LOOK_FOR_STOPS)
            self.wake.clear()
            try:
                close_old_connections()
                self._batch()
            except DatabaseError as error:
                log.warning("database away, what is to be written waits", error=str(error).strip())
                connection.close()
                time.sleep(RETRY)
                self.wake.set()
            if self.closing and not self.unwritten and self.endings.empty() and self.returned.empty():
                connection.close()
                return
            time.sleep(PAUSE)

    def _batch(self) -> None:
        now = time.monotonic()
        if now >= self.next_renewal:
            self._renew()
            self.next_renewal = now + settings.LOCK_TIMEOUT_SECONDS / 3
        self._write_lines()
        while not self.endings.empty() or self.unwritten:
            self.unwritten += _drain(self.endings, BATCH - len(self.unwritten))
            record(self.unwritten, self.owner)
            self.unwritten = []
        if returned := _drain(self.returned, BATCH):
            try:
                claims.give_back(returned, self.owner)
            except DatabaseError:
                self.give_back(returned)
                raise
        if now >= self.next_look:
            self.next_look = now + LOOK_FOR_STOPS
            self._look_for_stops()

    def _renew(self) -> None:
        """Extend the leases of all that this process runs, before the last third of them begins."""
        lease = sql.now() + timedelta(seconds=settings.LOCK_TIMEOUT_SECONDS)
        JobRun.objects.running().filter(owner=self.owner).update(lease_expires_at=lease)

    def _look_for_stops(self) -> None:
        """Pass on requests to stop a run, as often as it takes until the run has ended."""
        wanted = JobRun.objects.running().filter(owner=self.owner).exclude(cancellation="")
        for run_id, how, why, by in wanted.values_list("pk", "cancellation", "reason", "cancelled_by"):
            self.stop_run(run_id, why=why or "requested", by=by, force=how == "forced")

    def _write_lines(self) -> None:
        messages = _drain(self.lines, BATCH)
        lines = [
            RunLogLine(run_id=run_id, number=number, at=at, level=level, text=text)
            for kind, run_id, *rest in messages
            if kind == "log"
            for number, at, level, text in [rest]
        ]
        if lines:
            RunLogLine.objects.bulk_create(lines, ignore_conflicts=True)
        progress = {run_id: rest[0] for kind, run_id, *rest in messages if kind == "progress"}
        for run_id, said in progress.items():
            JobRun.objects.running().filter(pk=run_id, owner=self.owner).update(progress=said)


def _drain(source: queue.SimpleQueue[Any], limit: int) -> list[Any]:
    """Return up to `limit` items that wait in a queue."""
    found: list[Any] = []
    while len(found) < limit:
        try:
            found.append(source.get_nowait())
        except queue.Empty:
            break
    return found
