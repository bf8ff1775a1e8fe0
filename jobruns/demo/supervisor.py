"""Run a few programs as one: when one ends, or somebody asks for the end, all end. Knows no Django."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from types import FrameType

LOOK_SECONDS = 0.1


def supervise(
    server: Sequence[str],
    *others: Sequence[str],
    is_ready: Callable[[], bool],
    on_ready: Callable[[], None],
    grace_seconds: float = 7.0,
) -> int:
    """Run `server` and, once it is ready, the others; go on until somebody asks for the end or one of them ends.

    SIGINT, SIGTERM, SIGHUP and the parent's end ask for it. All stay in this process's group, so that what is sent to
    the group reaches them too; what has not ended `grace_seconds` after SIGTERM is killed. Returns 0 where the end
    was asked for, else 1.
    """
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask)
    parent, waiting = os.getppid(), list(others)
    running = [subprocess.Popen(server)]  # noqa: S603 - our own commands
    try:
        while not asked and os.getppid() == parent and all(process.poll() is None for process in running):
            if waiting and is_ready():
                running += [subprocess.Popen(command) for command in waiting]  # noqa: S603
                waiting.clear()
                on_ready()
            time.sleep(LOOK_SECONDS)
    finally:
        end(running, grace_seconds=grace_seconds)
    return 0 if asked else 1


def end(running: Sequence[subprocess.Popen[bytes]], *, grace_seconds: float) -> None:
    """Ask each to end, wait for all of them up to `grace_seconds` together, and kill the rest."""
    for process in running:
        process.terminate()
    deadline = time.monotonic() + grace_seconds
    for process in running:
        try:
            process.wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
