"""For what a run waits beside a free slot, told to a person."""

from __future__ import annotations

from jobruns.models import JobRun
from schedules.limits import TagLimit
from schedules.models import Schedule


def held_up(run: JobRun) -> str:
    """Say which tags let no further run start, if `run` waits for one of them; else ""."""
    if run.status != JobRun.Status.PENDING:
        return ""
    limits = TagLimit.objects.filter(tag__in=run.schedule.tags)
    counted = [(limit, Schedule.objects.running_tagged(limit.tag)) for limit in limits]
    full = [(limit, running) for limit, running in counted if running >= limit.max_running]
    said = [
        f"the tag {limit.tag} allows {limit.max_running} at once, and {running} {'runs' if running == 1 else 'run'}"
        for limit, running in full
    ]
    return f"It waits: {'; '.join(said)}." if said else ""
