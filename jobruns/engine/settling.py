"""Hand the endings of runs to the kinds of work that remember, in the transaction that records them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from jobruns.finished import finished_run
from jobruns.models import JobRun
from jobtypes import registry


def settle(kinds: Mapping[int, str], tried_again: Collection[int]) -> None:
    """Let job types that remember draw what follows from runs that ended, run id → job type.

    `tried_again` are those that another attempt follows. Costs nothing where no such job type is among them.
    """
    known = registry.job_types()
    for name in set(kinds.values()):
        if name not in known or not known[name].remembers:
            continue
        runs = JobRun.objects.in_bulk([run_id for run_id, kind in kinds.items() if kind == name])
        finished = [finished_run(run, is_final=run.pk not in tried_again) for run in runs.values()]
        JobRun.objects.add_to_results(known[name].settle(finished), runs)


def tend(now: datetime) -> None:
    """Let job types that remember do what falls due without any run."""
    for kind in registry.job_types().values():
        if kind.remembers:
            kind.tend(now)
