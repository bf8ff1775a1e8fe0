"""What executes runs that a broker brings: it claims each for itself, and its own pool of children executes it."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import structlog
from django.db import Error, close_old_connections, connection

from jobruns.engine import claims, processes, sessions, sql
from jobruns.engine.dispatch import marks
from jobruns.engine.pool import Pool
from jobruns.engine.recorder import Recorder
from schedules.wakeup import wake_schedulers

log = structlog.get_logger(__name__)

BEAT = 1.0  # seconds between signs of life
WRITING = 10.0  # seconds that the last endings may take to be written


class Worker:
    """Executes up to `slots` runs at once for `queues`; `execute` is called from as many threads.

    One thread, the clerk, does all that needs the database beside the recorder, so a worker of any size has two
    connections.
    """

    def __init__(self, *, slots: int, queues: Sequence[str]) -> None:
        self.process = processes.register(slots, fires=False, queues=queues)
        self.pool = Pool(
            slots,
            on_ended=lambda endings: self.recorder.ended(endings),
            on_line=lambda message: self.recorder.line(message),
            on_returned=lambda run_ids: self.recorder.give_back(run_ids),
            on_room=lambda: None,
        )
        self.recorder = Recorder(
            self.process.name, stop_run=self.pool.stop_run, abandon=self.pool.abandon, on_written=self._written
        )
        self.clerk = ThreadPoolExecutor(1, thread_name_prefix="clerk")
        self.asked: deque[int] = deque()
        self.seen_off = threading.Condition()  # notified when runs have ended or went back to the line
        self.closing = self.closed = self.away = False
        self.stopping = threading.Event()
        self.watch = threading.Thread(target=self._watch, name="watch", daemon=True)

    def start(self) -> None:
        """Start the pool, the recorder and the heartbeat."""
        self.pool.start()
        self.recorder.thread.start()
        connection.close()  # of the thread that registered this process; it needs none any more
        sessions.prepare()
        self.watch.start()
        log.info("worker started", process=self.process.name, slots=self.pool.size, queues=self.process.queues)

    def execute(self, run_id: int) -> None:
        """Execute a run, if it waits and its schedule may run now; return once its ending is in the ledger.

        Otherwise it goes back to the line, or was another's already. Never raises for what the database does.
        """
        self.asked.append(run_id)
        self.clerk.submit(self._claim_asked).result()
        with self.seen_off:
            self.seen_off.wait_for(lambda: self.closed or run_id not in self.recorder.holding())

    def close(self, timeout: float) -> None:
        """Claim no more, let what runs end for up to `timeout` seconds, and give the rest back to the line."""
        log.info("worker stopping", process=self.process.name, running=self.pool.busy())
        self.closing = True
        self.clerk.submit(lambda: None).result()  # what was being claimed is in the pool by now
        self.stopping.set()
        self.watch.join()
        self.pool.close(timeout)
        self.recorder.close(WRITING)
        try:
            returned = self.clerk.submit(self._leave).result()
            log.info("worker stopped", process=self.process.name, given_back=returned)
        finally:
            with self.seen_off:
                self.closed = True
                self.seen_off.notify_all()
            self.clerk.shutdown()

    def kill(self) -> None:
        """End all children now."""
        self.pool.kill()

    def _claim_asked(self) -> None:
        """Claim at once all that any thread asked for: taking turns costs the same for many as for one."""
        asked = [self.asked.popleft() for _ in range(len(self.asked))]
        if not asked:
            return
        try:
            self._recover()
            takes_none = self.closing or self.recorder.lease_runs_out()
            claimed = [] if takes_none else claims.claim_these(asked, self.process.name)
            marks.unmark(set(asked) - {assignment.run_id for assignment in claimed})
        except Error as error:
            self._lose_database(error)
            return
        self.recorder.took(assignment.run_id for assignment in claimed)
        self.pool.submit(claimed)

    def _beat(self) -> None:
        try:
            self._recover()
            processes.beat(self.process, busy=self.pool.busy())
        except Error as error:
            self._lose_database(error)

    def _recover(self) -> None:
        """After the database was away, give back what was claimed without the clerk ever learning of it."""
        close_old_connections()
        if self.away:
            claims.give_back_all_but(self.recorder.holding, self.process.name)
            self.away = False
            log.info("database back, runs are claimed again")

    def _lose_database(self, error: Error) -> None:
        connection.close()
        if sql.is_conflict(error):
            log.warning("gave way to another transaction, the run goes back to the line", error=str(error).strip())
        elif not self.away:
            log.error("database away, no run is claimed until it is back", error=str(error).strip())
        self.away = True

    def _leave(self) -> int:
        close_old_connections()
        returned = claims.give_back_all_but(set, self.process.name)
        processes.leave(self.process)
        wake_schedulers()
        connection.close()
        return returned

    def _written(self) -> None:
        """Let the threads go whose runs have ended, and tell schedulers that what waited for these may start."""
        with self.seen_off:
            self.seen_off.notify_all()
        if marks.unsent():
            wake_schedulers()

    def _watch(self) -> None:
        """Beat, and leave when this process can no longer work; another one rescues what it held."""
        beat: Future[None] = self.clerk.submit(self._beat)
        while not self.stopping.wait(BEAT):
            if dead := [thread.name for thread in (self.pool.thread, self.recorder.thread) if not thread.is_alive()]:
                log.critical("a thread died, this worker ends at once", threads=dead, process=self.process.name)
                self.pool.kill()
                os._exit(1)
            self.recorder.distrust_leases()
            if beat.done():
                beat = self.clerk.submit(self._beat)
