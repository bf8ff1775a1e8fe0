"""The thread that writes what the pool reports: endings in batches, log lines, progress, returned runs.

It also renews the leases of what this process runs and passes on requests to stop.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import structlog
from django.conf import settings
from django.db import DataError, Error, IntegrityError, close_old_connections, connection
from django.db.models import Max

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
    """Writes for one process that executes runs. Nothing is dropped when the database is away: it is tried again.

    It knows every run that its process claimed and has not yet seen off; only their leases are renewed, so that a run
    which fell between claim and pool cannot stay running for ever.
    """

    def __init__(
        self,
        owner: str,
        *,
        stop_run: Callable[..., None],
        abandon: Callable[[], None] = lambda: None,
        on_written: Callable[[], None] = lambda: None,
    ) -> None:
        self.owner = owner
        self.stop_run = stop_run
        self.abandon = abandon
        self.on_written = on_written
        self.held: set[int] = set()
        self.lock = threading.Lock()  # guards `held`
        self.endings: queue.SimpleQueue[Ending] = queue.SimpleQueue()
        self.lines: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self.returned: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.wake = threading.Event()
        self.closing = False
        self.unwritten: list[Ending] = []
        self.unsaved: list[tuple[Any, ...]] = []
        self.said_before: dict[int, int] = {}  # run id → lines that it wrote before it was given back to the line
        self.renewed_at = time.monotonic()
        self.next_look = self.next_renewal = time.monotonic()
        self.thread = threading.Thread(target=self._write, name="recorder", daemon=True)

    def took(self, run_ids: Iterable[int]) -> None:
        """Take note of runs that this process claimed."""
        with self.lock:
            self.held.update(run_ids)

    def holding(self) -> set[int]:
        """Return the runs that this process claimed and whose end is not written yet."""
        with self.lock:
            return set(self.held)

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

    def lease_runs_out(self) -> bool:
        """Tell whether the leases of what this process runs can soon be trusted no more, the database being away.

        Asked from another thread; this one may wait for the database. Never on SQLite, where only the death of a
        process ends a lease. The margin is a quarter of the lease.
        """
        unrenewed = time.monotonic() - self.renewed_at
        return sql.is_postgres() and unrenewed > settings.LOCK_TIMEOUT_SECONDS * 0.75

    def distrust_leases(self) -> None:
        """Stop what runs here before others take it over; called from a thread that never waits for the database."""
        if self.lease_runs_out() and self.holding():
            log.critical("leases could not be renewed, what runs here is killed", runs=len(self.holding()))
            self.abandon()

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
            except Error as error:
                if sql.is_conflict(error):
                    log.warning(
                        "gave way to another transaction, what is to be written waits", error=str(error).strip()
                    )
                else:
                    log.warning("database away, what is to be written waits", error=str(error).strip())
                    connection.close()
                time.sleep(RETRY)
                self.wake.set()
            if self.closing and not self._is_behind():
                connection.close()
                return
            if self.endings.qsize() < BATCH:
                time.sleep(PAUSE)

    def _is_behind(self) -> bool:
        waiting = (self.endings, self.returned, self.lines)
        return bool(self.unwritten or self.unsaved) or not all(source.empty() for source in waiting)

    def _batch(self) -> None:
        now = time.monotonic()
        if now >= self.next_renewal:
            if held := self.holding():
                claims.renew(held, self.owner)
            self.renewed_at = now
            self.next_renewal = now + settings.LOCK_TIMEOUT_SECONDS / 3
        self._write_lines()
        self._write_endings()
        self._write_returned()
        if self._is_behind():
            self.wake.set()
        else:
            held = self.holding()
            self.said_before = {run_id: lines for run_id, lines in self.said_before.items() if run_id in held}
        if now >= self.next_look and self.holding():
            self.next_look = now + LOOK_FOR_STOPS
            self._look_for_stops()

    def _write_endings(self) -> None:
        self.unwritten += _drain(self.endings, BATCH - len(self.unwritten))
        if not self.unwritten:
            return
        try:
            record(self.unwritten, self.owner)
        except (DataError, IntegrityError):
            self._write_one_by_one()
        self._let_go(one.run_id for one in self.unwritten)
        self.unwritten = []
        self.on_written()

    def _write_one_by_one(self) -> None:
        """Record each ending alone, so that one which the database refuses keeps no other from being recorded."""
        for one in self.unwritten:
            try:
                record([one], self.owner)
            except (DataError, IntegrityError) as refused:
                log.error("the database refused what a run reported", run_id=one.run_id, error=str(refused).strip())
                record([_bare(one)], self.owner)

    def _write_returned(self) -> None:
        if returned := _drain(self.returned, BATCH):
            try:
                claims.give_back(returned, self.owner)
            except Error:
                self.give_back(returned)
                raise
            self._let_go(returned)
            self.on_written()

    def _let_go(self, run_ids: Iterable[int]) -> None:
        with self.lock:
            self.held.difference_update(run_ids)

    def _look_for_stops(self) -> None:
        """Pass on requests to stop a run, as often as it takes until the run has ended."""
        wanted = JobRun.objects.running().filter(owner=self.owner).exclude(cancellation="")
        for run_id, how, why, by in wanted.values_list("pk", "cancellation", "reason", "cancelled_by"):
            self.stop_run(run_id, why=why or "requested", by=by, force=how == "forced")

    def _write_lines(self) -> None:
        self.unsaved += _drain(self.lines, BATCH - len(self.unsaved))
        if not self.unsaved:
            return
        self._count_lines_before()
        try:
            self._save_lines(self.unsaved)
        except IntegrityError:  # a run was deleted while it spoke
            kept = set(
                JobRun.objects.filter(pk__in={message[1] for message in self.unsaved}).values_list("pk", flat=True)
            )
            self._save_lines([message for message in self.unsaved if message[1] in kept])
        for run_id, said in {message[1]: message[2] for message in self.unsaved if message[0] == "progress"}.items():
            JobRun.objects.running().filter(pk=run_id, owner=self.owner).update(progress=said)
        self.unsaved = []

    def _count_lines_before(self) -> None:
        """Look up how many lines a run has that begins to speak: one that was given back goes on after them."""
        first = {message[1] for message in self.unsaved if message[0] == "log" and message[2] == 1}
        if new := first - self.said_before.keys():
            counted = RunLogLine.objects.filter(run__in=new).values_list("run").annotate(Max("number"))
            self.said_before |= dict.fromkeys(new, 0) | dict(counted.order_by())

    def _save_lines(self, messages: Iterable[tuple[Any, ...]]) -> None:
        lines = [
            RunLogLine(run_id=run_id, number=self.said_before.get(run_id, 0) + number, at=at, level=level, text=text)
            for kind, run_id, *rest in messages
            if kind == "log"
            for number, at, level, text in [rest]
        ]
        if lines:
            RunLogLine.objects.bulk_create(lines, ignore_conflicts=True)


def _bare(one: Ending) -> Ending:
    """Return how the run ended, without what it reported."""
    error = "The database refused what the run reported; the scheduler's log says why."
    return replace(one, summary="", error=error, traceback="", metrics="{}", attributes="{}", result="{}")


def _drain(source: queue.SimpleQueue[Any], limit: int) -> list[Any]:
    """Return up to `limit` items that wait in a queue."""
    found: list[Any] = []
    while len(found) < limit:
        try:
            found.append(source.get_nowait())
        except queue.Empty:
            break
    return found
