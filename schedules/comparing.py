"""How two definitions of a schedule differ: field by field, and in the fires ahead."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from integrations.secrecy import masked
from integrations.secrets import MASK
from schedules import changes, consequences
from schedules.consequences import Consequences
from schedules.models import Schedule
from schedules.versions import values_of

TIMING = {
    *("schedule_type", "cron_expression", "interval_seconds", "scheduled_at", "anchor_at", "timezone"),
    *("start_at", "end_at", "calendar", "calendar_rule"),
}


class Change(NamedTuple):
    """One field, or one parameter of the job as `params.name`, in two definitions; secrets as `***`."""

    field: str
    before: Any
    after: Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what differs between two definitions; None stands for what one of them does not have."""
    was, became = _flat(before), _flat(after)
    names = sorted(name for name in {**was, **became} if was.get(name) != became.get(name))
    return [Change(name, _shown(name, was.get(name)), _shown(name, became.get(name))) for name in names]


def shown(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition as it may be read, secrets as `***`."""
    found: dict[str, Any] = masked(dict(definition), hidden=MASK)
    return found


def fires_changed(
    schedule: Schedule, before: Mapping[str, Any], after: Mapping[str, Any], now: datetime
) -> Consequences:
    """Say which fires ahead going from one definition to the other adds and removes, as if it stood at the first.

    Raises ValidationError where one of them can no longer be read, by field where the second would be refused.
    """
    stood = copy.copy(schedule)
    changes.apply(stood, _timing(stood, before))
    return consequences.of_edit(stood, _timing(stood, after), now)


def _timing(schedule: Schedule, definition: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values_of(schedule, definition)[0].items() if name in TIMING}


def _flat(definition: Mapping[str, Any]) -> dict[str, Any]:
    params = definition.get("params") or {}
    inner = {f"params.{name}": value for name, value in params.items()}
    return {**{name: value for name, value in definition.items() if name != "params"}, **inner}


def _shown(name: str, value: Any) -> Any:
    return masked(value, name.removeprefix("params."), hidden=MASK)
