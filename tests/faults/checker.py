"""Compare what the jobs wrote down themselves with what the ledger says; knows nothing of the engine."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

ENDED = {"success", "failed", "cancelled", "skipped", "missed"}
BEGAN = {"success", "failed", "running"}


@dataclass(frozen=True)
class Line:
    """One line of evidence; `at` in monotonic seconds."""

    event: str
    run: int
    schedule: int
    instant: datetime
    attempt: int
    pid: int
    at: float

    @classmethod
    def read(cls, text: str) -> "Line":
        """Return a line as the witness wrote it."""
        event, run, schedule, instant, attempt, pid, at = text.split()
        return cls(event, int(run), int(schedule), datetime.fromisoformat(instant), int(attempt), int(pid), float(at))


@dataclass(frozen=True)
class Plan:
    """A schedule as the ledger has it: fires every `interval` from `first` on, at most `limit` runs at once.

    `last` is its last settled instant; `alive` says that it fires still. The numbers are its counters.
    """

    id: int
    first: datetime
    interval: timedelta
    last: datetime | None
    limit: int = 1
    alive: bool = True
    total: int = 0
    successes: int = 0
    failures: int = 0


@dataclass(frozen=True)
class Row:
    """A row of the ledger."""

    id: int
    schedule: int
    instant: datetime
    status: str
    attempt: int = 1
    trigger: str = "schedule"
    since: datetime | None = None
    count: int = 1
    retry_of: int | None = None


@dataclass(frozen=True)
class History:
    """All that there is to compare. `until` is when the last scheduler was told to stop."""

    plans: Sequence[Plan]
    rows: Sequence[Row]
    lines: Sequence[Line]
    until: datetime | None = None


def check(
    history: History, *, repeats: bool = False, overlaps: bool = False, most_rows: int | None = None
) -> list[str]:
    """Return a sentence for everything that is wrong; an empty list is good news.

    `repeats` allows a run to be done twice under its one row: it was interrupted and given back. `overlaps` allows
    runs of one schedule beside each other: nobody can stop a job whose scheduler is frozen. `most_rows` bounds the
    rows of one schedule.
    """
    found = [*_instants(history), *_endings(history), *_evidence(history), *_counters(history)]
    if not repeats:
        found += _repeats(history.lines)
    if not overlaps:
        found += _overlaps(history)
    if most_rows is not None:
        rows = Counter(row.schedule for row in history.rows)
        found += [f"Schedule {one} has {number} rows." for one, number in rows.items() if number > most_rows]
    return found


def _instants(history: History) -> Iterator[str]:
    """Every instant up to the last one is in exactly one row."""
    for plan in history.plans:
        settled: Counter[datetime] = Counter()
        for row in history.rows:
            if row.schedule == plan.id and row.trigger == "schedule":
                settled.update(row.instant - number * plan.interval for number in range(row.count))
                if row.since is not None and row.since != row.instant - (row.count - 1) * plan.interval:
                    yield f"Row {row.id} stands for {row.count} instants, but not from {row.since}."
        for instant, times in settled.items():
            if times > 1:
                yield f"Schedule {plan.id} fired {times} times at {instant}."
            if instant < plan.first or (instant - plan.first) % plan.interval:
                yield f"Schedule {plan.id} fired at {instant}, which is no instant of it."
        last = max(settled, default=None)
        if last != plan.last and (last is None or plan.last is None or last > plan.last):
            yield f"Schedule {plan.id} says that its last instant was {plan.last}; its rows say {last}."
        yield from _lost(plan, settled, history.until)


def _lost(plan: Plan, settled: Counter[datetime], until: datetime | None) -> Iterator[str]:
    end = plan.last
    if plan.alive and until is not None:
        end = max(until - 3 * plan.interval, plan.last or plan.first)
    if end is None:
        return
    for number in range((end - plan.first) // plan.interval + 1):
        instant = plan.first + number * plan.interval
        if instant not in settled:
            yield f"Schedule {plan.id} lost its fire at {instant}."


def _endings(history: History) -> Iterator[str]:
    replaced = {row.retry_of for row in history.rows if row.retry_of is not None}
    for row in history.rows:
        if row.status not in ENDED | {"pending"}:
            yield f"Run {row.id} was left {row.status}."
        if row.id in replaced and row.status != "failed":
            yield f"Run {row.id} is {row.status}, though another attempt took its place."


def _evidence(history: History) -> Iterator[str]:
    rows = {row.id: row for row in history.rows}
    began = {line.run for line in history.lines if line.event == "begin"}
    ended = {line.run for line in history.lines if line.event == "end"}
    for line in history.lines:
        row = rows.get(line.run)
        if row is None:
            yield f"Run {line.run} was done, but has no row."
        elif (row.schedule, row.instant, row.attempt) != (line.schedule, line.instant, line.attempt):
            yield f"Run {line.run} was done as another one than its row says."
        elif line.event == "begin" and row.status in {"skipped", "missed"}:
            yield f"Run {line.run} was done, though its row says {row.status}."
    for row in history.rows:
        if row.status == "success" and row.id not in began:
            yield f"Run {row.id} is a success, but nobody saw it begin."
        if row.status == "success" and row.id not in ended:
            yield f"Run {row.id} is a success, but nobody saw it end."


def _repeats(lines: Iterable[Line]) -> Iterator[str]:
    for (run, event), times in Counter((line.run, line.event) for line in lines).items():
        if times > 1:
            yield f"Run {run} was done {times} times ({event})."


def _overlaps(history: History) -> Iterator[str]:
    limits = {plan.id: plan.limit for plan in history.plans}
    steps = []
    ends = {(line.run, line.pid): line.at for line in history.lines if line.event == "end"}
    for line in history.lines:
        if line.event == "begin" and (line.run, line.pid) in ends:
            steps += [(line.at, 1, line), (ends[line.run, line.pid], -1, line)]
    going: Counter[int] = Counter()
    for _, step, line in sorted(steps, key=lambda one: one[:2]):
        going[line.schedule] += step
        if going[line.schedule] > limits.get(line.schedule, 1):
            yield f"{going[line.schedule]} runs of schedule {line.schedule} went on at once, run {line.run} too."


def _counters(history: History) -> Iterator[str]:
    for plan in history.plans:
        statuses = Counter(row.status for row in history.rows if row.schedule == plan.id)
        counted = (plan.total, plan.successes, plan.failures)
        told = (statuses["success"] + statuses["failed"], statuses["success"], statuses["failed"])
        if counted != told:
            yield f"Schedule {plan.id} counts {counted}; its rows say {told} (all, successes, failures)."
