"""Say what is stored as a file would declare it: what is left out has its default, secrets stay where they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from integrations import references
from integrations.channels import KINDS
from integrations.channels.base import texts
from integrations.kinds import sql
from integrations.models import Channel, Connection
from integrations.secrets import MASK
from jobtypes import registry
from jobtypes.base import InvalidParams
from jobtypes.models import Catalog, ImportProject, System
from schedules.calendars.definition import Definition
from schedules.files import compliance, projects
from schedules.models import Calendar, Schedule, TagLimit, Template
from schedules.patterns.definition import FIELDS
from schedules.serializers import ScheduleSerializer

ALWAYS = {"environment", "job_type", "timezone"}  # said although they may be as proposed: elsewhere that is different
SCHEME = re.compile(r"(Bearer|Basic|Token|ApiKey) (?=\$\{)", re.IGNORECASE)
HELD = {"paused", "suspended"}
Values = dict[str, Any]


@dataclass(slots=True)
class Export:
    """The sections of a file, and sentences on what it does not hold."""

    sections: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def export(schedules: Iterable[Schedule], *, whole: bool) -> Export:
    """Return a file that declares these schedules and what they use, or, `whole`, all that there is to use.

    Raises secrets.Undecryptable where a connection or channel cannot be read.
    """
    found = Export()
    chosen = sorted(schedules, key=lambda one: (one.environment, one.name))
    current = [one for one in chosen if not _is_over(one)]
    entries = [_schedule(one) for one in current]
    used = set(texts([[one.get("params", {}), one.get("channels", [])] for one in entries]))
    imported = [one for one in ImportProject.objects.order_by("name") if whole or one.name in used]
    used |= {name for one in imported for name in (one.connection, one.source)}
    sections = {
        "source": _source(current),
        "connections": {
            one.name: _connection(one) for one in Connection.objects.order_by("name") if whole or one.name in used
        },
        "channels": {
            one.name: _channel(one)
            for one in Channel.objects.filter(schedule_id=None).order_by("name")
            if whole or one.name in used
        },
        "calendars": {
            one.name: _calendar(one)
            for one in Calendar.objects.order_by("name")
            if whole or any(schedule.calendar_id == one.pk for schedule in current)
        },
        "tag_limits": {
            one.tag: _tag_limit(one)
            for one in TagLimit.objects.order_by("tag")
            if whole or any(one.tag in schedule.tags for schedule in current)
        },
        "templates": {one.name: _template(one) for one in Template.objects.order_by("name")} if whole else {},
        "systems": {one.name: compliance.said(one) for one in System.objects.order_by("name")} if whole else {},
        "import_projects": [projects.said(one) for one in imported],
        "schedules": entries,
    }
    found.sections = {name: section for name, section in sections.items() if section} or {"schedules": []}
    found.remarks = [*_over(chosen), *_missing(current), *(_catalogs() if whole else [])]
    return found


def _catalogs() -> list[str]:
    keys = ", ".join(Catalog.objects.order_by("key").values_list("key", flat=True))
    return [f"Catalogs come from files of their own and are not in here: {keys}."] if keys else []


def _source(schedules: Sequence[Schedule]) -> str:
    """Return where all of these were declared, if nothing else was declared there; else nothing."""
    sources = {one.source for one in schedules}
    source = sources.pop() if len(sources) == 1 else ""
    if not source:
        return ""
    declared = Schedule.objects.existing().declared_in([source]).exclude(pk__in=[one.pk for one in schedules])
    return "" if declared.exists() else source


def _schedule(schedule: Schedule) -> Values:
    shown = ScheduleSerializer(schedule).data
    said = {
        **{name: shown[name] for name in FIELDS if name not in _unsaid(schedule)},
        "params": _params(schedule),
        "depends_on": [_parent(schedule, one) for one in shown["depends_on"]],
    }
    usual = _usual(schedule)
    values = {name: value for name, value in said.items() if name in ALWAYS or value != usual.get(name)}
    held = {"enabled": False} if schedule.status in HELD else {}
    return {"name": schedule.name, **values, **held}


def _unsaid(schedule: Schedule) -> set[str]:
    """Return moments that follow from when a schedule was made."""
    unsaid = set() if schedule.schedule_type == Schedule.Kind.INTERVAL else {"anchor_at"}
    return unsaid | {"scheduled_at"} if schedule.schedule_type == Schedule.Kind.IMMEDIATE else unsaid


def _usual(schedule: Schedule) -> Values:
    """Return what each field has where a file does not say it."""
    usual: Values = {}
    for name in FIELDS:
        if name == "depends_on":
            usual[name] = []
        elif name != "calendar":
            stored: Any = Schedule._meta.get_field(name)
            usual[name] = stored.get_default() if stored.has_default() else None
    try:
        kind = registry.job_type(schedule.job_type)
        usual["timeout_seconds"] = kind.propose_timeout(registry.parse(schedule.job_type, schedule.params))
        usual["max_retries"] = settings.DEFAULT_MAX_RETRIES if kind.max_retries is None else kind.max_retries
    except InvalidParams:
        pass  # what it has is said instead
    return usual


def _params(schedule: Schedule) -> Values:
    """Return the parameters, channels of the schedule's own as definitions."""
    kind = registry.job_types().get(schedule.job_type)
    listed = schedule.params.get(kind.inline_channels) if kind and kind.inline_channels else None
    if not isinstance(listed, list):
        return dict(schedule.params)
    own = {one.name: one for one in Channel.objects.filter(schedule_id=schedule.pk).order_by("pk")}
    spare = [one for one in own.values() if one.name in listed]
    entries = []
    for entry in listed:
        channel = own.get(entry) if isinstance(entry, str) else None
        if channel is not None:  # definitions of one kind are matched in the order in which they were made
            channel = next(one for one in spare if one.kind == channel.kind)
            spare.remove(channel)
        entries.append(entry if channel is None else {"kind": channel.kind, **_settings(channel)})
    return {**schedule.params, kind.inline_channels: entries} if kind else dict(schedule.params)


