"""Why did it (not) run? What became, or will become, of any instant of a schedule.

The past is read from the ledger; the future is asked of the same `policy.decide` that fires.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.conf import settings

from jobruns import account, daybook, forecast, parentage
from jobruns.models import JobRun, PrunedRuns
from schedules.models import Schedule
from schedules.tables import moment
from schedules.timing import TimingError, next_instant, sentence, stretch

SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)

# Beside the status of a run: what an instant may have come to.
OUTCOMES = {
    "no_instant": "It is no instant of the schedule.",
    "not_created": "The schedule did not exist yet.",
    "deleted": "The schedule was deleted by then.",
    "due": "It is due, and nobody has settled it yet.",
    "paused": "It falls into a pause that is not over.",
    "suspended": "The schedule is suspended.",
    "completed": "The schedule fires no more.",
    "planned": "It lies ahead; `expected` says what becomes of it.",
    "pruned": "The row was removed with other old history.",
    "unrecorded": "The ledger has no row for it.",
    "unreadable": "The schedule's timing cannot be read.",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of an instant: the status of its last run, or one of OUTCOMES, and why, sentence by sentence.

    `before` and `after` are the instants next to it by the present timing, None where there is none or where the
    timing cannot be read. `runs` are its attempts, or the one row of the stretch that it lies in; `backfills` are the
    runs of it that were asked for afterwards.
    """

    schedule: Schedule
    at: datetime
    outcome: str
    sentences: tuple[str, ...]
    is_instant: bool | None = None
    before: datetime | None = None
    after: datetime | None = None
    runs: tuple[JobRun, ...] = ()
    backfills: tuple[JobRun, ...] = ()
    expected: forecast.Expected | None = None


def explain(schedule: Schedule, at: datetime, now: datetime) -> Explanation:
    """Say what became, or will become, of the instant `at` of `schedule`; fractions of a second are left out."""
    at = at.astimezone(UTC).replace(microsecond=0)
    found, backfills = _explain(schedule, at, now), tuple(schedule.runs.backfills().filter(scheduled_for=at))
    said = [account.backfilled(schedule, run) for run in backfills]
    return replace(found, backfills=backfills, sentences=(*found.sentences, *said))


def _explain(schedule: Schedule, at: datetime, now: datetime) -> Explanation:
    row = schedule.runs.settling(at) or schedule.runs.following(at)
    try:
        before, after = neighbours(schedule, at)
        named = next_instant(schedule.timing, at - SECOND) == at
    except TimingError as broken:
        if row is not None:
            return _settled(Explanation(schedule, at, "", ()), row)
        return Explanation(schedule, at, "unreadable", (f"Its timing cannot be read: {broken}",))
    found = Explanation(schedule, at, "", (), named, before, after)
    calendar = tuple(daybook.told(schedule, at, row))
    if row is not None and (
        named or row.scheduled_for == at or row.trigger == "dependency" or row.schedule_version != schedule.version
    ):
        settled = _settled(replace(found, is_instant=row.trigger != "dependency"), row)
        return replace(settled, sentences=(*settled.sentences, *calendar))
    unsettled = _unsettled(found, now)
    more = [one for one in calendar if one not in unsettled.sentences]
    return replace(unsettled, sentences=(*unsettled.sentences, *more))


def neighbours(schedule: Schedule, at: datetime) -> tuple[datetime | None, datetime | None]:
    """Return the instants before and after `at` by the schedule's present timing; raises TimingError."""
    timing, born = schedule.timing, schedule.created_at.replace(microsecond=0) - SECOND
    first = next_instant(timing, born)
    before = None
    if first is not None and first < at:
        before = stretch(timing, first, at - TICK, 1).last
    return before, next_instant(timing, max(at, born))


def _settled(found: Explanation, row: JobRun) -> Explanation:
    attempts = tuple(account.attempts(row))
    said = account.told(found.schedule, found.at, attempts)
    if row.schedule_version != found.schedule.version:
        said.append(
            f"The schedule has been changed since: version {row.schedule_version} then, {found.schedule.version} now."
        )
    return replace(found, outcome=attempts[-1].status, sentences=tuple(said), runs=attempts)


