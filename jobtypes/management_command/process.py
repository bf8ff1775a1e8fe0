"""Run a program in a process group of its own, read what it says, and end it when it must end."""

import codecs
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TERM_SECONDS = 5.0  # between SIGTERM and SIGKILL
LOOK_SECONDS = 0.1
BLOCK = 65_536
LONGEST_LINE = 4_000  # characters
KEPT = 131_072  # bytes of output, the last ones


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended. `code` is negative for a signal; `stopped` tells that it was asked to end."""

    code: int
    stopped: bool
    output: str
    output_bytes: int


def run(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    must_stop: Callable[[], bool],
    started: Callable[[int], None],
    line: Callable[[str], None],
) -> Ended:
    """Run a program without a shell until it ends; `started` is told its process group, `line` each line it prints.

    When `must_stop()` answers True the group gets SIGTERM and, 5 s later, SIGKILL. Whatever is left of the group when
    the program has ended is killed.
    """
    with subprocess.Popen(  # noqa: S603 - no shell, and the caller has checked every word
        list(arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(environment),
        cwd=folder,
        start_new_session=True,
    ) as process:
        started(process.pid)
        output = _Output(process, line)
        try:
            stopped = _wait(process, output, must_stop)
        finally:
            _signal(process.pid, signal.SIGKILL)
        code = process.wait()
        output.finish()
    return Ended(code, stopped, output.tail, output.total)


def _wait(process: subprocess.Popen[bytes], output: "_Output", must_stop: Callable[[], bool]) -> bool:
    """Return when the program has ended; True if it was made to."""
    kill_at: float | None = None
    while process.poll() is None:
        output.read(LOOK_SECONDS)
        if kill_at is None and must_stop():
            _signal(process.pid, signal.SIGTERM)
            kill_at = time.monotonic() + TERM_SECONDS
        elif kill_at is not None and time.monotonic() >= kill_at:
            _signal(process.pid, signal.SIGKILL)
    return kill_at is not None


def _signal(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return  # nobody is left


class _Output:
    """What a program prints: handed on line by line, and the last of it kept."""

    def __init__(self, process: subprocess.Popen[bytes], line: Callable[[str], None]) -> None:
        assert process.stdout is not None  # noqa: S101 - asked for with PIPE
        self.pipe = process.stdout.fileno()
        os.set_blocking(self.pipe, False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.pipe, selectors.EVENT_READ)
        self.decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        self.line = line
        self.rest = ""
        self.kept = b""
        self.total = 0

    @property
    def tail(self) -> str:
        """Return the last of the output as text."""
        return self.kept.decode(errors="replace")

    def read(self, seconds: float) -> bool:
        """Read one block, waiting up to `seconds` for it; False if there was none."""
        if not self.selector.get_map():
            time.sleep(seconds)
            return False
        if not self.selector.select(seconds):
            return False
        block = os.read(self.pipe, BLOCK)
        if not block:
            self.selector.unregister(self.pipe)
            return False
        self.total += len(block)
        self.kept = (self.kept + block)[-KEPT:]
        *lines, self.rest = (self.rest + self.decode(block)).split("\n")
        for text in lines:
            self.line(text.rstrip("\r")[:LONGEST_LINE])
        self.rest = self.rest[: LONGEST_LINE + 1]
        return True

    def finish(self) -> None:
        """Read what is left now that the group is dead, and hand on a last line without an end."""
        while self.read(0):
            pass
        if self.rest:
            self.line(self.rest[:LONGEST_LINE])
        self.selector.close()