def _parent(schedule: Schedule, shown: Mapping[str, Any]) -> Values:
    """Return a dependency by name; by number where the name would not find it."""
    by_name = shown["environment"] == schedule.environment and shown["status"] != Schedule.Status.DELETED
    named = {"schedule": shown["schedule"]} if by_name else {"schedule_id": shown["schedule_id"]}
    return named if shown["on"] == "success" else {**named, "on": shown["on"]}


def _connection(connection: Connection) -> Values:
    kept = connection.secrets
    address = connection.address
    if MASK in address and (reference := _shown(kept.get("password", ""))) != MASK:
        address = address.replace(MASK, reference, 1)
    if connection.kind == Connection.Kind.SQL:
        address = _absolute(address)
    headers = {name: _shown(value) for name, value in kept.get("headers", {}).items()}
    key = {"private_key": _shown(kept["private_key"])} if "private_key" in kept else {}
    return _without_empty(
        {
            "kind": connection.kind,
            "description": connection.description,
            "environment": connection.environment,
            "address": address,
            "headers": headers,
            **key,
        }
    )


def _absolute(address: str) -> str:
    """Return the address of an SQLite file from the root on: within a file it would be meant from somewhere else."""
    scheme, separator, name = address.partition(":///")
    is_file = separator and sql.DRIVERS.get(scheme, scheme) == sql.DRIVERS["sqlite"]
    if not is_file or name.startswith("/") or references.names(address):
        return address
    return f"{scheme}:///{Path(settings.LOCAL_FILES_ROOT).resolve() / name}"


def _channel(channel: Channel) -> Values:
    own = {
        "kind": channel.kind,
        "description": channel.description,
        "environment": channel.environment,
        **_settings(channel),
    }
    return _without_empty(own) if channel.enabled else {**_without_empty(own), "enabled": False}


def _settings(channel: Channel) -> Values:
    """Return the settings of a channel's kind; what was made here is left out and stays."""
    made = KINDS[channel.kind].Settings.made_here
    proposed = {
        name: one.get_default(call_default_factory=True)
        for name, one in KINDS[channel.kind].Settings.model_fields.items()
        if not one.is_required()
    }
    values = {**channel.shown, **_shown(channel.secrets)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if (name not in made or references.names(str(value))) and value != proposed.get(name)
    }


def _calendar(calendar: Calendar) -> Values:
    proposed = {
        name: one.get_default(call_default_factory=True)
        for name, one in Definition.model_fields.items()
        if not one.is_required()
    }
    values: Values = _without_empty({"description": calendar.description, "environment": calendar.environment})
    for name, value in calendar.definition.items():
        if name.endswith("_dates"):
            value = [f"{one['date']} {one.get('name', '')}".strip() for one in value]
        plain = list(proposed[name]) if isinstance(proposed.get(name), tuple) else proposed.get(name)
        if name == "timezone" or (value not in ([], None) and value != plain):
            values[name] = value
    return values


def _tag_limit(limit: TagLimit) -> int | Values:
    return {"max_running": limit.max_running, "note": limit.note} if limit.note else limit.max_running


def _template(template: Template) -> Values:
    own = {"description": template.description, "environment": template.environment}
    return _without_empty({**own, "definition": template.definition, "parameters": template.parameters})


def _shown(value: Any) -> Any:
    """Return a secret as it may be written: a reference as it is, anything else as `***`."""
    if isinstance(value, Mapping):
        return {name: _shown(one) for name, one in value.items()}
    if not isinstance(value, str):
        return MASK
    return value if references.is_whole(SCHEME.sub("", value, count=1)) else MASK


def _is_over(schedule: Schedule) -> bool:
    """Tell whether its one moment has passed: declared anew it would be refused, or run once more."""
    once = {Schedule.Kind.ONE_TIME, Schedule.Kind.IMMEDIATE}
    return schedule.schedule_type in once and schedule.status == Schedule.Status.COMPLETED


def _over(schedules: Iterable[Schedule]) -> list[str]:
    names = [one.name for one in schedules if _is_over(one)]
    return [f"Left out, as their one moment has passed: {', '.join(names)}."] if names else []


def _missing(schedules: Sequence[Schedule]) -> list[str]:
    """Return a sentence for each schedule that waits for one which the file does not hold."""
    held = {one.pk for one in schedules}
    return [
        f"{one.name} waits for {dependency.parent.name} in {dependency.parent.environment}, which is not in here."
        for one in schedules
        for dependency in one.dependencies.all()
        if dependency.parent_id not in held
    ]


def _without_empty(values: Values) -> Values:
    return {name: value for name, value in values.items() if value not in ("", {}, [])}
