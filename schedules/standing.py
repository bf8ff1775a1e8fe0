"""Tell a kind of work that remembers how a schedule stands, in the transaction of the change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobtypes import registry
from jobtypes.base import Standing

if TYPE_CHECKING:
    from schedules.models import Schedule

ERASED = "erased"


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
