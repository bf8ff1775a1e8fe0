"""Bring catalogs and systems to what their entries say, and read environments as another program declares them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from jobtypes.compliance import catalogs
from jobtypes.compliance.oscal import Unreadable
from jobtypes.compliance.serializers import SystemSerializer
from jobtypes.models import Catalog, System
from schedules.files.declaring import ACTOR, Desk, differences, step
from schedules.files.entries import Entry
from schedules.files.plan import Step

ACTIONS = {"created": "create", "updated": "update", "unchanged": "unchanged"}
READ = ("name", "description")  # of an environment


def catalog(entry: Entry, desk: Desk) -> Step:
    """Load a catalog from `path`: from the working directory, else from beside the file that declares it."""
    path, resolve = entry.values.get("path"), entry.values.get("resolve", False)
    if unknown := [name for name in entry.values if name not in {"path", "resolve"}]:
        raise ValidationError({unknown[0]: ["There is no such field. Possible: path, resolve."]})
    if not isinstance(path, str) or not path or "\0" in path:
        raise ValidationError({"path": ["Write the path of an OSCAL file."]})
    if not isinstance(resolve, bool):
        raise ValidationError({"resolve": ["Write true or false."]})
    row = Catalog.objects.filter(key=entry.name).first()
    before = row.recorded() if row else {}
    try:
        found, digest = catalogs.read(_file(path, entry, desk), resolve=resolve)
    except Unreadable as refused:
        raise ValidationError({"path": [str(refused)]}) from None
    loaded = catalogs.load(found, digest, entry.name, by=ACTOR)
    return Step(
        ACTIONS[loaded.outcome],
        entry.section,
        entry.name,
        file=entry.document.file,
        line=entry.line,
        changes=differences(before, loaded.catalog.recorded()) if before else {},
        notes=() if loaded.outcome == "unchanged" else (loaded.sentence(),),
    )


def system(entry: Entry, desk: Desk) -> Step:
    """Store a system."""
    values = {"description": "", "attributes": {}, **entry.values, "name": entry.name}
    return _system(entry, values, desk)


def environment(entry: Entry, desk: Desk) -> Step:
    """Read an environment: one without systems is a system itself, of its name; what else it has is not used."""
    unused = [name for name in entry.values if name not in READ]
    notes = [f"{name} is not used: Carillon keeps all in its own database." for name in unused]
    name, description = (entry.values.get(one) for one in READ)
    for field, value in (("name", name), ("description", description)):
        if value is not None and not isinstance(value, str):
            raise ValidationError({field: ["Write a text."]})
    own = name or entry.name
    others = System.objects.in_environment(entry.name).exclude(name=own)
    if others.exists():
        return Step(
            "unchanged", entry.section, entry.name, file=entry.document.file, line=entry.line, notes=tuple(notes)
        )
    values = {"name": own, "environment": entry.name, "description": description or ""}
    return _system(entry, values, desk, warnings=notes)


def said(row: System) -> dict[str, Any]:
    """Return the fields of a system as a file declares them."""
    more = {name: getattr(row, name) for name in ("description", "attributes") if getattr(row, name)}
    return {"environment": row.environment, **more}


def _system(entry: Entry, values: dict[str, Any], desk: Desk, warnings: list[str] | None = None) -> Step:
    row = System.objects.filter(name=values["name"]).first()
    serializer = SystemSerializer(row, data=values, context=desk.context)
    serializer.is_valid(raise_exception=True)
    before = row.recorded() if row else {}
    return step(entry, before, lambda: serializer.save().recorded(), warnings=warnings or [])


def _file(path: str, entry: Entry, desk: Desk) -> Path:
    found = desk.folder / Path(path).expanduser()
    beside = desk.folder / Path(entry.document.file).parent / Path(path).expanduser()
    return beside if not found.exists() and beside.exists() else found
