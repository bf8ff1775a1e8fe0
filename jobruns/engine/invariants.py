"""What must be true of the ledger at any time; each breach is a sentence for an operator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db.models import Count, F, Q

from jobruns.engine import sql
from jobruns.models import JobRun, SchedulerProcess
from schedules.models import Schedule

SLACK = timedelta(seconds=2)  # for the time that firing itself takes
SHOWN = 50  # breaches of one rule that are told one by one


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule that does not hold: `rule` is its name, `sentence` what is wrong with which row."""

    rule: str
    sentence: str
    schedule_id: int | None = None
    run_id: int | None = None

    def as_json(self) -> dict[str, object]:
        """Return the fields as a program reads them."""
        return asdict(self)


def breaches() -> list[Breach]:
    """Return every breach there is now, at most 50 and a remainder for each rule; an empty list is good news."""
    now = sql.now()
    found: list[Breach] = []
    for rule, look in RULES.items():
        told = list(islice(look(now), SHOWN + 1))
        found += told[:SHOWN]
        if len(told) > SHOWN:
            found.append(Breach(rule, f"There are more than {SHOWN} of these."))
    return found


def _overdue(now: datetime) -> Iterator[Breach]:
    allowed = timedelta(seconds=settings.SCHEDULER_POLL_SECONDS) + SLACK
    for schedule in Schedule.objects.due(now - allowed).only("pk", "name", "next_run_at").iterator():
        late = (now - schedule.next_run_at).total_seconds() if schedule.next_run_at else 0.0
        sentence = f"{schedule.name} is overdue by {late:.0f} s and nothing fires it."
        yield Breach("overdue", sentence, schedule_id=schedule.pk)


def _forgotten(now: datetime) -> Iterator[Breach]:
    idle = Schedule.objects.filter(status="active", next_run_at=None).exclude(schedule_type="manual")
    for schedule in idle.exclude(runs__status__in=JobRun.ACTIVE).only("pk", "name").iterator():
        sentence = f"{schedule.name} is active, but has no next instant and nothing left to run."
        yield Breach("forgotten", sentence, schedule_id=schedule.pk)


def _unowned(now: datetime) -> Iterator[Breach]:
    alive = SchedulerProcess.objects.filter(stopped_at=None).values("name")
    lost = JobRun.objects.running().filter(Q(lease_expires_at__lt=now) | ~Q(owner__in=alive))
    for run in lost.only("pk", "schedule_id", "schedule_name", "owner").iterator():
        sentence = f"Run {run.pk} of {run.schedule_name} is running, but {run.owner or 'nobody'} holds no live lease."
        yield Breach("unowned", sentence, schedule_id=run.schedule_id, run_id=run.pk)


def _doubled(now: datetime) -> Iterator[Breach]:
    fires = JobRun.objects.filter(trigger="schedule").order_by().values("schedule_id", "scheduled_for")
    for fire in fires.annotate(rows=Count("pk")).filter(rows__gt=1).iterator():
        sentence = f"{fire['scheduled_for'].isoformat()} of schedule {fire['schedule_id']} has {fire['rows']} rows."
        yield Breach("doubled", sentence, schedule_id=fire["schedule_id"])


def _miscounted(now: datetime) -> Iterator[Breach]:
    """Pruning takes rows away, never adds any: more rows than counted is wrong, fewer only of a young schedule."""
    counted = Schedule.objects.annotate(
        successes=Count("runs", filter=Q(runs__status="success")),
        failures=Count("runs", filter=Q(runs__status="failed")),
    )
    young = Q(created_at__gt=now - timedelta(days=settings.RUN_RETENTION_DAYS))
    wrong = counted.filter(
        Q(successes__gt=F("successful_runs"))
        | Q(failures__gt=F("failed_runs"))
        | ~Q(total_runs=F("successful_runs") + F("failed_runs"))
        | young & (Q(successes__lt=F("successful_runs")) | Q(failures__lt=F("failed_runs")))
    )
    columns = ("pk", "name", "successful_runs", "failed_runs", "total_runs", "successes", "failures")
    for pk, name, counted_successes, counted_failures, total, successes, failures in wrong.values_list(*columns):
        sentence = (
            f"{name} counts {counted_successes} successes and {counted_failures} failures of {total}; "
            f"the ledger has {successes} and {failures}."
        )
        yield Breach("miscounted", sentence, schedule_id=pk)


RULES: dict[str, Callable[[datetime], Iterable[Breach]]] = {
    "overdue": _overdue,
    "forgotten": _forgotten,
    "unowned": _unowned,
    "doubled": _doubled,
    "miscounted": _miscounted,
}
