"""Execute one run now, in the foreground: claimed under a lease, killed at its timeout, recorded like any other."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from django.db import transaction

from jobruns.engine import claims, processes
from jobruns.engine.pool import Pool
from jobruns.engine.recorder import Recorder
from jobruns.models import JobRun
from jobruns.runner import Assignment, Ending
from schedules.models import Schedule

LOOK = 0.2  # seconds between looks at whether to stop
WRITING = 30.0  # seconds that the database gets to take the ending


class Busy(Exception):
    """The schedule runs as often at once as its overlap policy allows; nothing was written."""


def run_now(
    schedule: Schedule,
    *,
    by: str,
    params: dict[str, Any],
    on_line: Callable[[tuple[Any, ...]], None],
    asked_to_stop: Callable[[], int],
) -> JobRun:
    """Request a run, execute it in a child process and return it as it was recorded.

    `on_line` gets the child's log and progress messages, in another thread. `asked_to_stop()` says how often somebody
    asked: the first time the run is asked to stop, the second time it is killed. Raises ValidationError where the
    request is refused, and Busy; then nothing is written.
    """
    schedule.runs.accepted(params)
    process = processes.register(0, fires=False)
    try:
        with transaction.atomic():
            run = schedule.runs.request(by=by, params=params)
            assignment = claims.claim_one(run.pk, process.name)
            if assignment is None:
                raise Busy(f"{schedule.name} is running already, and its overlap rule lets no other run beside it.")
        _execute(assignment, process.name, by=by, on_line=on_line, asked_to_stop=asked_to_stop)
    finally:
        processes.leave(process)
    run.refresh_from_db()
    return run


def _execute(
    assignment: Assignment,
    owner: str,
    *,
    by: str,
    on_line: Callable[[tuple[Any, ...]], None],
    asked_to_stop: Callable[[], int],
) -> None:
    done: SimpleQueue[list[Ending] | list[int]] = SimpleQueue()

    def ended(endings: list[Ending]) -> None:
        recorder.ended(endings)
        done.put(endings)

    def returned(run_ids: list[int]) -> None:
        recorder.give_back(run_ids)
        done.put(run_ids)

    def line(message: tuple[Any, ...]) -> None:
        recorder.line(message)
        on_line(message)

    pool = Pool(1, on_ended=ended, on_line=line, on_returned=returned, on_room=lambda: None)
    recorder = Recorder(owner, stop_run=pool.stop_run, abandon=pool.abandon)
    recorder.took([assignment.run_id])
    try:
        pool.start()
        recorder.thread.start()
        pool.submit([assignment])
        told = 0
        while not _is_over(done):
            recorder.distrust_leases()
            if (asked := asked_to_stop()) > told:
                pool.stop_run(assignment.run_id, why="requested", by=by, force=asked > 1)
                told = asked
        pool.close(0)
        recorder.close(WRITING)
    finally:
        pool.kill()


def _is_over(done: SimpleQueue[Any]) -> bool:
    try:
        done.get(timeout=LOOK)
    except Empty:
        return False
    return True
