"""Ask for a run over HTTP: no more than so many may wait."""

from __future__ import annotations

from typing import Any

import structlog
from rest_framework.exceptions import Throttled

from integrations.rest.throttles import SharedThrottle
from schedules.models import Schedule

log = structlog.get_logger(__name__)

MOST_WAITING = 100  # pending runs of one schedule


class TriggerThrottle(SharedThrottle):
    """At most 60 requested runs a minute for one user."""

    scope = "trigger"
    rate = "60/min"


def trigger(schedule: Schedule, *, by: str, params: dict[str, Any] | None = None, correlation_id: str = "") -> int:
    """Ask for a run and return its id; raises Throttled where too many wait, and what `runs.request` raises."""
    if schedule.runs.regular().filter(status="pending")[:MOST_WAITING].count() >= MOST_WAITING:
        raise Throttled(wait=60, detail=f"{MOST_WAITING} runs of {schedule.name} are waiting already.")
    run = schedule.runs.request(by=by, trigger="api", params=params or {}, correlation_id=correlation_id)
    log.info("run requested", run_id=run.pk, schedule_id=schedule.pk, correlation_id=run.correlation_id)
    return int(run.pk)
