"""Fire what waits for others: a schedule without timing of its own runs when its parents have ended.

Called in the transaction that records how the parent ended, so that a crash leaves both or neither.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from jobruns.engine import sql
from jobruns.engine.due import ENDED, active_runs, view_of
from jobruns.engine.followers import Ended, Follower, insert
from jobruns.engine.parents import ASKED
from jobruns.engine.policy import IDLE, Active, Decision, admit, jitter
from schedules.calendars.definition import InvalidDefinition
from schedules.clock import seconds
from schedules.dependencies import Dependency
from schedules.models import Schedule

CHILDREN = "SELECT d.parent_id, d.child_id FROM schedules_dependency d WHERE {chosen}"
LOCK = "SELECT id FROM schedules_schedule WHERE {chosen} ORDER BY id {lock}"
CONCLUDED = """
SELECT r.id, r.schedule_id, r.schedule_name, r.status, r.scheduled_for, r.finished_at, r.correlation_id, r.result
FROM jobruns_jobrun r WHERE {chosen} AND r.trigger <> 'backfill'
ORDER BY r.finished_at, r.id
"""


@dataclass(slots=True)
class Family:
    """A child, its dependencies and what of it has not ended."""

    child: Schedule
    dependencies: list[Dependency]
    active: Active = IDLE
    rows: list[Follower] = field(default_factory=list)
    replaces: str = ""
    fired: int = 0

    def hear(self, ended: Ended, now: datetime) -> None:
        """Take note of how a parent ended, and decide on the child once all of them have."""
        for one in self.dependencies:
            if one.parent_id == ended.schedule_id:
                self._note(one, ended)
        if self.child.schedule_type == Schedule.Kind.MANUAL and all(one.is_heard for one in self.dependencies):
            self._close(ended, now)

    def _note(self, one: Dependency, ended: Ended) -> None:
        fits = one.fits(ended.status)
        one.ended_run_id, one.ended_as, one.ended_at = ended.run_id, ended.status, ended.finished_at
        if fits:
            one.met_run_id, one.met_at = ended.run_id, ended.finished_at
        if self.child.schedule_type == Schedule.Kind.MANUAL:
            one.is_heard, one.is_met = True, one.is_met or fits

    def _close(self, ended: Ended, now: datetime) -> None:
        decision = self._decide(ended, now)
        others = [one for one in self.dependencies if one.parent_id != ended.schedule_id]
        if decision is not None:
            self.rows.append(Follower(self.child, ended, decision, tuple(map(_named, others))))
        for one in self.dependencies:
            one.is_heard = one.is_met = False

    def _decide(self, ended: Ended, now: datetime) -> Decision | None:
        child, at = self.child, ended.scheduled_for
        if child.status in HELD:
            reason, why = HELD[Schedule.Status(child.status)]
            return Decision(at, "skipped", reason, why) if reason else None
        if unmet := [one for one in self.dependencies if not one.is_met]:
            return Decision(at, "skipped", "dependency", " ".join(map(_unmet, unmet)))
        try:
            view = view_of(child)
        except InvalidDefinition as broken:
            return Decision(at, "skipped", "suspended", f"Its calendar cannot be read: {broken}")
        calendar = view.timing.calendar
        if calendar is not None and (shut := calendar.closing(seconds(now))) is not None:
            return Decision(at, "skipped", shut.reason, shut.sentence)
        if view.fires_left is not None:
            view = replace(view, fires_left=view.fires_left - self.fired)
        wanted = Decision(at, "pending", available_at=now + jitter(view, at))
        verdict = admit(view, [wanted], self.active)
        [decision] = verdict.decisions
        if decision.status == "pending":
            if verdict.replaces:
                self._make_way(verdict.replaces)
            self.fired += 1
            self.active = replace(self.active, waiting=self.active.waiting + 1)
        return decision

    def _make_way(self, how: str) -> None:
        self.replaces = how
        for place, row in enumerate(self.rows):
            if row.decision.status == "pending":
                turned_away = Decision(row.ended.scheduled_for, "skipped", "overlap", "A newer one took its place.")
                self.rows[place] = replace(row, decision=turned_away)
                self.fired -= 1


HELD = {
    Schedule.Status.PAUSED: ("paused", "The schedule was paused."),
    Schedule.Status.SUSPENDED: ("suspended", "The schedule was suspended."),
    Schedule.Status.COMPLETED: ("max_runs", "The schedule is completed."),
    Schedule.Status.DELETED: ("", ""),
}


def children_of(schedule_ids: Iterable[int]) -> dict[int, set[int]]:
    """Return for each of these schedules that others depend on which ones do.

    Whoever records endings locks parents and children at once, in the order of their ids, so that no two wait for
    each other.
    """
    condition, ids = sql.any_of("d.parent_id", schedule_ids)
    found: defaultdict[int, set[int]] = defaultdict(set)
    for parent_id, child_id in sql.fetch(CHILDREN.format(chosen=condition), ids):
        found[parent_id].add(child_id)
    return dict(found)


def lock_family(schedule_id: int) -> None:
    """Lock a schedule and those that depend on it, for who ends a run of it that waits."""
    children = children_of([schedule_id]).get(schedule_id, set())
    condition, ids = sql.any_of("id", {schedule_id, *children})
    sql.fetch(LOCK.format(chosen=condition, lock=sql.lock_rows()), ids)


def hear(run_ids: Iterable[int]) -> int:
    """Tell the children of schedules whose last attempts these are, just ended; return how many rows that made.

    A child without timing of its own gets one row for each time that all its parents have ended: it runs, or is
    skipped with the reason. The caller holds the locks of parents and children. Backfills are not told.
    """
    condition, ids = sql.any_of("r.id", run_ids)
    ended = [_ended(row) for row in sql.fetch(CONCLUDED.format(chosen=condition), ids)]
    families = _families({one.schedule_id for one in ended})
    if not families:
        return 0
    now = sql.now()
    children = defaultdict(list)
    for family in families:
        for dependency in family.dependencies:
            children[dependency.parent_id].append(family)
    for one in ended:
        for family in children[one.schedule_id]:
            family.hear(one, now)
    _keep([one for family in families for one in family.dependencies])
    for family in families:
        if family.replaces:
            how = family.replaces
            family.child.runs.regular().make_way(how=how, now=now)
    return insert([row for family in families for row in family.rows], now)


HEARD_COLUMNS = {
    "id": "bigint",
    "ended_run_id": "bigint",
    "ended_as": "text",
    "ended_at": "timestamptz",
    "met_run_id": "bigint",
    "met_at": "timestamptz",
    "is_heard": "boolean",
    "is_met": "boolean",
}
HEARD = """
UPDATE schedules_dependency AS d
SET ended_run_id = h.ended_run_id, ended_as = h.ended_as, ended_at = h.ended_at, met_run_id = h.met_run_id,
    met_at = h.met_at, is_heard = h.is_heard, is_met = h.is_met
