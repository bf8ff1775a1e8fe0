"""A child process of the pool: executes one run after the other and talks to its parent through one pipe.

The parent sends ("run", Assignments), ("stop", run id, why, by) and ("recall",); the child sends ("ended", Ending),
("log", …), ("progress", …), ("group", run id, group) and ("returned", run ids), and ("ready",) once it can work. When
the pipe closes, the parent is gone: the child kills what its run started and leaves.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

import structlog
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from jobruns.runner import Assignment, Ending, execute, stopped

log = structlog.get_logger(__name__)
spoken = structlog.get_logger("carillon.job")

LOG_LINES = 1_000  # kept per run
LOG_LINE_LENGTH = 4_000  # characters
LOG_LEVELS = frozenset({"debug", "info", "warning", "error"})
LAST_RESORT = 60  # seconds after its timeout at which the kernel ends a run that nobody is left to kill


def main(pipe: Connection) -> None:
    """Work until the parent closes the pipe."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Service managers send SIGTERM to every process of a service; the parent lets running work end. A handler, since
    # what a job starts would inherit an ignored signal.
    signal.signal(signal.SIGTERM, lambda *_: None)
    link = Link(pipe)
    link.send("ready")
    threading.Thread(target=link.listen, name="listen", daemon=True).start()
    while True:
        assignment = link.inbox.get()
        # Without a parent, and with job code that keeps the interpreter to itself, only the kernel can end it.
        signal.setitimer(signal.ITIMER_REAL, assignment.timeout_seconds + LAST_RESORT)
        close_old_connections()
        structlog.contextvars.bind_contextvars(
            run_id=assignment.run_id,
            correlation_id=assignment.correlation_id,
            schedule_id=assignment.schedule_id,
        )
        link.send("ended", _work(assignment, link))
        signal.setitimer(signal.ITIMER_REAL, 0)
        structlog.contextvars.clear_contextvars()


def _work(assignment: Assignment, link: Link) -> Ending:
    started = timezone.now()
    context = PipeContext.of(assignment, link, started)
    with link.lock:
        link.context = context
    log.debug("run started", schedule=assignment.schedule_name, attempt=assignment.attempt)
    ending = execute(assignment, context)
    log.debug("run ended", status=ending.status, reason=ending.reason, seconds=round(ending.seconds, 3))
    with link.lock:
        link.context = None
    if not context.stop_reason:
        return ending
    told = stopped(assignment, started, why=context.stop_reason, by=context.stopped_by)
    if ending.status == "success":  # it returned early because it was asked to
        return told
    return replace(ending, status=told.status, reason=told.reason, retry=told.retry)


class Link:
    """The child's end of the pipe. Sending is safe from any thread; `listen` runs in one of its own."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        self.inbox: queue.SimpleQueue[Assignment] = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.context: PipeContext | None = None

    def send(self, *message: Any) -> None:
        """Send a message to the parent; if it is gone, `listen` ends this process."""
        with self.lock:
            try:
                self.pipe.send(message)
            except BrokenPipeError:
                return

    def listen(self) -> None:
        """Take the parent's messages until the pipe closes; then leave at once."""
        while True:
            try:
                kind, *rest = self.pipe.recv()
            except (EOFError, ConnectionResetError):
                self._leave()
            if kind == "run":
                for assignment in rest[0]:
                    self.inbox.put(assignment)
            elif kind == "stop":
                self._stop(*rest)
            elif kind == "recall":
                self.send("returned", self._unstarted())

    def _stop(self, run_id: int, why: str, by: str) -> None:
        with self.lock:
            if self.context is not None and self.context.run_id == run_id:
                self.context.stopped_by = by
                self.context.stop_reason = why

    def _unstarted(self) -> list[int]:
        found = []
        while True:
            try:
                found.append(self.inbox.get_nowait().run_id)
            except queue.Empty:
                return found

    def _leave(self) -> None:
        group = self.context.group if self.context else None
        if group is not None:
            kill_group(group)
        os._exit(0)


@dataclass(slots=True)
class PipeContext:
    """The `Context` of a run in a child process: log lines and progress go through the pipe."""

    run_id: int
    schedule_id: int | None
    schedule_name: str
    environment: str
    scheduled_for: datetime
    attempt: int
    correlation_id: str
    triggered_by: str
    idempotency_key: str
    deadline: datetime
    link: Link
    stop_reason: str = ""
    stopped_by: str = ""
    group: int | None = None
    lines: int = field(default=0)

    @classmethod
    def of(cls, assignment: Assignment, link: Link, started: datetime) -> PipeContext:
        """Return the context of a run that starts now."""
        return cls(
            run_id=assignment.run_id,
            schedule_id=assignment.schedule_id,
            schedule_name=assignment.schedule_name,
            environment=assignment.environment,
            scheduled_for=assignment.scheduled_for,
            attempt=assignment.attempt,
            correlation_id=assignment.correlation_id,
            triggered_by=assignment.triggered_by,
            idempotency_key=assignment.idempotency_key,
            deadline=started + timedelta(seconds=assignment.timeout_seconds),
            link=link,
        )

    def seconds_left(self) -> float:
        return max((self.deadline - timezone.now()).total_seconds(), 0.0)

    def cancelled(self) -> bool:
        return bool(self.stop_reason)

    def log(self, text: str, *, level: str = "info") -> None:
        self.lines += 1
        if self.lines > LOG_LINES:
            return
        if self.lines == LOG_LINES:
            text, level = f"Further lines are not kept; the limit is {LOG_LINES}.", "warning"
        text = text.replace("\0", "�").encode(errors="replace").decode()[:LOG_LINE_LENGTH]
        level = level if level in LOG_LEVELS else "info"
        if settings.LOG_FORMAT == "json":  # for machines that collect logs; people read the run's own log
            spoken.log(logging.getLevelNamesMapping()[level.upper()], text)
        self.link.send("log", self.run_id, self.lines, timezone.now(), level, text)

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        self.link.send("progress", self.run_id, {"done": done, "total": total, "text": text[:200]})

    def owns_process_group(self, group: int | None) -> None:
        self.group = group
        self.link.send("group", self.run_id, group)


def kill_group(group: int) -> None:
    """Kill every process of a group; one that has ended already is no error."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
