"""The rows of Today's timeline: which schedules need a look and why, then what runs and what comes next."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jobruns.models import JobRun
from jobruns.queries import JobRunQuerySet
from jobruns.states import State, lateness, state_of, trouble_words
from jobruns.timeline import Bar, Window, pause, plans, track, unseen
from schedules.models import Schedule
from schedules.moments import clock
from schedules.queries import ScheduleQuerySet

TROUBLED, PLANNED, EVERYTHING = 6, 14, 60
DRAWN = 400  # newest runs of a schedule that are drawn
SCANNED = 10_000  # newest runs in which trouble is looked for


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the timeline. `why` is empty on a calm row; `sign` stands in the track at `sign_at` percent."""

    schedule: Schedule
    drawing: SafeString
    state: State | None = None
    why: str = ""
    running: JobRun | None = None
    sign_at: float | None = None
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """Both groups of the timeline, and how many schedules there are in all of the second."""

    troubled: list[Row]
    planned: list[Row]
    planned_count: int
    some_unseen: bool


def rows(view: Window, first: int, places: Collection[str] | None = None, *, everything: bool = False) -> Rows:
    """Return the rows to draw; runs of `view` have ids from `first`; `everything` shows up to 60 planned ones.

    What lies outside the environments `places`, if any are given, is left out.
    """
    schedules, ran = Schedule.objects.within(places), JobRun.objects.within(places)
    trouble = troubles(first, schedules, ran)
    held = {one.pk: one for one in schedules.held().select_related("calendar")[:4]}
    named = schedules.existing().select_related("calendar").in_bulk([*trouble][:TROUBLED])
    looked_at = {**{pk: named[pk] for pk in trouble if pk in named}, **held}
    running = {run.schedule_id: run for run in ran.running().light().order_by("-pk")[:EVERYTHING]}
    calm = planned(looked_at, running, schedules, EVERYTHING if everything else PLANNED)
    runs = ran.filter(pk__gte=first).outline().newest_of([*looked_at, *(one.pk for one in calm)], DRAWN)
    return Rows(
        [troubled_row(view, one, trouble.get(one.pk), runs.get(one.pk, [])) for one in looked_at.values()],
        [Row(one, drawing(view, one, runs.get(one.pk, [])), running=running.get(one.pk)) for one in calm],
        max(schedules.existing().count() - len(looked_at), 0),
        any(len(found) == DRAWN for found in runs.values()),
    )


def troubles(first: int, schedules: ScheduleQuerySet, ran: JobRunQuerySet) -> dict[int, JobRun]:
    """Return schedule id → the run that makes it need a look: failing and alerting ones first, then the newest."""
    found: dict[int, JobRun] = {}
    failing = [one.last_run_id for one in schedules.failing()[:TROUBLED] if one.last_run_id]
    recent = ran.filter(pk__gte=max(newest_id() - SCANNED, first)).troubled()
    for group in (
        ran.filter(pk__in=failing).light().order_by("-pk"),
        ran.alerting(TROUBLED),
        recent.light().order_by("-pk")[: TROUBLED * 10],
    ):
        for run in group:
            found.setdefault(run.schedule_id, run)
    return found


def newest_id() -> int:
    """Return the newest run's id, 0 if there is none."""
    return JobRun.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def planned(
    without: Iterable[int], running: dict[int, JobRun], schedules: ScheduleQuerySet, most: int
) -> list[Schedule]:
    """Return schedules that run now, then the next to fire, leaving out those shown already."""
    seen = set(without)
    first = [one for one in schedules.existing().filter(pk__in=list(running)) if one.pk not in seen]
    seen.update(one.pk for one in first)
    coming = [one for one in schedules.upcoming()[: most + len(seen)] if one.pk not in seen]
    return [*first, *coming][:most]


def troubled_row(view: Window, schedule: Schedule, run: JobRun | None, runs: list[JobRun]) -> Row:
    """Return a tall row with the reason, and a sign in the track where the trouble began."""
    picture = drawing(view, schedule, runs)
    if schedule.status != Schedule.Status.ACTIVE or run is None:
        return Row(
            schedule, picture, State(schedule.status, schedule.get_status_display()), held_words(view, schedule)
        )
    begun = run.started_at or run.scheduled_for
    inside = begun >= view.start
    return Row(
        schedule,
        picture,
        state_of(run),
        trouble_words(run),
        sign_at=view.at(begun) if inside else None,
        caption=caption(run, view.now) if inside else "",
    )


def held_words(view: Window, schedule: Schedule) -> str:
    """Say why a schedule does not fire: "Paused until Fri 06:00: partner moves"."""
    said = schedule.get_status_display()
    if schedule.paused_until:
        said = _("Paused until %(moment)s") % {"moment": clock(schedule.paused_until, view.now)}
    return f"{said}: {schedule.status_reason}" if schedule.status_reason else said


def caption(run: JobRun, now: datetime) -> str:
    """Say when it happened; of a late one also when it was due."""
    if run.started_at and lateness(run):
        times = {"due": clock(run.available_at, now), "began": clock(run.started_at, now)}
        return _("due %(due)s, began %(began)s") % times
    return clock(run.started_at or run.scheduled_for, now)


def drawing(view: Window, schedule: Schedule, runs: list[JobRun]) -> SafeString:
    """Draw a schedule's outcomes, its plans, and its pause if it has one."""
    bars = [bar(view, run) for run in runs if run.status != "pending" and run.reason != "paused"]
    parts = [track(view, bars, schedule.usual_seconds)]
    if len(runs) == DRAWN:
        parts.append(unseen(view, runs[0].started_at or runs[0].scheduled_for))
    if schedule.status == Schedule.Status.ACTIVE:
        parts.append(plans(view, schedule.timing, schedule.usual_seconds))
    elif schedule.pause_started_at and schedule.status != Schedule.Status.COMPLETED:
        parts.append(pause(view, schedule.pause_started_at, schedule.paused_until))
    return SafeString("".join(parts))


def bar(view: Window, run: JobRun) -> Bar:
    """Return what of a run is drawn; a late one is drawn as what it became, with its lead."""
    state = state_of(run)
    start = run.started_at or run.scheduled_for
    end = run.finished_at if run.started_at and run.finished_at else (view.now if run.status == "running" else start)
    due = run.available_at if state.key == "late" else None
    return Bar("success" if due else state.key, start, max(end, start), due)
