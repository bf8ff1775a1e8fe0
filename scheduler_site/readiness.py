"""Whether schedules are fired and runs claimed in time: a few bounded looks, none over the history."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F

from jobruns.engine import claims
from jobruns.models import JobRun, SchedulerProcess
from jobruns.queries import SchedulerProcessQuerySet
from schedules.models import Schedule

OK = "ok"
BEHIND = timedelta(seconds=30)  # later than this, somebody should look


def checks(now: datetime) -> dict[str, str]:
    """Return the state of `scheduler` and `firing`: "ok", or what is wrong in a few words.

    `firing` is wrong where the oldest due instant is overdue by more than 30 s, or where a run that could have been
    claimed 30 s ago still waits though a process that may execute it has a free slot, or none is alive that may.
    """
    alive = SchedulerProcess.objects.alive(now)
    if not alive.filter(fires=True).exists():
        return {"scheduler": "no fresh heartbeat", "firing": "no scheduler is alive"}
    return {"scheduler": OK, "firing": _firing(now, alive)}


def workers(now: datetime) -> str:
    """Return "ok" if a process that executes runs is alive, else a sentence."""
    executing = SchedulerProcess.objects.alive(now).filter(slots__gt=0)
    return OK if executing.exists() else "No process that executes runs is alive; start a worker."


def _firing(now: datetime, alive: SchedulerProcessQuerySet) -> str:
    overdue = Schedule.objects.due(now - BEHIND).values_list("next_run_at", flat=True).first()
    if overdue is not None:
        return f"falls behind by {(now - overdue).total_seconds():.0f} s"
    waiting = JobRun.objects.unserved(now - BEHIND, alive.served()).values_list("pk", "schedule__queue").first()
    if waiting is not None:
        return "run {} waits in the queue {}, which no living worker serves".format(*waiting)
    free = alive.filter(busy__lt=F("slots"))
    if free.exists() and (run_id := claims.overlooked(now - BEHIND, free.served())) is not None:
        return f"run {run_id} waits though a slot is free"
    return OK
