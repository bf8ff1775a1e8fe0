"""The Celery dispatcher: sends the ids of ready runs to the queues of their schedules, where workers take them.

The ledger stays the only truth. Whoever claims the row executes the run, so a message that comes twice is harmless;
one that was lost is missed by its mark, and sent again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import structlog
from celery import Celery
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, close_old_connections, connection
from kombu.exceptions import KombuError

from jobruns.engine.dispatch import marks
from jobruns.engine.dispatch.base import Taken
from jobruns.engine.dispatch.marks import Parcel

log = structlog.get_logger(__name__)

TASK = "carillon.execute"
ROOM = 1_000  # messages that one process holds while it sends them
LOOK = 1.0  # seconds between looks at what was cancelled and what was lost
LOST = timedelta(seconds=30)  # a run that waits this long after it was sent is missed, unless its queue is as long
PATIENCE = 10.0  # seconds that the broker gets to take a message
HURRY = 5.0  # seconds that the thread gets to end

if not settings.CELERY_BROKER_URL:
    raise ImproperlyConfigured("CELERY_BROKER_URL is not set; Celery needs it: redis://… or amqp://….")
app = Celery("carillon")
app.config_from_object("django.conf:settings", namespace="CELERY")


class CeleryDispatcher:
    """Sends what is ready; `slots` is nothing to it, its workers say themselves how much they execute."""

    executes_here = False
    slots = 0

    def __init__(
        self, owner: str, *, slots: int, on_room: Callable[[], None], on_written: Callable[[], None]
    ) -> None:
        self.courier = Courier(on_room=on_room)
        self.closing = False

    def start(self) -> None:
        self.courier.thread.start()

    def take(self) -> Taken:
        """Mark as many runs as can be sent."""
        room = 0 if self.closing else self.courier.room()
        marked = marks.mark_ready(room) if room else []
        return Taken(marked, room=room > len(marked))

    def took(self, runs: Sequence[Parcel]) -> None:
        """Do nothing: a mark that leads to no message is missed in time."""

    def recover(self) -> None:
        """Do nothing, for the same reason."""

    def hand_over(self, run: Parcel) -> None:
        self.courier.outgoing.append(run)
        self.courier.wake.set()

    def busy(self) -> int:
        return 0

    def distrust_leases(self) -> None:
        """Do nothing: the workers hold the leases."""

    def stop_taking(self) -> None:
        self.closing = True

    def close(self, timeout: float) -> None:
        """Send what was taken; what cannot be sent can be taken by others."""
        self.courier.closing = True
        self.courier.wake.set()
        self.courier.thread.join(HURRY)

    def kill(self) -> None:
        """Do nothing: it has no child processes."""

    def threads(self) -> list[threading.Thread]:
        return [self.courier.thread]


class Courier:
    """The thread that talks to the broker: it sends messages, takes back the cancelled and looks for the lost.

    While the broker is away it takes nothing new, and what it could not send goes back to the line.
    """

    def __init__(self, *, on_room: Callable[[], None]) -> None:
        self.on_room = on_room
        self.outgoing: deque[Parcel] = deque()
        self.wake = threading.Event()
        self.closing = False
        self.away = False
        self.database_away = False
        self.next_look = 0.0
        self.broker = _broker()
        self.errors = (KombuError, *self.broker.connection_errors, *self.broker.channel_errors)
        self.producer: Any = None
        self.thread = threading.Thread(target=self._work, name="courier", daemon=True)

    def room(self) -> int:
        """Return how many more runs may be taken to be sent."""
        return 0 if self.away else max(ROOM - len(self.outgoing), 0)

    def _work(self) -> None:
        while not self.closing:
            self.wake.wait(LOOK)
            self.wake.clear()
            self._turn()
        self._turn()
        self._take_back()
        self.broker.release()
        connection.close()

    def _turn(self) -> None:
        try:
            close_old_connections()
            self._reach()
            while self.outgoing:
                self._send(self.outgoing[0])
                self.outgoing.popleft()
            if (now := time.monotonic()) >= self.next_look:
                self.next_look = now + LOOK
                self._revoke_cancelled()
                self._find_lost()
        except self.errors as error:
            self._lose_broker(error)
        except Error as error:
            self._lose_database(error)
        else:
            self.database_away = False

    def _reach(self) -> None:
        """Connect, if this is not done yet."""
        if self.producer is None:
            self.broker.ensure_connection(max_retries=1, timeout=PATIENCE)
            self.producer = app.amqp.Producer(self.broker)
        if self.away:
            self.away = False
            log.info("broker back, runs are sent again")
            self.on_room()

    def _send(self, parcel: Parcel) -> None:
        app.send_task(
            TASK,
            args=[parcel.run_id],
            task_id=parcel.name,
            queue=parcel.queue,
            priority=self._priority(parcel),
            producer=self.producer,
            retry=False,
            timeout=PATIENCE,
            confirm_timeout=PATIENCE,
        )

    def _priority(self, parcel: Parcel) -> int:
        """Return the priority as this broker counts: from 1 to 10 upwards, in Redis from 0 downwards."""
        return 10 - parcel.priority if self.broker.transport.driver_type == "redis" else parcel.priority

    def _lose_broker(self, error: BaseException) -> None:
        if not self.away:
            log.error("broker away, runs wait until it is back", error=str(error).strip() or type(error).__name__)
        self.away = True
        self.producer = None
        self.broker.collect(socket_timeout=HURRY)
        self.broker = _broker()
        self._take_back()

    def _lose_database(self, error: Error) -> None:
        connection.close()
        if not self.database_away:
            log.warning("database away, nothing is looked for", error=str(error).strip())
        self.database_away = True

    def _take_back(self) -> None:
        """Return to the line what was not sent; should the database be away too, it is missed in time."""
        left = [self.outgoing.popleft().run_id for _ in range(len(self.outgoing))]
        if left:
            try:
                marks.unmark(left)
            except Error as error:
                self._lose_database(error)

    def _revoke_cancelled(self) -> None:
        """Tell the workers which messages they may drop; the row would tell them too."""
        if names := marks.withdrawn():
            app.control.revoke(names, connection=self.broker)

    def _find_lost(self) -> None:
        """Let runs be sent again where more of them are missed than messages wait in their queue.

        Where as many wait, workers are slow or away, and sending again would only make the queue longer.
        """
        for queue, missed in marks.overdue(LOST).items():
            waiting = app.amqp.queues[queue].bind(self.producer.channel).queue_declare().message_count
            if waiting < missed:
                again = marks.unmark_overdue(queue, LOST)
                log.warning("messages were lost, their runs are sent again", queue=queue, runs=again, waiting=waiting)
                self.on_room()


def _broker() -> Any:
    """Return a connection that is yet to be opened, without heartbeats: nobody answers them between two messages."""
    return app.connection_for_write(heartbeat=0)
