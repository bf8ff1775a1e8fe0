"""Do work that waits on the network in a thread of its own, and stop waiting when it takes too long."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")
LOOK_SECONDS = 0.1


class TookTooLong(Exception):
    """The work was interrupted at the end of its time."""


class Stopped(Exception):
    """The work was interrupted because somebody asked it to stop."""


def watched(
    work: Callable[[], T],
    *,
    seconds: float,
    stopped: Callable[[], bool],
    interrupt: Callable[[], None],
    sever: Callable[[], None],
    grace_seconds: float = 5.0,
) -> T:
    """Return what `work` returns; what it raises is raised here.

    After `seconds`, or when `stopped()` answers True, `interrupt` asks the other side to give up; if the work has not
    ended `grace_seconds` later, `sever` cuts the line. All three are called from the thread that waits. Then raises
    TookTooLong or Stopped, whatever the work made of it.
    """
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="carillon-outside")
    end = time.monotonic() + seconds
    try:
        working = pool.submit(copy_context().run, work)  # what it logs carries the run's ids
        while not wait([working], timeout=max(0.0, min(LOOK_SECONDS, end - time.monotonic()))).done:
            asked = stopped()
            if asked or time.monotonic() >= end:
                interrupt()
                if not wait([working], timeout=grace_seconds).done:
                    sever()
                    wait([working], timeout=min(1.0, grace_seconds))
                raise Stopped if asked else TookTooLong
        return working.result()
    finally:
        pool.shutdown(wait=False)
