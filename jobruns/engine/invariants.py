"""What must be true of the ledger at any time; each breach is a sentence for an operator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db.models import Count, Q

from integrations.models import Delivery
from jobruns.engine import sql
from jobruns.models import JobRun, PrunedRuns, SchedulerProcess
from schedules.models import Schedule

SLACK = timedelta(seconds=2)  # for the time that firing itself takes
UNSERVED = timedelta(seconds=30)  # how long a run may wait for the first worker to start
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
    """Compare the counters with the ledger and what was pruned of it."""
    ledger = Counter[tuple[int, str]]()
    counted = JobRun.objects.filter(status__in=["success", "failed"]).order_by().values_list("schedule_id", "status")
    for schedule_id, status, number in counted.annotate(Count("pk")).iterator():
        ledger[schedule_id, status] = number
    for schedule_id, successes, failures in PrunedRuns.objects.values_list("schedule_id", "successes", "failures"):
        ledger[schedule_id, "success"] += successes
        ledger[schedule_id, "failed"] += failures
    columns = ("pk", "name", "successful_runs", "failed_runs", "total_runs")
    for pk, name, successes, failures, total in Schedule.objects.values_list(*columns).iterator():
        found = ledger[pk, "success"], ledger[pk, "failed"]
        if (successes, failures) != found or total != successes + failures:
            sentence = (
                f"{name} counts {successes} successes and {failures} failures of {total}; "
                f"the ledger and what was pruned of it have {found[0]} and {found[1]}."
            )
            yield Breach("miscounted", sentence, schedule_id=pk)


def _stuck(now: datetime) -> Iterator[Breach]:
    allowed = timedelta(seconds=60) + SLACK
    for delivery in Delivery.objects.due(now - allowed).iterator():
        yield Breach("stuck", f"Delivery {delivery.pk} ({delivery}) is due and nobody sends it.")


def _unserved(now: datetime) -> Iterator[Breach]:
    """Where somebody fires; without a scheduler, what is overdue says it."""
    alive = SchedulerProcess.objects.alive(now)
    if not alive.filter(fires=True).exists():
        return
    waiting = JobRun.objects.unserved(now - UNSERVED, alive.served())
    for run in waiting.select_related("schedule").only("schedule_name", "schedule__queue").iterator():
        where = f"in the queue {run.schedule.queue}, which no living worker serves"
        sentence = f"Run {run.pk} of {run.schedule_name} waits {where}."
        yield Breach("unserved", sentence, schedule_id=run.schedule_id, run_id=run.pk)


RULES: dict[str, Callable[[datetime], Iterable[Breach]]] = {
    "overdue": _overdue,
    "forgotten": _forgotten,
    "unowned": _unowned,
    "unserved": _unserved,
    "doubled": _doubled,
    "miscounted": _miscounted,
    "stuck": _stuck,
}
