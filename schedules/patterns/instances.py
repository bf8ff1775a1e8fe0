"""Make schedules from a template, and bring them up to its newest version; each passes the gate of every schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError as Refused
from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import ValidationError

from integrations.rest.problems import errors_of
from schedules import consequences
from schedules.consequences import Consequences
from schedules.models import Origin, Schedule, Template, TemplateVersion
from schedules.patterns.definition import FIELDS, TIMING, Change, Flat, Merge, edited_by_hand, flat, merge, values_of
from schedules.patterns.parameters import InvalidTemplate
from schedules.queries import ScheduleQuerySet
from schedules.serializers import ScheduleSerializer

MOST = 100  # instances in one request


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What the newest version would change of one schedule; `errors` by field if the gate refuses it.

    `fires` tells of the fire times that move, None if none can.
    """

    schedule: Schedule
    from_version: int
    to_version: int
    changes: tuple[Change, ...]
    by_hand: tuple[Change, ...]
    fires: Consequences | None
    errors: dict[str, list[str]]


def make(template: Template, *, name: str, parameters: Mapping[str, Any], request: Any) -> Schedule:
    """Store a schedule made from the newest version of `template` for the request's user, and return it.

    Raises ValidationError: by `parameters.name` for wrong values, else as storing a schedule by hand does.
    """
    version = newest(template)
    values = checked(version, parameters)
    sent = {**version.filled(values), "name": name, "reason": f"From the template {template.name}."}
    serializer = ScheduleSerializer(data=sent, context={"request": request})
    serializer.is_valid(raise_exception=True)
    with transaction.atomic():
        schedule: Schedule = serializer.save()
        schedule.origin = Origin.objects.create(
            schedule=schedule, template=template, version=version.number, parameters=values, made=state(schedule)
        )
    return schedule


def plan(schedule: Schedule, parameters: Mapping[str, Any], now: datetime, *, request: Any) -> Upgrade:
    """Say what bringing `schedule` to its template's newest version would change; nothing is stored."""
    origin = schedule.origin
    new = newest(origin.template)
    try:
        _values, found = _merged(schedule, new, parameters)
        serializer = _edit(schedule, found.changes, request)
        serializer.is_valid(raise_exception=True)
        fires = _fires(schedule, serializer.validated_data, now)
    except (ValidationError, Refused) as refused:
        return Upgrade(schedule, origin.version, new.number, (), (), None, by_field(refused))
    return Upgrade(schedule, origin.version, new.number, found.changes, found.by_hand, fires, {})


def upgrade(schedule: Schedule, parameters: Mapping[str, Any], *, overwrite: bool, request: Any) -> Merge:
    """Bring `schedule`, whose lock the caller holds, to its template's newest version; return what that meant.

    What was edited by hand stays unless `overwrite` is true. Raises as storing a schedule does.
    """
    origin = schedule.origin
    new = newest(origin.template)
    values, found = _merged(schedule, new, parameters)
    taken = (*found.changes, *(found.by_hand if overwrite else ()))
    made: Flat = origin.made
    if taken:
        serializer = _edit(schedule, taken, request)
        serializer.is_valid(raise_exception=True)
        schedule = serializer.save()
        after = state(schedule)
        made = {**made, **{one.field: after.get(one.field) for one in taken}}
    made = {**made, **{one.field: one.after for one in found.by_hand if one not in taken}}
    origin.version, origin.parameters, origin.made = new.number, values, made
    origin.save(update_fields=["version", "parameters", "made"])
    return found


def upgrade_each(
    found: ScheduleQuerySet, ids: Sequence[int], parameters: Mapping[str, Any], *, overwrite: bool, request: Any
) -> tuple[list[int], list[tuple[int, ValidationError | Refused]]]:
    """Upgrade each of these instances by itself, under its lock; return which are, and why the others are not."""
    done: list[int] = []
    failed: list[tuple[int, ValidationError | Refused]] = []
    for pk in dict.fromkeys(ids):
        try:
            with transaction.atomic():
                schedule = found.select_for_update(no_key=True, of=("self",)).filter(pk=pk).first()
                if schedule is None:
                    raise Refused("not found")
                upgrade(schedule, parameters, overwrite=overwrite, request=request)
        except (ValidationError, Refused) as refused:
            failed.append((pk, refused))
        else:
            done.append(pk)
    return done, failed


def of_template(template: Template, user: Any) -> ScheduleQuerySet:
    """Return the schedules that came from a template and exist for this user."""
    return Schedule.objects.existing().visible_to(user).with_parents().filter(origin__template=template)


def newest(template: Template) -> TemplateVersion:
    """Return the newest version of a template."""
    found: TemplateVersion = template.versions.get(number=template.version)
    return found


def checked(version: TemplateVersion, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a version's parameters; raises ValidationError by `parameters.name`."""
    try:
        return version.values(parameters)
    except InvalidTemplate as refused:
        raise ValidationError({"parameters": refused.errors}) from None


def edited(schedule: Schedule) -> list[str]:
    """Return the fields of an instance that were edited by hand since it was made or upgraded."""
    return edited_by_hand(schedule.origin.made, state(schedule))


def state(schedule: Schedule) -> Flat:
    """Return every field that a template may set, as JSON with times in UTC, parameters of its job one by one."""
    with timezone.override(UTC):  # whoever looks: pages show times in the zone of the viewer
        shown = _serializer().to_representation(schedule)
    waits = [{"schedule_id": one["schedule_id"], "on": one["on"]} for one in shown["depends_on"]]
    return flat({**{name: shown[name] for name in FIELDS}, "depends_on": waits})


def by_field(refused: ValidationError | Refused) -> dict[str, list[str]]:
    """Return a refusal as sentences by field, inner ones with dots, "" for all of them."""
    if isinstance(refused, ValidationError):
        return errors_of(refused.detail)
    return refused.message_dict if hasattr(refused, "error_dict") else {"": refused.messages}


@cache
def _serializer() -> ScheduleSerializer:
    """Return one serializer for showing any schedule: making its fields anew costs more than filling them."""
    return ScheduleSerializer()


def _merged(schedule: Schedule, new: TemplateVersion, parameters: Mapping[str, Any]) -> tuple[dict[str, Any], Merge]:
    """Return the values for the new version, those of a parameter that is gone left out, and what it changes."""
    origin = schedule.origin
    old = origin.template.versions.get(number=origin.version)
    known = {one["name"] for one in new.parameters}
    kept = {name: value for name, value in origin.parameters.items() if name in known}
    values = checked(new, {**kept, **parameters})
    before, after = flat(old.filled(origin.parameters)), flat(new.filled(values))
    return values, merge(before, after, made=origin.made, now=state(schedule))


def _edit(schedule: Schedule, changes: Sequence[Change], request: Any) -> ScheduleSerializer:
    origin = schedule.origin
    why = f"Version {origin.template.version} of the template {origin.template.name}."
    sent = {**values_of(changes, schedule.params), "reason": why}
    return ScheduleSerializer(schedule, data=sent, partial=True, context={"request": request})


def _fires(schedule: Schedule, values: Mapping[str, Any], now: datetime) -> Consequences | None:
    timing = {name: value for name, value in values.items() if name in TIMING}
    return consequences.of_edit(schedule, timing, now) if timing else None
