"""The local dispatcher: claims ready runs for this process and executes them in its own pool of children."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

import structlog

from jobruns.engine import claims
from jobruns.engine.dispatch.base import Taken
from jobruns.engine.pool import Pool
from jobruns.engine.recorder import Recorder
from jobruns.runner import Assignment

log = structlog.get_logger(__name__)

WRITING = 10.0  # seconds that the last endings may take to be written


class LocalDispatcher:
    """Executes up to `slots` runs at once, as `owner`."""

    executes_here = True

    def __init__(
        self, owner: str, *, slots: int, on_room: Callable[[], None], on_written: Callable[[], None]
    ) -> None:
        self.owner, self.slots = owner, slots
        self.pool = Pool(
            slots,
            on_ended=lambda endings: self.recorder.ended(endings),
            on_line=lambda message: self.recorder.line(message),
            on_returned=lambda run_ids: self.recorder.give_back(run_ids),
            on_room=on_room,
        )
        self.recorder = Recorder(owner, stop_run=self.pool.stop_run, abandon=self.pool.abandon, on_written=on_written)

    def start(self) -> None:
        self.pool.start()
        self.recorder.thread.start()

    def take(self) -> Taken:
        """Claim as many runs as there is room for in the pool; none while their leases could not be renewed."""
        room = 0 if self.recorder.lease_runs_out() else self.pool.room()
        claimed = claims.claim_ready(room, self.owner)
        return Taken(claimed, room=room > len(claimed))

    def took(self, runs: Sequence[Assignment]) -> None:
        self.recorder.took(assignment.run_id for assignment in runs)
        if logging.getLogger(__name__).isEnabledFor(logging.DEBUG):
            _tell(runs)

    def recover(self) -> None:
        """Give back what was claimed without this process ever learning of it."""
        if returned := claims.give_back_all_but(self.recorder.holding, self.owner):
            log.warning("claimed runs go back to the line, the database failed in between", runs=returned)

    def hand_over(self, run: Assignment) -> None:
        self.pool.submit([run])

    def busy(self) -> int:
        return self.pool.busy()

    def distrust_leases(self) -> None:
        self.recorder.distrust_leases()

    def stop_taking(self) -> None:
        self.pool.closing = True

    def close(self, timeout: float) -> None:
        """Let running work end for up to `timeout` seconds, kill the rest and give it back."""
        self.pool.close(timeout)
        self.recorder.close(WRITING)

    def kill(self) -> None:
        self.pool.kill()

    def threads(self) -> list[threading.Thread]:
        return [self.pool.thread, self.recorder.thread]


def _tell(claimed: Sequence[Assignment]) -> None:
    for one in claimed:
        log.debug(
            "run claimed",
            run_id=one.run_id,
            schedule_id=one.schedule_id,
            correlation_id=one.correlation_id,
            schedule=one.schedule_name,
        )