def _unsettled(found: Explanation, now: datetime) -> Explanation:
    """Explain an instant without a row: it is none, came before or after the schedule, or is still open."""
    schedule, at = found.schedule, found.at
    changed = schedule.status_changed_at or schedule.updated_at
    if found.is_instant and schedule.next_run_at is not None and schedule.next_run_at <= at <= now:
        return _foreseen(found, "due", forecast.overdue(schedule, at, now))
    if schedule.is_deleted and at >= changed.replace(microsecond=0):
        return _said(
            found, "deleted", f"It was deleted at {_when(schedule, changed)}{_by(schedule)}; it fires no more."
        )
    if at < schedule.created_at.replace(microsecond=0):
        created = f"It was created at {_when(schedule, schedule.created_at)}; nothing was due before."
        return _said(replace(found, is_instant=False), "not_created", created, *_beside(found))
    if not found.is_instant:
        if schedule.schedule_type == Schedule.Kind.MANUAL and schedule.dependencies.exists():
            return _said(found, "no_instant", "It has no row for this moment.", *parentage.standing(schedule))
        return _said(found, "no_instant", _no_instant(found), *_beside(found))
    held = at > now or (schedule.pause_started_at is not None and at >= schedule.pause_started_at)
    if held and schedule.status == Schedule.Status.PAUSED:
        return _foreseen(found, "paused", forecast.paused(schedule, at))
    if held and schedule.status == Schedule.Status.SUSPENDED:
        why = schedule.status_reason or "no reason was noted"
        since = f"It has been suspended since {_when(schedule, changed)}: {why.rstrip('.')}."
        return _said(found, "suspended", since, "Nothing fires until a person resumes it.")
    if at > now:
        if schedule.status == Schedule.Status.COMPLETED:
            return _said(
                found, "completed", f"It was completed at its last instant, {_last(schedule)}; none follows."
            )
        return _foreseen(found, "planned", forecast.ahead(schedule, at, now, before=found.before))
    if (pruned := PrunedRuns.objects.filter(schedule=schedule, newest__gte=at).first()) is not None:
        kept = f"Of this schedule, {pruned.rows} rows up to {_when(schedule, pruned.newest)} were removed as old."
        return _said(found, "pruned", kept, f"Runs are kept for {settings.RUN_RETENTION_DAYS} days.")
    return _said(found, "unrecorded", *_unrecorded(schedule))


def _foreseen(found: Explanation, outcome: str, expected: forecast.Expected) -> Explanation:
    if expected.over:
        outcome = "completed"
    return replace(found, outcome=outcome, sentences=expected.sentences, expected=expected)


def _said(found: Explanation, outcome: str, *sentences: str) -> Explanation:
    return replace(found, outcome=outcome, sentences=sentences)


def _no_instant(found: Explanation) -> str:
    timing = found.schedule.timing
    said = f"It does not fire then: {sentence(timing)} ({timing.zone})."
    if timing.start is not None and found.at < timing.start:
        said += " Its start lies later."
    if timing.end is not None and found.at > timing.end:
        said += " Its end lies before."
    return said


def _beside(found: Explanation) -> list[str]:
    """Name the instants next to one that is none."""
    said = []
    if found.before is not None:
        said.append(f"The instant before it is {_when(found.schedule, found.before)}.")
    if found.after is not None:
        said.append(f"The instant after it is {_when(found.schedule, found.after)}.")
    return said or ["It has no instants."]


def _unrecorded(schedule: Schedule) -> list[str]:
    if schedule.calendar is not None and schedule.calendar.version > 1:
        return [
            "By its present timing and calendar it is an instant, but the ledger has no row for it.",
            f"It had none then: the calendar {schedule.calendar.name} is at version {schedule.calendar.version} "
            f"by now, and the schedule at version {schedule.version}.",
        ]
    if schedule.version == 1:
        return ["The ledger has no row for it, though it should; run manage.py checkscheduler."]
    return [
        "By its present timing it is an instant, but the ledger has no row for it.",
        f"It has been changed {schedule.version - 1} times since it was created: it had another timing then, or was "
        "deleted or completed.",
    ]


def _when(schedule: Schedule, at: datetime) -> str:
    return moment(at, schedule.timezone)


def _by(schedule: Schedule) -> str:
    return f" by {schedule.status_changed_by}" if schedule.status_changed_by else ""


def _last(schedule: Schedule) -> str:
    return _when(schedule, schedule.last_scheduled_for) if schedule.last_scheduled_for else "which it never had"
