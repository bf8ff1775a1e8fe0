"""Reports of runs, by the kinds of work that have some."""

from __future__ import annotations

from typing import Any

from jobruns.models import JobRun
from jobtypes import registry
from jobtypes.reporting import Reported

FACTS = ("schedule_name", "status", "error", "params", "attributes", "metrics", "started_at", "finished_at")


def kinds(run: JobRun) -> tuple[str, ...]:
    """Return the kinds of report that a run has; none for most job types."""
    own = registry.job_types().get(run.job_type)
    return tuple(own.reports) if own else ()


def report(run: JobRun, kind: str, places: frozenset[str] | None) -> tuple[dict[str, Any], str] | None:
    """Return a report of a run as JSON, and the template that shows it.

    None where the run has no report of that kind, or nothing of it lies in `places`; None for these means everywhere.
    """
    if kind not in kinds(run):
        return None
    about = Reported(run_id=run.pk, environment=run.environment, **{name: getattr(run, name) for name in FACTS})
    return registry.job_type(run.job_type).report(about, kind, places)
