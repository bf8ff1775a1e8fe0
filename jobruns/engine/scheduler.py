"""One scheduler process put together: firing loop and dispatcher, from start to a clean stop."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Protocol

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from integrations.sender import Sender
from jobruns.engine import claims, processes, upkeep
from jobruns.engine.dispatch.base import dispatcher_class
from jobruns.engine.listener import Listener
from jobruns.engine.store import RunExecutor, RunStore, UpkeepStore

log = structlog.get_logger(__name__)

WATCH = 1.0  # seconds between looks at whether all threads live
HUNG = 60.0  # seconds without a completed look after which the firing loop is given up
HURRY = 5.0  # seconds that the firing loop gets to end between two looks
LAST_RESORT = 30.0  # seconds beyond the time to drain after which a stop that hangs is cut short


class Beside(Protocol):
    """A thread that has its own work in this process."""

    thread: threading.Thread

    def start(self) -> None:
        """Start working."""
        ...

    def stop(self) -> None:
        """End in a few seconds."""
        ...


class Scheduler:
    """Fires due schedules until it is stopped, and lets a dispatcher of kind `dispatcher` execute their runs.

    `local` executes them here, in `slots` child processes; `celery` sends them to workers. What runs `beside` is
    started and stopped with it.
    """

    def __init__(
        self, *, slots: int, poll_seconds: float, dispatcher: str = "local", beside: Sequence[Beside] = ()
    ) -> None:
        chosen = dispatcher_class(dispatcher)
        self.process = processes.register(slots if chosen.executes_here else 0)
        self.dispatcher = chosen(
            self.process.name, slots=slots, on_room=lambda: self.loop.wakeup(), on_written=self._written
        )
        self.store = RunStore(self.process, self.dispatcher, poll_seconds=poll_seconds)
        self.loop = BackgroundScheduler(timezone=UTC, daemon=True, jobstore_retry_interval=1)
        self.loop.add_executor(RunExecutor(self.dispatcher), "runs")
        self.loop.add_executor(ThreadPoolExecutor(1), "upkeep")
        self.loop.add_jobstore(self.store, "runs")
        self.loop.add_jobstore(UpkeepStore(), "upkeep")
        self.listener = Listener(on_notify=self.loop.wakeup)
        self.sender = Sender()
        self.bookkeeper = upkeep.Bookkeeper()
        self.beside = beside

    def run(self, stop: Callable[[float], bool], *, drain_timeout: float) -> bool:
        """Work until `stop` says so, then end what runs within `drain_timeout` seconds and give the rest back.

        `stop(seconds)` waits up to that long and tells whether to stop. Returns False if it stopped because
        a thread of this process had died or its firing loop hung; whoever supervises it starts it again.
        """
        fault = ""
        try:
            self._start()
            while not fault and not stop(WATCH):
                fault = self._fault()
                self.dispatcher.distrust_leases()
            if fault:
                log.critical("this process works no more and stops", fault=fault, process=self.process.name)
            self._end(drain_timeout)
        finally:
            self.dispatcher.kill()
        return not fault

    def _start(self) -> None:
        self.dispatcher.start()
        self.loop.start()
        upkeep.register(self.loop)
        self.listener.start()
        self.sender.start()
        self.bookkeeper.start()
        for one in self.beside:
            one.start()
        log.info("scheduler started", process=self.process.name, slots=self.dispatcher.slots)

    def _end(self, drain_timeout: float) -> None:
        log.info("scheduler stopping", process=self.process.name, running=self.dispatcher.busy())
        last_resort = threading.Timer(drain_timeout + LAST_RESORT, self._leave_at_once)
        last_resort.daemon = True
        last_resort.start()
        upkeep.stopping.set()
        self.bookkeeper.stop()
        for one in self.beside:
            one.stop()
        self.listener.stop()
        self._stop_firing()
        self.dispatcher.close(drain_timeout)
        self.sender.stop(timeout=5)
        returned = claims.give_back_all_but(set, self.process.name)
        processes.leave(self.process)
        last_resort.cancel()
        log.info("scheduler stopped", process=self.process.name, given_back=returned)

    def _leave_at_once(self) -> None:
        """End this process as it is, its children with it; another one rescues what it held."""
        log.critical("the stop hangs, this process ends at once", process=self.process.name)
        self.dispatcher.kill()
        os._exit(1)

    def _stop_firing(self) -> None:
        """Claim no more and end the loop between two passes: APScheduler's thread would die of a stop within one.

        A loop that hangs in a pass is left behind; it ends with the process.
        """
        self.dispatcher.stop_taking()
        self.loop.pause()
        if self.loop._jobstores_lock.acquire(timeout=HURRY):
            self.loop._jobstores_lock.release()
            self.loop.shutdown(wait=True)

    def _written(self) -> None:
        """Look again at once where runs wait for the one that has just ended."""
        if self.store.blocked:
            self.loop.wakeup()

    def _fault(self) -> str:
        """Say what keeps this process from working: a thread that is no more, a firing loop that hangs; else ""."""
        beside = [self.sender.thread, self.bookkeeper.thread, *(one.thread for one in self.beside)]
        own = [*self.dispatcher.threads(), *beside, self.loop._thread]
        if dead := [thread.name for thread in own if not thread.is_alive()]:
            return f"died: {', '.join(dead)}"
        silent = time.monotonic() - self.store.looked_at
        return f"the firing loop has completed no look for {silent:.0f} s" if silent > HUNG else ""
