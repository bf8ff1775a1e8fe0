"""The partial schedule of a template: its fields, and how a changed one meets a changed schedule. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schedules.patterns import placeholders
from schedules.patterns.parameters import InvalidTemplate, Parameter

FIELDS = (
    *("description", "environment", "job_type", "params", "schedule_type", "cron_expression", "interval_seconds"),
    *("scheduled_at", "anchor_at", "timezone", "start_at", "end_at", "max_runs", "calendar", "calendar_rule"),
    *("tags", "depends_on", "jitter_seconds", "priority", "queue", "overlap_policy", "max_instances"),
    *("misfire_policy", "misfire_grace_seconds", "catchup_limit", "timeout_seconds", "max_retries"),
    *("retry_delay_seconds", "retry_backoff", "channels", "callback_url"),
)
TIMING = {
    *("schedule_type", "cron_expression", "interval_seconds", "scheduled_at", "anchor_at", "timezone"),
    *("start_at", "end_at", "calendar", "calendar_rule"),
}
Flat = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One field, or one parameter of its job as `params.name`, with its value before and after; None is none."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Merge:
    """What a newer version changes, and what it would change but for an edit made by hand since."""

    changes: tuple[Change, ...]
    by_hand: tuple[Change, ...]


def check(definition: Any, parameters: Sequence[Parameter], environment: str) -> None:
    """Refuse what could never become a schedule; raises InvalidTemplate by field, such as "definition.params"."""
    if not isinstance(definition, dict):
        raise InvalidTemplate({"definition": ["A definition is a JSON object with fields of a schedule."]})
    errors: dict[str, list[str]] = {}
    known = {parameter.name for parameter in parameters}
    for field, value in definition.items():
        where = f"definition.{field}"
        if field not in FIELDS:
            errors[where] = ["A template has no such field."]
        elif missing := sorted(placeholders.names(value) - known):
            errors[where] = [f"There is no parameter {', '.join(repr(name) for name in missing)}."]
    if not isinstance(definition.get("job_type"), str):
        errors.setdefault("definition.job_type", ["Say what the schedule does, such as http_request."])
    if environment and "environment" in definition:
        errors["definition.environment"] = ["The template has an environment of its own; leave it out here."]
    if errors:
        raise InvalidTemplate(errors)


def flat(fields: Mapping[str, Any]) -> Flat:
    """Return the fields with each parameter of the job as a field of its own, `params.name`."""
    found = {name: value for name, value in fields.items() if name != "params"}
    params = fields.get("params")
    return {**found, **{f"params.{name}": one for name, one in params.items()}} if params else found


def merge(old: Flat, new: Flat, *, made: Flat, now: Flat) -> Merge:
    """Say what going from the version filled in as `old` to the one filled in as `new` changes.

    `made` is the schedule as it was once made or upgraded, `now` as it stands: where they differ somebody has edited
    it since, and his edit is told, not overwritten.
    """
    changes: list[Change] = []
    by_hand: list[Change] = []
    for field in sorted({*old, *new}):
        wanted, present = new.get(field), now.get(field)
        if old.get(field) == wanted or present == wanted:
            continue
        edited = present != made.get(field)
        (by_hand if edited else changes).append(Change(field, present, wanted))
    return Merge(tuple(changes), tuple(by_hand))


def edited_by_hand(made: Flat, now: Flat) -> list[str]:
    """Return the fields that differ from how the template made them."""
    return sorted(field for field in {*made, *now} if made.get(field) != now.get(field))


def values_of(changes: Sequence[Change], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what to send to a schedule with these `params` so that the changes are made; null clears."""
    sent = {one.field: one.after for one in changes if not one.field.startswith("params.")}
    inner = {one.field.removeprefix("params."): one.after for one in changes if one.field.startswith("params.")}
    if inner:
        kept = {**params, **inner}
        sent["params"] = {name: value for name, value in kept.items() if value is not None or name not in inner}
    return sent
