"""One look at the database that tells whether there is anything to do, so that idling costs one statement a pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from jobruns.engine import sql

# Each part reads the first entry of a partial index: schedule_due, run_ready and schedule_resumes.
GLANCE = """
SELECT {clock},
    (SELECT min(next_run_at) FROM schedules_schedule WHERE next_run_at IS NOT NULL),
    ready.found,
    CASE WHEN ready.found THEN NULL ELSE (SELECT min(available_at) FROM jobruns_jobrun WHERE status = 'pending') END,
    (SELECT min(paused_until) FROM schedules_schedule WHERE paused_until IS NOT NULL AND status = 'paused')
FROM (SELECT EXISTS (
    SELECT 1 FROM jobruns_jobrun WHERE status = 'pending' AND available_at <= {moment}) AS found) AS ready
"""


@dataclass(frozen=True, slots=True)
class Glance:
    """The database's time, whether runs are ready, and the next moments: of an instant, of a delayed run (unless some
    are ready), and of the end of a pause."""

    now: datetime
    instant: datetime | None
    ready: bool
    delayed: datetime | None
    resumption: datetime | None

    @property
    def idle(self) -> bool:
        """Tell whether there is nothing to fire, to claim or to resume."""
        return not (self.ready or self.resumes) and (self.instant is None or self.instant > self.now)

    @property
    def resumes(self) -> bool:
        """Tell whether a pause has run out."""
        return self.resumption is not None and self.resumption <= self.now


def look() -> Glance:
    """Return what there is to do now."""
    if sql.is_postgres():
        clock, parameters = "clock_timestamp()", []
        statement = GLANCE.format(clock=clock, moment="statement_timestamp()")
    else:
        here = sql.moment(timezone.now())
        statement, parameters = GLANCE.format(clock="%s", moment="%s"), [here, here]
    [(now, instant, ready, delayed, resumption)] = sql.fetch(statement, parameters)
    return Glance(sql.aware(now), _moment(instant), bool(ready), _moment(delayed), _moment(resumption))


def _moment(value: object) -> datetime | None:
    return None if value is None else sql.aware(value)
