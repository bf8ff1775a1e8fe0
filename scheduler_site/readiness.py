"""Whether schedules are fired and runs claimed in time: a few bounded looks, none over the history."""

from __future__ import annotations

from datetime import datetime, timedelta

from jobruns.engine import claims
from jobruns.models import SchedulerProcess
from schedules.models import Schedule

OK = "ok"
BEHIND = timedelta(seconds=30)  # later than this, somebody should look


def checks(now: datetime) -> dict[str, str]:
    """Return the state of `scheduler` and `firing`: "ok", or what is wrong in a few words.

    `firing` is wrong where the oldest due instant is overdue by more than 30 s, or where a run that could have been
    claimed 30 s ago still waits though a scheduler has a free slot.
    """
    alive = list(SchedulerProcess.objects.alive(now).values_list("slots", "busy")[:1000])
    if not alive:
        return {"scheduler": "no fresh heartbeat", "firing": "no scheduler is alive"}
    return {"scheduler": OK, "firing": _firing(now, free=sum(max(slots - busy, 0) for slots, busy in alive))}


def _firing(now: datetime, *, free: int) -> str:
    overdue = Schedule.objects.due(now - BEHIND).values_list("next_run_at", flat=True).first()
    if overdue is not None:
        return f"falls behind by {(now - overdue).total_seconds():.0f} s"
    if free and (run_id := claims.overlooked(now - BEHIND)) is not None:
        return f"run {run_id} waits though a slot is free"
    return OK
