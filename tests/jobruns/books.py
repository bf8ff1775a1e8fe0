"""A pool and all that it reported, for the tests of the pool."""

import json
import time
from collections import deque
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from jobruns.engine.pool import Pool
from jobruns.runner import Assignment

INSTANT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
numbers = count(1)


class Book:
    """A pool and all that it reported."""

    def __init__(self, slots):
        self.endings, self.lines, self.returned = {}, deque(), []
        self.pool = Pool(
            slots,
            on_ended=lambda endings: self.endings.update({one.run_id: one for one in endings}),
            on_line=self.lines.append,
            on_returned=self.returned.extend,
            on_room=lambda: None,
        )
        self.pool.start()

    def submit(self, act, *, timeout=30, usual=None, **params):
        """Hand over one run and return its id."""
        run_id = next(numbers)
        self.pool.submit(
            [
                Assignment(
                    run_id=run_id,
                    schedule_id=1,
                    schedule_name="trick",
                    job_type="trick",
                    environment="test",
                    params=json.dumps({"act": act, **params}),
                    scheduled_for=INSTANT,
                    attempt=1,
                    correlation_id="c",
                    idempotency_key="k",
                    timeout_seconds=timeout,
                    usual_seconds=usual,
                )
            ]
        )
        return run_id

    def ending(self, run_id, *, within=20.0):
        """Wait for the ending of a run."""
        wait_until(lambda: run_id in self.endings, within=within)
        return self.endings[run_id]


def wait_until(holds, *, within=20.0):
    """Wait until `holds()`, and fail if that takes longer than `within` seconds."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.01)


def exists(pid):
    """Tell whether a process lives; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
