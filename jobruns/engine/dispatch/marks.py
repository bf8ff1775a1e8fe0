"""Which ready runs are under way to the workers: marks in the ledger, set before a message is sent.

A mark decides nothing: a run is executed by whoever claims its row. It only keeps a run from being sent twice while
its message waits, and tells which messages must have been lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count

from jobruns.engine import sql
from jobruns.engine.claims import READY
from jobruns.engine.limits import UNDER_WAY as TAKEN
from jobruns.engine.limits import Places
from jobruns.models import JobRun

WITHDRAWN = 100  # cancelled runs whose messages are taken back in one go

UNDER_WAY = """(SELECT count(*) FROM jobruns_jobrun m
    WHERE m.schedule_id = r.schedule_id AND m.status = 'pending' AND m.dispatched_at IS NOT NULL)"""
COLUMNS = f"r.id, r.schedule_id, s.queue, r.priority, r.correlation_id, {UNDER_WAY}"
NOT_SENT = f"""AND r.dispatched_at IS NULL AND {UNDER_WAY}
    + (SELECT count(*) FROM jobruns_jobrun n WHERE n.schedule_id = r.schedule_id AND n.status = 'running')
    < CASE WHEN s.overlap_policy = 'allow' THEN s.max_instances ELSE 1 END"""
MARK = "UPDATE jobruns_jobrun SET dispatched_at = %s WHERE {chosen}"


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes to a worker: the id of a run, under a name that no other message has, in this queue."""

    run_id: int
    queue: str
    priority: int  # 1 (low) to 10 (high)
    correlation_id: str

    @property
    def name(self) -> str:
        """Return what the message is called at the broker, the same each time the run is sent."""
        return message_name(self.run_id, self.correlation_id)


def message_name(run_id: int, correlation_id: str) -> str:
    """Return the name of a run's message: run ids alone would clash where several Carillons share a broker."""
    return f"run-{run_id}-{correlation_id}"


def mark_ready(limit: int) -> list[Parcel]:
    """Mark up to `limit` ready runs as under way and return them, highest priority first.

    No more of a schedule than may run: what its limits do not let start now would come back unexecuted.
    """
    marked: list[Parcel] = []
    if not unsent():
        return marked
    with transaction.atomic():
        sql.take_turns()
        while left := limit - len(marked):
            chosen, seen = _mark(left)
            marked += chosen
            if not chosen or seen < left:
                break  # else a schedule with many waiting runs hid those behind them
    return marked


def unsent() -> bool:
    """Tell whether a run is ready and not under way, be it that it has to wait for others."""
    found: bool = JobRun.objects.ready(sql.now()).filter(dispatched_at=None).exists()
    return found


def _mark(limit: int) -> tuple[list[Parcel], int]:
    now = sql.moment(sql.now())
    places = Places.left(counted=TAKEN)
    room, tags = places.condition()
    statement = READY.format(columns=COLUMNS, only=NOT_SENT, places=room, lock=sql.skip_locked("OF r"))
    rows = sql.fetch(statement, [now, *tags, limit])
    chosen = _within_limits(rows, places)
    if chosen:
        condition, ids = sql.any_of("id", [parcel.run_id for parcel in chosen])
        sql.run(MARK.format(chosen=condition), [now, *ids])
    return chosen, len(rows)


def _within_limits(rows: Iterable[tuple[Any, ...]], places: Places) -> list[Parcel]:
    taken: Counter[int] = Counter()
    chosen = []
    for run_id, schedule_id, queue, priority, correlation_id, waiting, tags, overlap, instances, running in rows:
        limit = instances if overlap == "allow" else 1
        if running + waiting + taken[schedule_id] < limit and places.take(tags):
            taken[schedule_id] += 1
            chosen.append(Parcel(run_id, queue, priority, correlation_id))
    return chosen


def unmark(run_ids: Collection[int]) -> None:
    """Let runs that still wait be sent again."""
    if run_ids:
        JobRun.objects.filter(pk__in=list(run_ids), status="pending").update(dispatched_at=None)


def overdue(age: timedelta) -> dict[str, int]:
    """Return for each queue how many runs were sent longer than `age` ago and still wait."""
    return dict(_sent_before(age).values_list("schedule__queue").annotate(Count("pk")).order_by())


def unmark_overdue(queue: str, age: timedelta) -> int:
    """Let all that was sent to `queue` longer than `age` ago, and still waits, be sent again; return how many."""
    mine = _sent_before(age).filter(schedule__queue=queue).values("pk")
    again: int = JobRun.objects.filter(pk__in=mine, status="pending").update(dispatched_at=None)
    return again


def _sent_before(age: timedelta) -> Any:
    return JobRun.objects.filter(status="pending", started_at=None, dispatched_at__lt=sql.now() - age)


def withdrawn() -> list[str]:
    """Return the names of messages whose runs were cancelled on the way, each once, so that workers may drop them."""
    cancelled = JobRun.objects.filter(status="cancelled", started_at=None, dispatched_at__isnull=False)
    found = list(cancelled.values_list("pk", "correlation_id")[:WITHDRAWN])
    JobRun.objects.filter(pk__in=[run_id for run_id, _ in found], status="cancelled").update(dispatched_at=None)
    return [message_name(*names) for names in found]
