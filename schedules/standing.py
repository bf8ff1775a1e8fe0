"""Tell a kind of work that remembers how a schedule stands, in the transaction of the change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from jobtypes import registry
from jobtypes.base import Standing

if TYPE_CHECKING:
    from schedules.models import Schedule

ERASED = "erased"
AT_ONCE = 1_000


def tell(schedule: Schedule, *, job_type: str = "", status: str = "") -> None:
    """Tell the schedule's job type, or the one that it had before, how it stands now."""
    kind = registry.job_types().get(job_type or schedule.job_type)
    if kind is None or not kind.remembers:
        return
    kind.follow(
        Standing(
            schedule_id=schedule.pk,
            name=schedule.name,
            description=schedule.description,
            environment=schedule.environment,
            status=status or schedule.status,
            params=schedule.params,
        )
    )


def forget_beside(runs: Iterable[tuple[int, str]]) -> None:
    """Let the kinds of work remove what they keep beside runs that are removed, given as (id, job type)."""
    by_kind: defaultdict[str, list[int]] = defaultdict(list)
    for run_id, job_type in runs:
        by_kind[job_type].append(run_id)
    known = registry.job_types()
    for name in by_kind.keys() & known.keys():
        for first in range(0, len(by_kind[name]), AT_ONCE):
            known[name].forget(by_kind[name][first : first + AT_ONCE])
