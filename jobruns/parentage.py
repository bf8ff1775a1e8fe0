"""What a schedule waits for and how that stands, told to a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from jobruns.engine.due import ENDED, parents_of
from jobruns.engine.parents import ALWAYS, reach
from jobruns.models import JobRun
from schedules.dependencies import Dependency
from schedules.models import Schedule
from schedules.tables import moment


@dataclass(frozen=True, slots=True)
class Awaited:
    """A parent, how it must end (`asked`), and how it stands; `lost` if it will never end again."""

    parent: Schedule
    asked: str
    run_id: int | None
    ended_as: str
    ended_at: datetime | None
    counts: bool
    lost: bool


def awaited(schedule: Schedule) -> list[Awaited]:
    """Return what `schedule` waits for; `counts` says that it has ended as asked since the row before."""
    own = schedule.schedule_type != Schedule.Kind.MANUAL
    since = schedule.last_scheduled_for
    found = []
    for one in schedule.dependencies.select_related("parent"):
        counts = (one.met_at is not None and (since is None or one.met_at > since)) if own else one.is_met
        found.append(
            Awaited(
                parent=one.parent,
                asked=str(Dependency.On(one.on).label),
                run_id=one.ended_run_id,
                ended_as=one.ended_as,
                ended_at=one.ended_at,
                counts=counts,
                lost=one.parent.is_deleted,
            )
        )
    return found


def condition(schedule: Schedule) -> str:
    """Say what must have happened for `schedule` to run; "" if nothing."""
    rows = schedule.dependencies.select_related("parent")
    return " and ".join(f"{one.parent.name} {Dependency.On(one.on).label}" for one in rows)


def warning(schedule: Schedule) -> str:
    """Say what a deleted parent means for `schedule`; "" if there is none."""
    gone = [one.parent.name for one in awaited(schedule) if one.lost]
    if not gone:
        return ""
    named = {"names": ", ".join(gone)}
    if schedule.schedule_type == Schedule.Kind.MANUAL:
        return _("It no longer runs by itself: it depends on %(names)s, deleted meanwhile.") % named
    return _("All its instants will be skipped: it depends on %(names)s, deleted meanwhile.") % named


def standing(schedule: Schedule) -> list[str]:
    """Say of a schedule without timing of its own after what it runs and how its parents stand."""
    said = [f"It has no times of its own: it runs when {condition(schedule)}."]
    for one in awaited(schedule):
        if one.lost:
            said.append(f"{one.parent.name} was deleted and ends no more; it can be brought back, or taken out.")
        elif one.run_id is None or one.ended_at is None:
            said.append(f"{one.parent.name} has not run since the dependency was made.")
        else:
            when = moment(one.ended_at, schedule.timezone)
            how = ENDED.get(one.ended_as, one.ended_as)
            said.append(f"The last run of {one.parent.name}, {one.run_id}, {how} at {when}.")
    return said


def foreseen(schedule: Schedule, at: datetime, before: datetime | None) -> list[str]:
    """Say on what the instant `at` ahead depends, and how that stands if it is the next; `before` lies before it."""
    needed = parents_of([schedule.pk]).get(schedule.pk)
    if needed is None:
        return []
    is_next = at == schedule.next_run_at
    since = needed.settled if is_next else before
    since = since or reach(schedule.timing, at)
    after = "" if since == ALWAYS else f" since {moment(since, schedule.timezone)}"
    said = [f"It runs only if {condition(schedule)}{after}; here that is taken for granted."]
    if is_next:
        lacking = needed.lacking(since)
        said.append(f"So far {lacking}" if lacking else "So far that has happened.")
    return said


def follows(run: JobRun) -> str:
    """Say after which run this one was written, of a schedule that has no timing of its own."""
    parent = run.parent or {}
    how = ENDED.get(str(parent.get("status")), "ended")
    return f"when {parent.get('schedule_name')} {how} in run {parent.get('run_id')}"
