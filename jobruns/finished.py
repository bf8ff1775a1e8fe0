"""Tell a kind of work of a run that ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobtypes.base import Finished

if TYPE_CHECKING:
    from jobruns.models import JobRun


def finished_run(run: JobRun, *, is_final: bool) -> Finished:
    """Return what a job type hears of a run that ended; `is_final` is False where another attempt follows."""
    return Finished(
        run_id=run.pk,
        schedule_id=run.schedule_id,
        schedule_name=run.schedule_name,
        environment=run.environment,
        params=run.params,
        trigger=run.trigger,
        status=run.status,
        reason=run.reason,
        error=run.error,
        result=run.result,
        scheduled_for=run.scheduled_for,
        finished_at=run.finished_at or run.scheduled_for,
        is_final=is_final,
        correlation_id=run.correlation_id,
        duration_seconds=run.duration_seconds,
    )
