"""How ready runs get to those that execute them: the seam between the firing loop and a dispatcher."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from django.utils.module_loading import import_string

KINDS = {
    "local": "jobruns.engine.dispatch.local.LocalDispatcher",
    "celery": "jobruns.engine.dispatch.celery.CeleryDispatcher",
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What a look at the ledger took; `room` says whether more could have been taken."""

    runs: Sequence[Any] = field(default_factory=list)  # each has a `run_id`
    room: bool = True


class Dispatcher(Protocol):
    """Takes ready runs from the ledger and brings each to where it is executed.

    `take` and `recover` are called in a look, in the firing loop's thread, and raise the database's errors; `took`
    says that the look went well to its end, and `hand_over` passes one run on without waiting for anything.
    `on_room` is called when more could be taken, `on_written` when runs have ended, from any thread.
    """

    executes_here: ClassVar[bool]  # in this very process and its children
    slots: int  # runs that this process executes at once

    def __init__(
        self, owner: str, *, slots: int, on_room: Callable[[], None], on_written: Callable[[], None]
    ) -> None: ...

    def start(self) -> None:
        """Start the threads and processes that it works with."""

    def take(self) -> Taken:
        """Choose ready runs, as many as there is room for, and mark them in the ledger."""

    def took(self, runs: Sequence[Any]) -> None:
        """Take note that a look which took these runs is done."""

    def recover(self) -> None:
        """Put right what was marked in a look that failed."""

    def hand_over(self, run: Any) -> None:
        """Bring a taken run on its way."""

    def busy(self) -> int:
        """Return how many runs this process executes."""

    def distrust_leases(self) -> None:
        """Stop what runs in this process if its leases could not be renewed. Called often; waits for nothing."""

    def stop_taking(self) -> None:
        """Take no more."""

    def close(self, timeout: float) -> None:
        """End what is under way, within `timeout` seconds where it can take long, and write down how it ended."""

    def kill(self) -> None:
        """End all child processes now; may be called at any time."""

    def threads(self) -> list[threading.Thread]:
        """Return the threads without which it does not work."""


def dispatcher_class(kind: str) -> type[Dispatcher]:
    """Return the class of dispatchers of that kind; raises ImportError where its packages are not installed."""
    found: type[Dispatcher] = import_string(KINDS[kind])
    return found
