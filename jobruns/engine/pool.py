"""The local pool: child processes that execute runs, so that each can be killed and none can delay a fire.

One thread, the foreman, owns all state: it hands runs out, reads the children's messages, watches deadlines and
replaces dead children. Other threads only put requests into its inbox. Runs that are known to be short are handed out
a few at a time; when a child dies or lingers, those that it had not started go to another.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from multiprocessing import forkserver
from multiprocessing.connection import wait
from typing import Any

import structlog
from django.conf import settings
from django.utils import timezone

from jobruns.engine.slot import Slot
from jobruns.runner import Assignment, Ending, stopped

log = structlog.get_logger(__name__)

SHORT = 0.05  # seconds: below this a run is short
PREFETCH = 16  # short runs that one child may hold
AHEAD = 400  # short runs claimed beyond the slots
TICK = 0.1  # seconds between looks at deadlines, while there are any
IDLE = 5.0  # seconds between looks while nothing runs; a message wakes the foreman at once
SMALL = 4_000  # characters of parameters: a child that does not listen must not block the foreman
HURRY = 5.0  # seconds that the foreman gets to end
LINGER = 2.0  # seconds after which runs that found no slot go back to the line


class Pool:
    """Executes assignments in `slots` child processes.

    `on_ended(endings)`, `on_line(message)` and `on_returned(run_ids)` are called from the foreman's thread and must
    not block; `on_room()` says that more runs could be taken.
    """

    def __init__(
        self,
        slots: int,
        *,
        on_ended: Callable[[list[Ending]], None],
        on_line: Callable[[tuple[Any, ...]], None],
        on_returned: Callable[[list[int]], None],
        on_room: Callable[[], None],
    ) -> None:
        self.size = slots
        self.on_ended, self.on_line, self.on_returned, self.on_room = on_ended, on_line, on_returned, on_room
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["jobruns.engine.preload"])
        self.slots: list[Slot] = []
        self.ready: deque[Assignment] = deque()
        self.usual = 1.0  # seconds, moving average over all runs
        self.held = 0  # runs in this pool, waiting or running
        self.ready_since = 0.0
        self.lock = threading.Lock()  # guards `held`
        self.inbox: deque[tuple[Any, ...]] = deque()
        self.sleeper, self.waker = self.context.Pipe(duplex=False)
        self.woken = False
        self.closing = False
        self.thread = threading.Thread(target=self._foreman, name="foreman", daemon=True)

    def start(self) -> None:
        """Start the foreman and one warm child."""
        atexit.register(self.kill)  # multiprocessing would only ask them to end, and wait
        _start_server()
        self.slots.append(Slot(self.context))
        self.thread.start()

    def room(self) -> int:
        """Return how many more runs may be claimed for this pool now."""
        if self.closing:
            return 0
        return max(self.size + self._ahead() - self.held, 0)

    def busy(self) -> int:
        """Return how many children execute a run."""
        return sum(1 for slot in self.slots if slot.runs)

    def submit(self, assignments: Iterable[Assignment]) -> None:
        """Take over claimed runs; they start as slots get free."""
        taken = list(assignments)
        with self.lock:
            self.held += len(taken)
        self._tell("submit", taken)

    def stop_run(self, run_id: int, *, why: str, by: str, force: bool) -> None:
        """Ask a run to stop, or kill it at once with `force`; one that is not here is no error."""
        self._tell("stop", run_id, why, by, force)

    def abandon(self) -> None:
        """Kill what runs, as lost, and give back what waits: this process may no longer be the owner of either."""
        self._tell("abandon")

    def close(self, timeout: float) -> list[int]:
        """Let running work end for up to `timeout` seconds, kill the rest and return the runs that did not end."""
        self.closing = True
        self._tell("drain")
        deadline = time.monotonic() + timeout
        while self.busy() and time.monotonic() < deadline:
            time.sleep(0.05)
        self._tell("close")
        self.thread.join(HURRY)
        unfinished = [assignment.run_id for slot in self.slots for assignment in slot.runs]
        self.kill()
        return unfinished

    def kill(self) -> None:
        """End all children now, whatever they do."""
        self.closing = True
        for slot in list(self.slots):
            slot.kill()
        atexit.unregister(self.kill)

    def _tell(self, *message: Any) -> None:
        self.inbox.append(message)
        if not self.woken:
            self.woken = True
            self.waker.send_bytes(b"!")

    def _ahead(self) -> int:
        """Return how many runs to hold beyond the slots: a fifth of a second's work while runs are short."""
        return min(AHEAD, int(self.size * 0.2 / max(self.usual, 0.0005))) if self.usual < SHORT else 0

    def _foreman(self) -> None:
        tick = time.monotonic()
        while True:
            pipes: list[Any] = [self.sleeper, *(slot.pipe for slot in self.slots)]
            going = self.ready or any(slot.runs for slot in self.slots)
            if self.sleeper in wait(pipes, timeout=TICK if going else IDLE):
                self.woken = False
                self.sleeper.recv_bytes()
            going_on = self._take_requests()
            self._read_children()
            if not going_on:
                return
            if (now := time.monotonic()) - tick > TICK / 2:
                tick = now
                self._watch(now)
            self._hand_out()

    def _take_requests(self) -> bool:
        """Act on what other threads asked for; False when the pool closes."""
        while self.inbox:
            kind, *rest = self.inbox.popleft()
            if kind == "submit":
                self.ready.extend(rest[0])
                self.ready_since = time.monotonic()
            elif kind == "stop":
                self._stop(*rest)
            elif kind == "abandon":
                self._return_waiting()
                for slot in self.slots:
                    slot.abandon()
            elif kind == "drain":
                self._return_waiting()
                for slot in self.slots:
                    slot.recall()
            elif kind == "close":
                return False
        return True

    def _read_children(self) -> None:
        endings: list[Ending] = []
        for slot in list(self.slots):
            try:
                while slot.pipe.poll():
                    self._message(slot, slot.pipe.recv(), endings)
            except (EOFError, OSError):  # OSError: it was killed in the middle of a message
                self._bury(slot, endings)
        if endings:
            self._ended(endings)

    def _message(self, slot: Slot, message: tuple[Any, ...], endings: list[Ending]) -> None:
        kind = message[0]
        if kind == "ended":
            slot.ended(message[1].run_id)
            endings.append(message[1])
        elif kind == "returned":
            self._again(slot.take_back(set(message[1])))
        elif kind == "ready":
            slot.began()
        elif kind == "group":
            slot.group = message[2]
        else:
            self.on_line(message)

    def _bury(self, slot: Slot, endings: list[Ending]) -> None:
        """Replace a dead child: its run ends as what killed it, what it had not started goes to another."""
        self.slots.remove(slot)
        slot.kill()
        slot.pipe.close()
        if slot.runs:
            endings.append(slot.obituary())
            self._again(list(slot.runs)[1:])
            if slot.abandoned:
                self._return_waiting()

    def _ended(self, endings: list[Ending]) -> None:
        for one in endings:
            self.usual += 0.1 * (one.seconds - self.usual)
        with self.lock:
            self.held -= len(endings)
        self.on_ended(endings)
        ahead = self._ahead()
        if self.room() >= ((self.size + ahead) // 2 if ahead else 1):
            self.on_room()

    def _again(self, assignments: list[Assignment]) -> None:
        self.ready.extendleft(reversed(assignments))
        if self.closing:
            self._return_waiting()

    def _return_waiting(self) -> None:
        """Give runs that found no slot back to the line, where another process may take them."""
        if self.ready:
            returned = [assignment.run_id for assignment in self.ready]
            self.ready.clear()
            with self.lock:
                self.held -= len(returned)
            self.on_returned(returned)

    def _stop(self, run_id: int, why: str, by: str, force: bool) -> None:
        """Stop a run that is executed or has no slot yet; one that a child holds unstarted is asked for again."""
        for slot in self.slots:
            if slot.runs and slot.runs[0].run_id == run_id:
                slot.stop(why, by, force=force)
        for assignment in [waiting for waiting in self.ready if waiting.run_id == run_id]:
            self.ready.remove(assignment)
            self._ended([stopped(assignment, timezone.now(), why=why, by=by)])

    def _watch(self, now: float) -> None:
        for slot in self.slots:
            slot.watch(now)
            if len(slot.runs) > 1 and now - slot.since > SHORT * 2:
                slot.recall()
        if self.ready and now - self.ready_since > LINGER:
            self.usual = max(self.usual, SHORT)
            self._return_waiting()

    def _hand_out(self) -> None:
        """Give every idle child a run, grow up to `size`, then top up children whose runs are all short."""
        idle = [slot for slot in self.slots if not slot.runs]
        while self.ready and (idle or len(self.slots) < self.size):
            if not idle:
                idle.append(Slot(self.context))
                self.slots.append(idle[-1])
            self._give(idle.pop(), [self.ready.popleft()])
        for slot in self.slots:
            if slot.is_short and len(slot.runs) <= PREFETCH // 2:
                self._give(slot, self._next_short(PREFETCH - len(slot.runs)))

    def _next_short(self, limit: int) -> list[Assignment]:
        """Take up to `limit` short runs from the head of the line, which may be none."""
        taken: list[Assignment] = []
        while self.ready and len(taken) < limit and is_short(self.ready[0]):
            taken.append(self.ready.popleft())
        return taken

    def _give(self, slot: Slot, assignments: list[Assignment]) -> None:
        if assignments:
            self.ready_since = time.monotonic()
            slot.give(assignments, short=is_short(assignments[0]))


def is_short(assignment: Assignment) -> bool:
    """Tell whether runs of its schedule are known to be short, and its message small."""
    usual = assignment.usual_seconds
    return usual is not None and usual < SHORT and len(assignment.params) < SMALL


def _start_server() -> None:
    """Start the process that children are forked from so that it finds our packages from whatever folder it starts.

    Before Python 3.13 it looks for what it preloads without the path that it is told (gh-117378).
    """
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(settings.BASE_DIR), before]))
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
