"""What becomes of the instants of a schedule that are due: one pure function, `decide`.

Firing, preview, simulation and explanation all ask it, so an explanation cannot disagree with what happened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jobruns.engine import closed
from jobruns.engine.delays import spread
from jobruns.engine.parents import Parents, reach
from schedules.timing import Stretch, Timing, closing, next_instant, stretch

WAITING_LIMIT = 100  # runs of one schedule that may wait for the one before them
EPSILON = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that is over: instants from `started` to `ended`, both included, were not fired; `catchup` says what
    becomes of them: "none", "latest" or "all"."""

    started: datetime
    ended: datetime
    catchup: str = "none"


@dataclass(frozen=True, slots=True)
class View:
    """What a decision needs to know of a schedule. `due` is the first instant not yet settled."""

    schedule_id: int
    timing: Timing
    due: datetime
    overlap: str = "skip"
    max_instances: int = 1
    misfire: str = "latest"
    grace: timedelta = timedelta(seconds=300)
    catchup_limit: int = 100
    jitter_seconds: int = 0
    fires_left: int | None = None
    pause: Pause | None = None
    parents: Parents | None = None


@dataclass(frozen=True, slots=True)
class Active:
    """The runs of a schedule that have not ended.

    A run of a backfill counts as neither: it never turns an instant away. While `backfilling` of them run, instants
    wait for them instead.
    """

    running: int = 0
    waiting: int = 0
    backfilling: int = 0