FROM {rows} WHERE d.id = h.id
"""


def _keep(dependencies: Iterable[Dependency]) -> None:
    rows = [[getattr(one, name) for name in HEARD_COLUMNS] for one in dependencies]
    table, parameters = sql.table("h", HEARD_COLUMNS, rows)
    sql.run(HEARD.format(rows=table), parameters)


def _families(parents: set[int]) -> list[Family]:
    pairs = Dependency.objects.filter(parent_id__in=parents)
    children = Schedule.objects.filter(pk__in=pairs.values("child_id")).select_related("calendar").order_by("pk")
    families = {child.pk: Family(child, []) for child in children}
    held = Dependency.objects.filter(child_id__in=families).select_for_update(no_key=True, of=("self",))
    for one in held.select_related("parent").order_by("pk"):
        families[one.child_id].dependencies.append(one)
    for child_id, active in active_runs(families).items():
        families[child_id].active = active
    return list(families.values())


def _named(one: Dependency) -> dict[str, Any]:
    run_id = one.met_run_id if one.is_met else one.ended_run_id
    return {"schedule_id": one.parent_id, "schedule_name": one.parent.name, "run_id": run_id}


def _unmet(one: Dependency) -> str:
    how = ENDED.get(one.ended_as, one.ended_as)
    return f"{one.parent.name} {how} in run {one.ended_run_id}; it runs only after {one.parent.name} {ASKED[one.on]}."


def _ended(row: tuple[Any, ...]) -> Ended:
    run_id, schedule_id, name, status, scheduled_for, finished_at, correlation_id, result = row
    return Ended(
        run_id, schedule_id, name, status, sql.aware(scheduled_for), sql.aware(finished_at), correlation_id, result
    )
