"""One scheduler process put together: firing loop, pool and recorder, from start to a clean stop."""

from __future__ import annotations

import threading
from datetime import UTC

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from jobruns.engine import claims, processes, upkeep
from jobruns.engine.pool import Pool
from jobruns.engine.recorder import Recorder
from jobruns.engine.store import PoolExecutor, RunStore, UpkeepStore

log = structlog.get_logger(__name__)


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
        self.recorder = Recorder(self.process.name, stop_run=self.pool.stop_run)
        self.loop = BackgroundScheduler(timezone=UTC, daemon=True)
        self.loop.add_executor(PoolExecutor(self.pool), "runs")
        self.loop.add_executor(ThreadPoolExecutor(1), "upkeep")
        self.loop.add_jobstore(RunStore(self.process, self.pool, poll_seconds=poll_seconds), "runs")
        self.loop.add_jobstore(UpkeepStore(), "upkeep")

    def run(self, stop: threading.Event, *, drain_timeout: float) -> None:
        """Work until `stop` is set, then end what runs within `drain_timeout` seconds and give the rest back."""
        self.pool.start()
        self.recorder.thread.start()
        self.loop.start()
        upkeep.register(self.loop)
        log.info("scheduler started", process=self.process.name, slots=self.pool.size)
        stop.wait()
        log.info("scheduler stopping", process=self.process.name, running=self.pool.busy())
        self.pool.closing = True
        self.loop.shutdown(wait=True)
        unfinished = self.pool.close(drain_timeout)
        self.recorder.close(timeout=10)
        returned = claims.give_back(unfinished, self.process.name)
        processes.leave(self.process)
        log.info("scheduler stopped", process=self.process.name, given_back=returned)
