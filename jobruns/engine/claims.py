"""Claim ready runs for one owner, so that each is executed by one process at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Min, Q

from jobruns.engine import authority, sql
from jobruns.engine.limits import Places
from jobruns.models import JobRun
from jobruns.runner import Assignment

A_DAY = timedelta(days=1)
ASSIGNMENT_COLUMNS = """r.id, r.schedule_id, r.schedule_name, r.job_type, r.environment, r.params, r.scheduled_for,
    r.attempt, r.correlation_id, r.idempotency_key, r.timeout_seconds, s.usual_seconds,
    CASE WHEN r.triggered_by = '' THEN r.trigger ELSE r.triggered_by END"""
OWNERSHIP = "s.owner_id, s.environment"  # by whose right it runs
READY = """
SELECT {columns}, s.tags, s.overlap_policy, s.max_instances,
    (SELECT count(*) FROM jobruns_jobrun a WHERE a.schedule_id = r.schedule_id AND a.status = 'running')
FROM jobruns_jobrun r JOIN schedules_schedule s ON s.id = r.schedule_id
WHERE r.status = 'pending' AND r.available_at <= %s AND s.status NOT IN ('suspended', 'deleted')
  AND (SELECT count(*) FROM jobruns_jobrun a WHERE a.schedule_id = r.schedule_id AND a.status = 'running')
      < CASE WHEN s.overlap_policy = 'allow' THEN s.max_instances ELSE 1 END
  {only} {places}
ORDER BY r.priority DESC, r.available_at, r.id
LIMIT %s {lock}
"""
CLAIM = """
UPDATE jobruns_jobrun SET status = 'running', owner = %s, started_at = %s, lease_expires_at = %s WHERE {chosen}
"""
RENEW = """
UPDATE jobruns_jobrun SET lease_expires_at = %s WHERE id IN (
    SELECT id FROM jobruns_jobrun WHERE {chosen} AND owner = %s AND status = 'running' {lock})
"""


def claim_ready(slots: int, owner: str) -> list[Assignment]:
    """Take up to `slots` pending runs for `owner`, highest priority first, and mark them running under a lease.

    No schedule and no tag runs more at once than it may, also when several processes claim: they take turns.
    """
    if slots < 1 or not JobRun.objects.ready(sql.now()).exists():
        return []
    claimed: list[Assignment] = []
    with transaction.atomic():
        sql.take_turns()
        while left := slots - len(claimed):
            chosen, seen = _claim(left, owner)
            claimed += chosen
            if not chosen or seen < left:
                break  # else a schedule with many waiting runs hid those behind them
    return claimed


def claim_one(run_id: int, owner: str) -> Assignment | None:
    """Take this pending run for `owner`, whenever it is to start; None if its schedule or tags let no other run."""
    with transaction.atomic():
        sql.take_turns()
        chosen, _ = _claim(1, owner, among=[run_id], early=True)
    return chosen[0] if chosen else None


def claim_these(run_ids: Sequence[int], owner: str) -> list[Assignment]:
    """Take for `owner` those of these runs that are ready and whose schedules and tags let them run now."""
    with transaction.atomic():
        sql.take_turns()
        chosen, _ = _claim(len(run_ids), owner, among=run_ids)
    return chosen


def _claim(
    slots: int, owner: str, *, among: Sequence[int] | None = None, early: bool = False
) -> tuple[list[Assignment], int]:
    """Claim among the first `slots` ready runs, or some of them; return what was claimed and how many were seen."""
    now = sql.now()
    only, wanted = ("", []) if among is None else sql.any_of("AND r.id", among)
    ready_at = now + A_DAY if early else now
    places = Places.left()
    room, tags = places.condition()
    statement = READY.format(
        columns=f"{ASSIGNMENT_COLUMNS}, {OWNERSHIP}", only=only, places=room, lock=sql.skip_locked("OF r")
    )
    rows = sql.fetch(statement, [sql.moment(ready_at), *wanted, *tags, slots])
    chosen = authority.asked(_within_limits(rows, places))
    if chosen:
        condition, ids = sql.any_of("id", [found.run_id for found in chosen])
        lease = now + timedelta(seconds=settings.LOCK_TIMEOUT_SECONDS)
        sql.run(CLAIM.format(chosen=condition), [owner, sql.moment(now), sql.moment(lease), *ids])
    return chosen, len(rows)


def overlooked(since: datetime, queues: set[str] | None) -> int | None:
    """Return a run that could have been claimed since `since` and was not, given a free slot for these queues.

    None for `queues` means any, None returned that all is well.
    """
    only, names = ("", []) if queues is None else sql.any_of("s.queue", sorted(queues))
    room, tags = Places.left().condition()
    statement = READY.format(columns="r.id", only=f"AND {only}" if only else "", places=room, lock="")
    found = sql.fetch(statement, [sql.moment(since), *names, *tags, 1])
    return None if not found else int(found[0][0])


def renew(run_ids: Iterable[int], owner: str) -> None:
    """Extend the leases of runs that `owner` still holds; one that somebody changes just now has to wait."""
    lease = sql.now() + timedelta(seconds=settings.LOCK_TIMEOUT_SECONDS)
    condition, ids = sql.any_of("id", run_ids)
    sql.run(RENEW.format(chosen=condition, lock=sql.skip_locked()), [sql.moment(lease), *ids, owner])


def give_back_all_but(held: Callable[[], set[int]], owner: str) -> int:
    """Return to the line what `owner` claimed without ever learning of it, its connection having failed just then."""
    claimed = set(JobRun.objects.running().filter(owner=owner).values_list("pk", flat=True))
    unknown = claimed - held()  # asked for after the query: what ended in between is no longer running
    return give_back(sorted(unknown), owner) if unknown else 0


def outlook(now: datetime) -> tuple[bool, datetime | None]:
    """Tell whether runs are ready but held up by others of their schedule, and when the next waiting one is ready."""
    waiting = JobRun.objects.filter(status="pending").aggregate(
        ready=Count("pk", filter=Q(available_at__lte=now)), later=Min("available_at", filter=Q(available_at__gt=now))
    )
    return waiting["ready"] > 0, waiting["later"]


def _within_limits(rows: list[tuple[Any, ...]], places: Places) -> list[tuple[Assignment, int | None, str]]:
    """Leave out runs of one schedule, and of one tag, beyond its limit within this batch.

    Returns each with the owner and the environment of its schedule.
    """
    taken: Counter[int] = Counter()
    chosen = []
    for *columns, owner, environment, tags, overlap, instances, running in rows:
        found = _assignment(columns)
        limit = instances if overlap == "allow" else 1
        if running + taken[found.schedule_id] < limit and places.take(tags):
            taken[found.schedule_id] += 1
            chosen.append((found, owner, environment))
    return chosen


def _assignment(columns: list[Any]) -> Assignment:
    """Return the assignment for ASSIGNMENT_COLUMNS, which are in the order of its fields."""
    assignment = Assignment(*columns)
    return replace(assignment, scheduled_for=sql.aware(assignment.scheduled_for))


def give_back(run_ids: list[int], owner: str) -> int:
    """Return claimed runs that did not start to the line; runs that this owner no longer holds are left alone."""
    returned: int = JobRun.objects.filter(pk__in=run_ids, owner=owner, status="running").update(
        status="pending", owner="", dispatched_at=None, started_at=None, lease_expires_at=None
    )
    return returned
