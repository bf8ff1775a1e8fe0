"""The thread that empties the outbox: each due delivery is sent by a worker of its own, tried again, or given up."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta

import structlog
from django.db import Error, close_old_connections, connection
from django.utils import timezone

from integrations.channels import NotDelivered, Receipt
from integrations.kinds.base import Unusable
from integrations.outbox import Delivery

log = structlog.get_logger(__name__)

WAITS = (2, 10, 60, 300, 1_800, 7_200, 21_600)  # seconds before the second and each further attempt
LONGEST_WAIT = 3_600.0  # that a receiver may ask for
KEPT = 2_048  # characters of an answer
WORKERS = 8
LOOK = 1.0  # seconds between looks at the outbox, each one statement while it is empty
RETRY = 2.0  # seconds to wait after a database error


class Sender:
    """Sends for one process; any number of processes may do so side by side.

    A slow receiver holds no other: each gets two workers at most. What is being sent when the process dies is sent
    again by another a minute later, under the same `webhook_id`.
    """

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.going: set[Future[None]] = set()
        self.workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="deliver")
        self.thread = threading.Thread(target=self._send, name="sender", daemon=True)

    def start(self) -> None:
        """Start sending."""
        self.thread.start()

    def stop(self, timeout: float) -> None:
        """Take no more and wait up to `timeout` seconds for what is being sent; the rest is taken over by others."""
        self.stopping.set()
        self.thread.join(timeout)
        wait(set(self.going), timeout)
        self.workers.shutdown(wait=False, cancel_futures=True)

    def _send(self) -> None:
        while not self.stopping.wait(LOOK):
            try:
                close_old_connections()
                if not Delivery.objects.is_waited_for(now := timezone.now()):
                    continue
                Delivery.objects.condense(now)
                while (free := WORKERS - len(self.going)) and (taken := Delivery.objects.claim(free)):
                    for delivery in taken:
                        self._hand_out(delivery)
            except Error as error:
                log.info("the outbox waits, database away", error=str(error).strip())
                connection.close()
                self.stopping.wait(RETRY)
        connection.close()

    def _hand_out(self, delivery: Delivery) -> None:
        future = self.workers.submit(self._work, delivery)
        self.going.add(future)
        future.add_done_callback(self.going.discard)

    def _work(self, delivery: Delivery) -> None:
        try:
            deliver(delivery)
        except Error as error:
            log.warning("the end of a delivery could not be written", delivery=delivery.pk, error=str(error).strip())
        finally:
            connection.close()


def deliver(delivery: Delivery) -> None:
    """Make one attempt at a claimed delivery and write how it went."""
    if delivery.channel is None and delivery.channel_name:
        _discard(delivery, "The channel was deleted before it could be sent.")
        return
    if delivery.channel is not None and not delivery.channel.enabled:
        _discard(delivery, "The channel is switched off.")
        return
    try:
        receipt = delivery.send(int(time.time()))
    except (NotDelivered, Unusable) as refused:
        _failed(delivery, refused)
    except Exception as crash:  # a library's bug in one channel must not end the telling of all others
        log.exception("a channel crashed", delivery=delivery.pk, channel=delivery.channel_name)
        _failed(delivery, NotDelivered(f"It crashed: {type(crash).__name__}: {crash}"))
    else:
        _delivered(delivery, receipt)


def _delivered(delivery: Delivery, receipt: Receipt) -> None:
    Delivery.objects.finish(
        delivery,
        status="delivered",
        finished_at=timezone.now(),
        answer_status=receipt.status,
        answer=_kept(delivery, receipt.said),
    )


def _discard(delivery: Delivery, why: str) -> None:
    Delivery.objects.finish(delivery, status="discarded", finished_at=timezone.now(), answer=why)


def _failed(delivery: Delivery, refused: NotDelivered | Unusable) -> None:
    """Plan the next attempt, or give up."""
    said, status = _kept(delivery, str(refused)), getattr(refused, "status", None)
    pause = wait_after(delivery.attempts, getattr(refused, "retry_after", None))
    about = {"delivery": delivery.pk, "channel": delivery.channel_name or delivery.url, "attempt": delivery.attempts}
    now = timezone.now()
    if pause is None or not getattr(refused, "retry", True):
        log.warning("delivery given up", reason=said, **about)
        Delivery.objects.finish(delivery, status="failed", finished_at=now, answer_status=status, answer=said)
        return
    log.info("delivery will be tried again", reason=said, in_seconds=pause, **about)
    Delivery.objects.finish(
        delivery,
        status="pending",
        next_attempt_at=now + timedelta(seconds=pause),
        answer_status=status,
        answer=said,
    )


def wait_after(attempts: int, asked: float | None) -> float | None:
    """Return the seconds until the next attempt after `attempts` failed ones, None when that was the last.

    What the receiver `asked` for counts, an hour at most.
    """
    if attempts > len(WAITS):
        return None
    return max(float(WAITS[attempts - 1]), min(asked or 0.0, LONGEST_WAIT))


def _kept(delivery: Delivery, text: str) -> str:
    plain = text.replace("\0", "�").encode(errors="replace").decode()
    return (delivery.channel.scrub(plain) if delivery.channel else plain)[:KEPT]
