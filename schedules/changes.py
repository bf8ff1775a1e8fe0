"""Take over what a caller sent about a schedule: only that, null clearing, an old timing leaving with its type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from schedules.clock import zone_names
from schedules.models import Schedule
from schedules.rules import EMPTY, TIMING_FIELDS

MOMENTS = ("scheduled_at", "anchor_at", "start_at", "end_at")


def apply(schedule: Schedule, values: Mapping[str, Any]) -> None:
    """Set the fields of `values` on `schedule`, unsaved and unchecked; None means the field's default.

    Another `schedule_type` clears the fields of the old one unless they are sent too. Naive moments are in the
    schedule's zone.
    """
    kind = values.get("schedule_type", schedule.schedule_type)
    if kind != schedule.schedule_type and not schedule._state.adding:
        for name in EMPTY.keys() - TIMING_FIELDS.get(kind, set()):
            setattr(schedule, name, EMPTY[name])
    for name, value in values.items():
        setattr(schedule, name, _default(name) if value is None else value)
    for name in MOMENTS:
        setattr(schedule, name, localise(getattr(schedule, name), schedule.timezone))
    if schedule.anchor_at is None and not schedule._state.adding:
        schedule.anchor_at = schedule.created_at.replace(microsecond=0)


def localise(moment: datetime | None, zone: str) -> datetime | None:
    """Return a naive moment as one of that zone, of UTC where there is no such zone; an aware one as it is."""
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=ZoneInfo(zone) if zone in zone_names() else UTC)


def _default(name: str) -> Any:
    field: Any = Schedule._meta.get_field(name)
    return field.get_default() if field.has_default() else None
