"""Channels that a schedule defines itself, within the parameters of its job: stored as channels, named by the job.

`{"channel": "slack", "webhook_url": "https://…"}` among the names becomes a channel of the schedule's own, with its
secrets encrypted like those of any other; the parameter then holds its name. Defining it again changes that channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError

from integrations.channels import kind as kind_of
from integrations.kinds.base import Refused
from integrations.models import Channel
from integrations.secrets import MASK
from jobtypes import registry
from schedules.telling import channels_refusal

if TYPE_CHECKING:
    from schedules.models import Schedule

Errors = dict[str, list[str]]


def check(schedule: Schedule, errors: Errors) -> None:
    """Refuse names of channels that are not there, and definitions that cannot be one, under `params`."""
    entries = _entries(schedule)
    names = [one for one in entries if isinstance(one, str)]
    if sentence := channels_refusal(names, schedule.environment):
        errors.setdefault("params", []).append(f"{_parameter(schedule)}: {sentence}")
    for position, (_, channel) in enumerate(_defined(schedule, entries)):
        if isinstance(channel, str):
            errors.setdefault("params", []).append(f"{_parameter(schedule)}.{position}: {channel}")
            continue
        try:
            channel.clean()
        except ValidationError as refused:
            errors.setdefault("params", []).append(f"{_parameter(schedule)}.{position}: {' '.join(refused.messages)}")


def take_apart(schedule: Schedule, *, by: str) -> list[Channel]:
    """Store what `check` has accepted, put names in its place in the parameters, and return the channels."""
    entries = _entries(schedule)
    found = dict(_defined(schedule, entries))
    own = []
    for position, channel in found.items():
        if not isinstance(channel, Channel):
            continue
        if channel._state.adding or _differs(channel):
            channel.store(by=by)
        entries[position] = channel.name
        own.append(channel)
    if own:
        schedule.params = {**schedule.params, _parameter(schedule): entries}
    return own


def keep(schedule: Schedule, own: list[Channel]) -> None:
    """Give the channels to the stored schedule, and delete those of its own that it names no more."""
    new = [one.pk for one in own if one.schedule_id != schedule.pk]
    if new:
        Channel.objects.filter(pk__in=new).update(schedule_id=schedule.pk)
    if _parameter(schedule):
        named = [one for one in _entries(schedule) if isinstance(one, str)]
        for channel in Channel.objects.filter(schedule_id=schedule.pk).exclude(name__in=named):
            channel.remove(by=schedule.updated_by)


def _parameter(schedule: Schedule) -> str:
    kind = registry.job_types().get(schedule.job_type)
    return kind.inline_channels if kind else ""


def _entries(schedule: Schedule) -> list[Any]:
    found = schedule.params.get(_parameter(schedule)) if isinstance(schedule.params, dict) else None
    return list(found) if isinstance(found, list) else []


def _defined(schedule: Schedule, entries: list[Any]) -> list[tuple[int, Channel | str]]:
    """Return position → channel, unsaved, of each definition; a sentence where it names no kind of channel."""
    named = [one for one in entries if isinstance(one, str)]
    own = Channel.objects.filter(schedule_id=schedule.pk or 0).exclude(name__in=named)
    spare, taken = list(own.order_by("pk")), set(named)
    found: list[tuple[int, Channel | str]] = []
    for position, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            continue
        name, values = _read(entry)
        try:
            kind = kind_of(name)
        except Refused as refused:
            found.append((position, str(refused)))
            continue
        channel = next((one for one in spare if one.kind == name), None)
        if channel is None:
            channel = Channel(name=_free_name(schedule, name, taken), kind=name, environment=schedule.environment)
        else:
            spare.remove(channel)
            channel.environment = schedule.environment
            place = kind.Settings.destination
            if channel.shown.get(place) == values.get(place):
                values = {**dict.fromkeys(kind.Settings.made_here, MASK), **values}
        taken.add(channel.name)
        channel.offer(values)
        found.append((position, channel))
    return found


def _read(entry: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the kind and the settings of a definition; `channel` is the kind where no `kind` is given."""
    names = "kind" if "kind" in entry else "channel"
    return str(entry.get(names, "")), {key: value for key, value in entry.items() if key != names}


def _free_name(schedule: Schedule, kind: str, taken: set[str]) -> str:
    """Return a name that no channel has."""
    stem = f"{schedule.name[:200]}: {kind}"
    used = taken.union(Channel.objects.filter(name__startswith=stem).values_list("name", flat=True))
    candidates = [stem, *(f"{stem} {number}" for number in range(2, len(used) + 3))]
    return next(name for name in candidates if name not in used)


def _differs(channel: Channel) -> bool:
    """Tell whether what was offered, and read by `clean`, is other than what is stored."""
    channel.clean()
    stored = Channel.objects.get(pk=channel.pk)
    return (stored.shown, stored.secrets, stored.environment) != (
        channel.shown,
        channel.secrets,
        channel.environment,
    )
