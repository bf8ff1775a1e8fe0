"""Compare a stretch of the past with what the ledger recorded: every instant has a row, or there is a reason why not.

The instants come from the present timing, by the evaluator that fires. Where the schedule was changed since, rows may
rightly differ; such differences are told with that reason, all others are unexplained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db.models import Q

from jobruns.models import JobRun
from schedules.clock import moment, seconds
from schedules.models import Schedule
from schedules.timing import TimingError, next_instant, stretch, ticks

TICK = timedelta(microseconds=1)
MOST_INSTANTS = 5_000_000
LISTED = 20  # differences of one schedule that are told one by one
ROW = ("scheduled_for", "coalesced_from", "coalesced_count", "schedule_version", "status", "reason")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An instant that timing and ledger see differently: `what` is missing, extra or count, `why` may be known."""

    at: datetime
    what: str
    why: str


@dataclass(slots=True)
class Compared:
    """One schedule: instants expected and recorded, and where the two differ.

    `outcomes` counts rows by what became of them; a row that stands for a stretch counts once.
    """

    schedule_id: int
    name: str
    expected: int = 0
    recorded: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    differences: int = 0
    unexplained: int = 0
    first: list[Disagreement] = field(default_factory=list)

    def differs(self, at: int, what: str, why: str) -> None:
        """Take note of a difference."""
        self.differences += 1
        self.unexplained += not why
        if len(self.first) < LISTED:
            self.first.append(Disagreement(moment(at), what, why))


@dataclass(frozen=True, slots=True)
class Hindsight:
    """The comparison over all schedules; `found` holds those with differences."""

    start: datetime
    until: datetime
    schedules: int
    expected: int
    recorded: int
    outcomes: dict[str, int]
    differences: int
    unexplained: int
    found: tuple[Compared, ...]


def compare(start: datetime, until: datetime, schedules: Iterable[Schedule]) -> Hindsight:
    """Compare the instants in [start, until) of `schedules` with the ledger; `until` must not lie ahead.

    Raises ValidationError, code "conflict", where there are more than five million instants.
    """
    compared, total = [], 0
    for schedule in schedules:
        compared.append(_compare(schedule, start, until, most=MOST_INSTANTS - total))
        total += compared[-1].expected
    outcomes: Counter[str] = Counter()
    for one in compared:
        outcomes.update(one.outcomes)
    return Hindsight(
        start=start,
        until=until,
        schedules=len(compared),
        expected=total,
        recorded=sum(one.recorded for one in compared),
        outcomes=dict(outcomes.most_common()),
        differences=sum(one.differences for one in compared),
        unexplained=sum(one.unexplained for one in compared),
        found=tuple(one for one in compared if one.differences),
    )


def _compare(schedule: Schedule, start: datetime, until: datetime, *, most: int) -> Compared:
    found = Compared(schedule.pk, schedule.name)
    rows = schedule.runs.filter(trigger="schedule", scheduled_for__gte=start)
    rows = rows.filter(Q(scheduled_for__lt=until) | Q(coalesced_from__lt=until)).order_by("scheduled_for")
    spans = [Span.of(row) for row in rows.only(*ROW)]
    try:
        expected = _expected(schedule, start, until, most)
    except TimingError as broken:
        found.differs(seconds(start), "missing", f"Its timing cannot be read: {broken}")
        return found
    found.expected = len(expected)
    found.outcomes = dict(Counter(f"{span.status}/{span.reason}" if span.reason else span.status for span in spans))
    changed = seconds(schedule.updated_at) if schedule.version > 1 else None
    place = 0
    for at in expected:
        while place < len(spans) and spans[place].last < at:
            place += 1
        if place < len(spans) and spans[place].first <= at:
            found.recorded += 1
        else:
            found.differs(at, "missing", _why_missing(schedule, at, changed))
    for span in spans:
        _check(found, schedule, span, changed)
    return found


@dataclass(frozen=True, slots=True)
class Span:
    """A row of the ledger, in seconds: the instants from `first` to `last`, `count` of them."""

    first: int
    last: int
    count: int
    version: int
    status: str
    reason: str

    @classmethod
    def of(cls, row: JobRun) -> Span:
        """Return the span of a row."""
        first = seconds(row.coalesced_from or row.scheduled_for)
        last = seconds(row.scheduled_for)
        return cls(first, last, row.coalesced_count, row.schedule_version, row.status, row.reason)


def _expected(schedule: Schedule, start: datetime, until: datetime, most: int) -> Sequence[int]:
    """Return the instants that the present timing has in the stretch, from the schedule's creation on."""
    timing = schedule.timing
    start = max(start, schedule.created_at.replace(microsecond=0) + timedelta(seconds=1))
    first = next_instant(timing, start - TICK)
    if first is None or first >= until:
        return ()
    if (count := stretch(timing, first, until - TICK, 0).count) > most:
        raise ValidationError(
            f"{schedule.name} and those before it have more than {MOST_INSTANTS:,} instants in this stretch; "
            f"{count:,} are its own. Name fewer days or an environment.",
            code="conflict",
        )
    return ticks(timing, seconds(start) - 1, seconds(until) - 1)


def _why_missing(schedule: Schedule, at: int, changed: int | None) -> str:
    instant = moment(at)
    if schedule.next_run_at is not None and instant >= schedule.next_run_at:
        return "It is due, and nobody has settled it yet."
    held = schedule.status in (Schedule.Status.PAUSED, Schedule.Status.SUSPENDED)
    if held and schedule.pause_started_at is not None and instant >= schedule.pause_started_at:
        return f"The schedule is {schedule.get_status_display().lower()}; this is settled when it is resumed."
    over = schedule.status in (Schedule.Status.COMPLETED, Schedule.Status.DELETED)
    if over and (schedule.last_scheduled_for is None or instant > schedule.last_scheduled_for):
        return f"The schedule is {schedule.get_status_display().lower()}."
    if changed is not None and at <= changed:
        return f"The schedule was changed since; it is at version {schedule.version}."
    return ""


def _check(found: Compared, schedule: Schedule, span: Span, changed: int | None) -> None:
    """Take note where a row is at no instant, or stands for another number of them than there are."""
    why = ""
    if changed is not None and span.first <= changed:
        why = f"The schedule was changed since: version {span.version} then, {schedule.version} now."
    timing = schedule.timing
    if next_instant(timing, moment(span.last) - TICK) != moment(span.last):
        found.differs(span.last, "extra", why)
    elif span.count > 1 and stretch(timing, moment(span.first), moment(span.last), 0).count != span.count:
        found.differs(span.last, "count", why)