IDLE = Active()


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of the ledger: what becomes of an instant, or of a stretch of instants that ends with it.

    `status` is pending, skipped or missed; `count` instants from `since` to `scheduled_for` are meant.
    """

    scheduled_for: datetime
    status: str
    reason: str = ""
    why: str = ""
    since: datetime | None = None
    count: int = 1
    available_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """All decisions on what is due, oldest first; the next instant after them, None when there is no more.

    `replaces` asks what is active to make way: "" (no), "asked" (stop) or "forced" (kill).
    """

    decisions: tuple[Decision, ...]
    next_at: datetime | None
    replaces: str = ""


def decide(view: View, now: datetime, active: Active = IDLE) -> Verdict:
    """Settle every instant of `view` up to `now`; the result is bounded by `catchup_limit` rows and a few more."""
    if view.due > now:
        return Verdict((), view.due)
    following = next_instant(view.timing, view.due)
    if view.pause is None and (following is None or following > now):
        wanted, refused = _misfires(view, _alone(view), now)
    else:
        wanted, refused = _several(view, now)
        following = next_instant(view.timing, now)
    if view.parents is not None:
        wanted, unmet = _unmet(view, view.parents, wanted)
        refused = [*refused, *unmet]
    verdict = admit(view, wanted, active)
    decisions = sorted([*refused, *verdict.decisions], key=lambda decision: decision.scheduled_for)
    fired = sum(one.status == "pending" for one in verdict.decisions)
    if view.fires_left is not None and fired >= view.fires_left:
        following = None
    return Verdict(tuple(decisions), following, verdict.replaces)


def admit(view: View, wanted: list[Decision], active: Active) -> Verdict:
    """Say which of the runs that are wanted there is room for, by `overlap_policy` and `max_runs`."""
    admitted, turned_away = _overlaps(view, wanted, active)
    admitted, over = _bounded(view, admitted)
    busy = active.running + active.waiting > 0
    replaces = REPLACES.get(view.overlap, "") if busy and admitted else ""
    return Verdict((*over, *admitted, *turned_away), None, replaces)


def _unmet(view: View, parents: Parents, wanted: list[Decision]) -> tuple[list[Decision], list[Decision]]:
    """Split `wanted` by whether every parent ended as asked since the instant before."""
    met: list[Decision] = []
    unmet: list[Decision] = []
    since = parents.settled
    for one in wanted:
        lacking = parents.lacking(since or reach(view.timing, one.scheduled_for))
        if lacking:
            unmet.append(_refuse(one, "dependency", lacking))
        else:
            met.append(one)
        since = one.scheduled_for
    return met, unmet


REPLACES = {"cancel_other": "asked", "terminate_other": "forced"}


def _alone(view: View) -> Stretch:
    """Return what is due as a stretch of one instant."""
    if view.timing.calendar is not None and closing(view.timing, view.due) is not None:
        return Stretch(view.due, view.due, 1, (), closed=1)
    return Stretch(view.due, view.due, 1, (view.due,))


def _several(view: View, now: datetime) -> tuple[list[Decision], list[Decision]]:
    """Split what is due at the end of a pause; the two parts are settled by different rules."""
    first, pause = view.due, view.pause
    wanted: list[Decision] = []
    refused: list[Decision] = []
    if pause is not None and first <= pause.ended:
        paused = stretch(view.timing, first, min(pause.ended, now), view.catchup_limit)
        wanted, refused = _paused(view, paused)
        after = next_instant(view.timing, paused.last)
        if after is None or after > now:
            return wanted, refused
        first = after
    run, not_run = _misfires(view, stretch(view.timing, first, now, view.catchup_limit), now)
    return wanted + run, refused + not_run


def _paused(view: View, due: Stretch) -> tuple[list[Decision], list[Decision]]:
    catchup = view.pause.catchup if view.pause else "none"
    kept = min({"none": 0, "latest": 1, "all": len(due.newest)}[catchup], len(due.newest))
    run = [
        _run(view, instant, "It fell into a pause; resuming asked to run it.", waits=catchup == "all")
        for instant in due.newest[len(due.newest) - kept :]
    ]
    rest = _rest(view, due, kept, "skipped", "paused", "The schedule was paused.")
    return run, rest


def _misfires(view: View, due: Stretch, now: datetime) -> tuple[list[Decision], list[Decision]]:
    """Apply `misfire_policy` to what is open; instants not older than the grace are on time."""
    if not due.newest:
        return [], _closed(view, due, 0)
    fresh = [instant for instant in due.newest if now - instant <= view.grace]
    late = f"It came {_span(now - due.newest[-1])} late."
    if view.misfire == "skip":
        run = [_run(view, instant, "It was on time.") for instant in fresh]
        number = due.count - due.closed
        reason, missed = "grace" if number == 1 else "downtime", number - len(fresh)
        why = late if number == 1 else f"No scheduler ran for {missed} instants; the rule says to run none."
        return run, _rest(view, due, len(fresh), "missed", reason, why)
    if view.misfire == "all":
        run = [_run(view, instant, "Every missed instant is run.", waits=due.count > 1) for instant in due.newest]
        why = f"More than {view.catchup_limit} instants were missed; the oldest are not run."
        return run, _rest(view, due, len(due.newest), "missed", "downtime", why)
    newest = due.newest[-1]
    run = [_run(view, newest, "It was on time." if newest in fresh else late)]
    why = "A newer instant was due as well and stands for it."
    one_by_one = [Decision(instant, "skipped", "coalesced", why) for instant in fresh if instant is not newest]
    kept = max(len(fresh), 1)
    return run, one_by_one + _rest(view, due, kept, "missed", "coalesced", why)


def _rest(view: View, due: Stretch, kept: int, status: str, reason: str, why: str) -> list[Decision]:
    """Return rows for all instants of `due` but the newest `kept` open ones: one for those before, none if there are
    none, and one for each stretch of closed ones after."""
    if due.closed:
        before, rows = closed.before_kept(view.timing, due, kept), _closed(view, due, kept)
        mixed = before is not None and before.closed < before.count
        return [_row_of(before, status, reason, why), *rows] if before and mixed else rows
    count = due.count - kept
    if count <= 0:
        return []
    older = due.newest[: len(due.newest) - kept]
    last = older[-1] if older else stretch(view.timing, due.first, due.newest[0] - EPSILON, 1).last
    since = due.first if count > 1 else None
    return [Decision(last, status, reason, why, since=since, count=count)]


def _closed(view: View, due: Stretch, kept: int) -> list[Decision]:
    """Return a row for each stretch of closed instants around the newest `kept` open ones."""
    found = closed.closed_stretches(view.timing, due, kept)
    return [_row_of(one, "skipped", *closed.why(view.timing, one)) for one in found]


def _row_of(found: Stretch, status: str, reason: str, why: str) -> Decision:
    since = found.first if found.count > 1 else None
    return Decision(found.last, status, reason, why, since=since, count=found.count)


def _run(view: View, instant: datetime, why: str, *, waits: bool = False) -> Decision:
    reason = "waits" if waits else ""
    return Decision(instant, "pending", reason, why, available_at=instant + jitter(view, instant))


def _bounded(view: View, admitted: list[Decision]) -> tuple[list[Decision], list[Decision]]:
    """Keep to `max_runs`, which counts what runs and not what an overlap turned away."""
    left = len(admitted) if view.fires_left is None else max(view.fires_left, 0)
    over = [_refuse(one, "max_runs", "The schedule had all the runs it is allowed.") for one in admitted[left:]]
    return admitted[:left], over


def _overlaps(view: View, wanted: list[Decision], active: Active) -> tuple[list[Decision], list[Decision]]:
    """Apply `overlap_policy` against the runs that have not ended, and among the wanted ones."""
    if view.overlap in REPLACES:
        turned_away = [_refuse(one, "overlap", "A newer one was due and takes its place.") for one in wanted[:-1]]
        return [replace(one, reason="") for one in wanted[-1:]], turned_away
    space = room(view) if not active.backfilling else side_by_side(view) + WAITING_LIMIT
    taken = active.running + active.waiting
    admitted: list[Decision] = []
    turned_away = []
    for one in wanted:
        if taken < space or one.reason == "waits":
            admitted.append(replace(one, reason="") if one.reason else one)
            taken += 1
        else:
            turned_away.append(_refuse(one, "overlap", _overlap_reason(view, active)))
    return admitted, turned_away


def side_by_side(view: View) -> int:
    """Return how many runs of a schedule may run at once."""
    return view.max_instances if view.overlap == "allow" else 1


def room(view: View) -> int:
    """Return how many runs of a schedule may run or wait, before `overlap_policy` turns new ones away."""
    limit = side_by_side(view)
    return {"buffer_one": limit + 1, "buffer_all": limit + WAITING_LIMIT}.get(view.overlap, limit)


def _overlap_reason(view: View, active: Active) -> str:
    if active.running + active.waiting == 0:
        return "An instant before it was due at the same time and took its place."
    going = f"{active.running} of it ran and {active.waiting} waited"
    return f"The one before was not done: {going}."


def _refuse(one: Decision, reason: str, why: str) -> Decision:
    return Decision(one.scheduled_for, "skipped", reason, why)


def jitter(view: View, instant: datetime) -> timedelta:
    """Return how long the start is put off: always the same for one schedule and instant, below `jitter_seconds`."""
    if not view.jitter_seconds:
        return timedelta(0)
    return timedelta(seconds=view.jitter_seconds * spread(f"{view.schedule_id}:{instant.isoformat()}"))


def _span(late: timedelta) -> str:
    seconds = int(late.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
