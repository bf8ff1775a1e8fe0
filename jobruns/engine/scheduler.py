"""One scheduler process put together: firing loop, pool and recorder, from start to a clean stop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from integrations.sender import Sender
from jobruns.engine import claims, processes, upkeep
from jobruns.engine.listener import Listener
from jobruns.engine.pool import Pool
from jobruns.engine.recorder import Recorder
from jobruns.engine.store import PoolExecutor, RunStore, UpkeepStore

log = structlog.get_logger(__name__)

WATCH = 1.0  # seconds between looks at whether all threads live


class Scheduler:
    """Fires due schedules and executes runs in `slots` child processes until it is stopped."""

    def __init__(self, *, slots: int, poll_seconds: float) -> None:
        self.process = processes.register(slots)
        self.pool = Pool(
            slots,
            on_ended=lambda endings: self.recorder.ended(endings),
            on_line=lambda message: self.recorder.line(message),
            on_returned=lambda run_ids: self.recorder.give_back(run_ids),
            on_room=lambda: self.loop.wakeup(),
        )
        self.recorder = Recorder(self.process.name, stop_run=self.pool.stop_run, on_written=self._written)
        self.store = RunStore(self.process, self.pool, self.recorder, poll_seconds=poll_seconds)
        self.loop = BackgroundScheduler(timezone=UTC, daemon=True, jobstore_retry_interval=1)
        self.loop.add_executor(PoolExecutor(self.pool), "runs")
        self.loop.add_executor(ThreadPoolExecutor(1), "upkeep")
        self.loop.add_jobstore(self.store, "runs")
        self.loop.add_jobstore(UpkeepStore(), "upkeep")
        self.listener = Listener(on_notify=self.loop.wakeup)
        self.sender = Sender()

    def run(self, stop: Callable[[float], bool], *, drain_timeout: float) -> bool:
        """Work until `stop` says so, then end what runs within `drain_timeout` seconds and give the rest back.

        `stop(seconds)` waits up to that long and tells whether to stop. Returns False if it stopped because
        a thread of this process had died; whoever supervises it starts it again.
        """
        dead: list[str] = []
        try:
            self._start()
            while not dead and not stop(WATCH):
                dead = self._dead_threads()
            if dead:
                log.critical("a thread died, this process stops", threads=dead, process=self.process.name)
            self._end(drain_timeout)
        finally:
            self.pool.kill()
        return not dead

    def _start(self) -> None:
        self.pool.start()
        self.recorder.thread.start()
        self.loop.start()
        upkeep.register(self.loop)
        self.listener.start()
        self.sender.start()
        log.info("scheduler started", process=self.process.name, slots=self.pool.size)

    def _end(self, drain_timeout: float) -> None:
        log.info("scheduler stopping", process=self.process.name, running=self.pool.busy())
        self.listener.stop()
        self._stop_firing()
        self.pool.close(drain_timeout)
        self.recorder.close(timeout=10)
        self.sender.stop(timeout=5)
        returned = claims.give_back_all_but(set, self.process.name)
        processes.leave(self.process)
        log.info("scheduler stopped", process=self.process.name, given_back=returned)

    def _stop_firing(self) -> None:
        """Claim no more and end the loop between two passes: APScheduler's thread would die of a stop within one."""
        self.pool.closing = True
        self.loop.pause()
        with self.loop._jobstores_lock:
            pass
        self.loop.shutdown(wait=True)

    def _written(self) -> None:
        """Look again at once where runs wait for the one that has just ended."""
        if self.store.blocked:
            self.loop.wakeup()

    def _dead_threads(self) -> list[str]:
        """Return the threads that this process cannot work without and that are no more."""
        threads = [self.pool.thread, self.recorder.thread, self.sender.thread, self.loop._thread]
        return [thread.name for thread in threads if not thread.is_alive()]
