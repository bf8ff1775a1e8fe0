"""One child process of the pool as the foreman sees it: what it holds, since when, and how to stop it."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from datetime import timedelta
from multiprocessing.context import ForkServerContext

from django.utils import timezone

from jobruns.engine import child
from jobruns.runner import Assignment, Ending, stopped
from jobtypes import registry

FORKSERVER_DIED = 255  # what multiprocessing says of every child when it can no longer know
STARTING = 30.0  # seconds that a new child may take until it can work; they do not count as its first run's time


class Slot:
    """A child process and the runs that it holds: the first is being executed, the others wait their turn."""

    def __init__(self, context: ForkServerContext) -> None:
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=child.main, args=(theirs,), name="carillon-run", daemon=True)
        self.process.start()
        theirs.close()
        self.runs: deque[Assignment] = deque()
        self.since = 0.0  # monotonic seconds: when the first run began
        self.ready = False
        self.is_short = False
        self.recalled = False
        self.abandoned = False
        self.group: int | None = None
        self.stop_reason, self.stopped_by = "", ""
        self.kill_at: float | None = None

    def give(self, assignments: list[Assignment], *, short: bool) -> None:
        """Hand over runs, all short or a single one; the child starts them once it is done with what it holds."""
        if not self.runs:
            self._begin()
        self.is_short = short
        self.runs.extend(assignments)
        self._send("run", assignments)

    def began(self) -> None:
        """Take note that the child can work: the time of its first run counts from now."""
        self.ready, self.since = True, time.monotonic()

    def ended(self, run_id: int) -> None:
        """Take note that a run has ended and the next one begins."""
        if self.runs and self.runs[0].run_id == run_id:
            self.runs.popleft()
            self._begin()

    def take_back(self, run_ids: set[int]) -> list[Assignment]:
        """Return the runs of these ids, which the child gave back unstarted."""
        returned = [assignment for assignment in self.runs if assignment.run_id in run_ids]
        self.runs = deque(assignment for assignment in self.runs if assignment.run_id not in run_ids)
        self.recalled = False
        return returned

    def recall(self) -> None:
        """Ask the child for what it has not started, once."""
        if len(self.runs) > 1 and not self.recalled:
            self.recalled, self.is_short = True, False
            self._send("recall")

    def stop(self, why: str, by: str, *, force: bool) -> None:
        """Ask the first run to stop and kill it when its grace is over, at once with `force`."""
        if self.stop_reason and not force:
            return
        self.stop_reason, self.stopped_by = why, by
        kind = registry.job_types().get(self.runs[0].job_type)
        grace = 0.0 if force or kind is None else kind.stop_grace_seconds
        self.kill_at = time.monotonic() + grace
        if not force:
            self._send("stop", self.runs[0].run_id, why, by)

    def abandon(self) -> None:
        """Kill the child if it holds anything; what it had not started must not be given to another."""
        if self.runs:
            self.abandoned = True
            self.stop("lost", "", force=True)

    def watch(self, now: float) -> None:
        """Stop a run that is past its timeout, and kill one whose grace is over."""
        allowed = self.runs[0].timeout_seconds + (0.0 if self.ready else STARTING) if self.runs else 0.0
        if self.runs and not self.stop_reason and now - self.since >= allowed:
            self.stop("timeout", "", force=False)
        if self.kill_at is not None and now >= self.kill_at:
            self.kill_at = None
            self.kill()

    def kill(self) -> None:
        """End the child and what its run started, now; the foreman sees its pipe close."""
        if self.group is not None:
            child.kill_group(self.group)
            self.group = None
        if self.process.pid is None or not (self.process.is_alive() or self.process.exitcode == FORKSERVER_DIED):
            return
        try:
            os.kill(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # it has just ended by itself

    def obituary(self) -> Ending:
        """Return how the first run ended, now that its process is dead."""
        started = timezone.now() - timedelta(seconds=time.monotonic() - self.since)
        return stopped(self.runs[0], started, why=self.stop_reason or "lost", by=self.stopped_by)

    def _begin(self) -> None:
        self.since = time.monotonic()
        self.group = None
        self.stop_reason, self.stopped_by, self.kill_at = "", "", None

    def _send(self, *message: object) -> None:
        try:
            self.pipe.send(message)
        except OSError:
            return  # the foreman is about to see that the child is dead
