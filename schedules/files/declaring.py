"""Bring connections, channels, calendars, tag limits and templates to what their entries say.

Fields that an entry leaves out have their default. Each function stores through the model's own gate, within the
caller's transaction, and takes its part back where that changed nothing. Raises what serializers and models raise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from integrations.audit import Hidden
from integrations.channels import KINDS
from integrations.kinds import sftp, sql
from integrations.models import Channel, Connection
from integrations.outbox_serializers import SETTINGS, ChannelSerializer, by_setting
from integrations.secrecy import masked
from integrations.secrets import MASK
from integrations.serializers import POSTGRESQL, SECRETS, ConnectionSerializer, with_kind
from schedules.calendars import effects
from schedules.calendars.serializers import CalendarSerializer, fill
from schedules.files.entries import Entry
from schedules.files.plan import Step
from schedules.limits import TagLimit
from schedules.limits_api import TagLimitSerializer
from schedules.models import Calendar, Template
from schedules.patterns.serializers import TemplateSerializer

ACTOR = "schedule files"
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where files are taken over: the working directory, and whether to say which fire times change."""

    folder: Path
    tells_fires: bool = True
    context: dict[str, Any] = field(
        default_factory=lambda: {"request": SimpleNamespace(user=User(username=ACTOR, is_superuser=True))}
    )


def connection(entry: Entry, desk: Desk) -> Step:
    """Store a connection. A relative path is meant from the working directory, and may lie anywhere: of an SQLite
    file, and of a private key as `key_path`."""
    row = Connection.objects.filter(name=entry.name).first()
    values = {**_plain_texts(ConnectionSerializer), **with_kind(entry.values)}
    kind = {POSTGRESQL: "sql"}.get(str(values.get("kind")), str(values.get("kind")))
    secrets = SECRETS.get(kind, ())
    values |= {name: empty for name, empty in (("headers", {}), ("private_key", "")) if name in secrets} | values
    if "private_key" in secrets and "key_path" in values:
        values["private_key"] = _text_of(desk.folder / Path(str(values.pop("key_path"))).expanduser())
    checked = _checked(ConnectionSerializer(row, data={**values, "name": entry.name}, context=desk.context))
    own = {name: checked.pop(name) for name in secrets if name in checked}
    notes = []
    if checked["kind"] == Connection.Kind.SQL:
        checked["address"], file = sql.from_here(checked["address"], desk.folder)
        if row is not None and file is not None and sql.is_under_root(row.as_stored(), file):
            checked["address"] = row.address  # the same file, by its shorter name
        else:
            own["file"] = str(file or "")
        if file is not None and not file.exists():
            notes.append(f"There is no file {file} yet; it is not made here, and runs fail until it is there.")

    def store(stored: Connection) -> Values:
        for name, value in checked.items():
            setattr(stored, name, value)
        stored.offer(own or None)
        stored.store(by=ACTOR)
        return stored.recorded()

    before = row.recorded() if row else {}
    return step(entry, before, lambda: store(row or Connection()), warnings=notes)


def channel(entry: Entry, desk: Desk) -> Step:
    """Store a channel. What is made here, such as a signing secret, stays unless the file has its own."""
    row = Channel.objects.filter(name=entry.name, schedule_id=None).first()
    values = {**_plain_texts(ChannelSerializer), **entry.values}
    checked = _checked(ChannelSerializer(row, data={**values, "name": entry.name}, context=desk.context))
    sent = {name: checked.pop(name) for name in SETTINGS if name in checked}
    kept = _kept(row, str(checked["kind"]), sent) if row else {}
    notes: list[str] = []

    def store(stored: Channel) -> Values:
        for name, value in checked.items():
            setattr(stored, name, value)
        stored.offer({**kept, **sent})
        try:
            stored.store(by=ACTOR)
        except ValidationError as refused:
            raise by_setting(refused) from None
        if stored.revealed:
            notes.append(f"A {', '.join(stored.revealed)} was made for it; make a new one in the workshop to see it.")
        return stored.recorded()

    return step(entry, row.recorded() if row else {}, lambda: store(row or Channel()), notes=notes)


def calendar(entry: Entry, desk: Desk) -> Step:
    """Store a calendar as a new version."""
    row = Calendar.objects.filter(name=entry.name).first()
    values = {**_plain_texts(CalendarSerializer), **entry.values}
    checked = _checked(CalendarSerializer(row, data={**values, "name": entry.name}, context=desk.context))
    why = checked.pop("reason", "") or f"From {entry.place}."
    fires: list[str] = []

    def store(stored: Calendar) -> Values:
        stored.definition = {}
        fill(stored, checked)
        if row and desk.tells_fires:
            stored.full_clean()
            fires.append(effects.of_change(Calendar.objects.get(pk=row.pk), stored, timezone.now()).sentence())
        stored.store(by=ACTOR, why=why)
        return stored.recorded()

    return step(entry, row.recorded() if row else {}, lambda: store(row or Calendar()), fires=fires)


def tag_limit(entry: Entry, desk: Desk) -> Step:
    """Store a limit of a tag."""
    row = TagLimit.objects.filter(tag=entry.name).first()
    serializer = TagLimitSerializer(row, data={"note": "", **entry.values, "tag": entry.name}, context=desk.context)
    _checked(serializer)
    return step(entry, row.recorded() if row else {}, lambda: serializer.save().recorded())


def template(entry: Entry, desk: Desk) -> Step:
    """Store a template as a new version; no schedule changes by it."""
    row = Template.objects.filter(name=entry.name).first()
    values = {"description": "", "environment": "", "parameters": [], **entry.values}
    checked = _checked(TemplateSerializer(row, data={**values, "name": entry.name}, context=desk.context))
    why = checked.pop("reason", "") or f"From {entry.place}."

    def store(stored: Template) -> Values:
        for name, value in checked.items():
            setattr(stored, name, value)
        stored.store(by=ACTOR, why=why)
        return stored.recorded()

    return step(entry, row.recorded() if row else {}, lambda: store(row or Template()))


def step(
    entry: Entry,
    before: Values,
    store: Callable[[], Values],
    *,
    notes: Sequence[str] = (),
    warnings: Sequence[str] = (),
    fires: Sequence[str] = (),
) -> Step:
    """Store and return what that did; where nothing differs, take it back. `warnings` are told also then."""
    with transaction.atomic():
        before, after = _with_lists(before), _with_lists(store())
        same = before == after
        if same:
            transaction.set_rollback(True)
    return Step(
        "unchanged" if same else "update" if before else "create",
        entry.section,
        entry.name,
        environment=entry.environment,
        file=entry.document.file,
        line=entry.line,
        changes=differences(before, after) if before else {},
        fires="" if same else " ".join(fires),
        notes=(*warnings, *(() if same else notes)),
    )


def differences(before: Values, after: Values) -> dict[str, tuple[Any, Any]]:
    """Return field → (before, after) for what differs, inner fields of mappings with dots; secrets are masked."""
    found: dict[str, tuple[Any, Any]] = {}
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            found |= {f"{name}.{inner}": pair for inner, pair in differences(old, new).items()}
        elif isinstance(old, Hidden) or isinstance(new, Hidden):
            found[name] = (old and MASK, new and f"{MASK} (new)")
        else:
            found[name] = (masked(_open(old), name, hidden=MASK), masked(_open(new), name, hidden=MASK))
    return found


def _checked(serializer: Any) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _text_of(key: Path) -> str:
    """Return a file that holds a private key; raises ValidationError on `key_path`."""
    try:
        with key.open(encoding="ascii") as file:
            return file.read(sftp.LONGEST_KEY + 1)
    except (OSError, ValueError) as wrong:
        why = wrong.strerror if isinstance(wrong, OSError) else "it holds more than plain text"
        raise ValidationError({"key_path": [f"{key} cannot be read: {why}."]}) from None


def _plain_texts(serializer: Any) -> dict[str, str]:
    """Return the texts that are empty where a file leaves them out."""
    return dict.fromkeys({"description", "environment"} & serializer().fields.keys(), "")


def _kept(row: Channel, kind: str, sent: Values) -> dict[str, str]:
    """Return masks for secrets that were made here and stay, unless the channel leads elsewhere now."""
    own = KINDS[row.kind].Settings
    moved = bool(own.destination) and row.shown.get(own.destination) != sent.get(own.destination)
    return {} if kind != row.kind or moved else {name: MASK for name in own.made_here if name in row.masked}


def _with_lists(value: Any) -> Any:
    """Return a value with lists for tuples, which are the same once they are stored."""
    if isinstance(value, dict):
        return {key: _with_lists(one) for key, one in value.items()}
    return [_with_lists(one) for one in value] if isinstance(value, list | tuple) else value


def _open(value: Any) -> Any:
    """Return a value as plain JSON, moments as texts."""
    if isinstance(value, dict):
        return {str(key): _open(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_open(one) for one in value]
    if isinstance(value, Hidden):
        return MASK
    return value if value is None or isinstance(value, bool | int | float) else str(value)
