"""Load catalogs from files: all of one or nothing, in place where its key is known."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from integrations import audit
from jobtypes.compliance import oscal, profiles
from jobtypes.compliance.oscal import Read, ReadControl, Unreadable
from jobtypes.models import Catalog, Control

TOLD = ("label", "title", "text", "family", "depth", "position", "withdrawn")  # of a control, besides its parent
BATCH = 500


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading came to; `outcome` is created, updated or unchanged."""

    catalog: Catalog
    outcome: str
    read: Read
    dropped: int = 0

    def sentence(self) -> str:
        """Say it to a person."""
        counts = self.read.counts
        lost = f" {self.dropped} that the file has no more are kept for their results only." if self.dropped else ""
        return (
            f"{self.catalog.key} {self.outcome}: {counts['base']} base controls, {counts['enhancements']} "
            f"enhancements, {counts['withdrawn']} withdrawn.{lost}"
        )


def read_file(path: Path, limit: int = oscal.MOST_BYTES) -> bytes:
    """Return the bytes of a local file; raises Unreadable for what is no file, or larger than `limit`."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable(f"{path} is no file.")
        if found.st_size > limit:
            raise Unreadable(f"{path} is larger than {limit // 1024**2} MiB.")
        with path.open("rb") as opened:
            return opened.read(limit + 1)
    except (OSError, ValueError) as refused:
        why = refused.strerror if isinstance(refused, OSError) and refused.strerror else str(refused)
        raise Unreadable(f"{path} cannot be read: {why}.") from None


def read(path: Path, *, resolve: bool = False) -> tuple[Read, str]:
    """Return what a file holds and its SHA-256; raises Unreadable with a sentence that names the file."""
    raw = read_file(path)
    try:
        found = profiles.resolve(path, read_file) if resolve else oscal.read(raw)
    except Unreadable as refused:
        said = str(refused)
        raise Unreadable(said if said.startswith(str(path)) else f"{path}: {said}") from None
    return found, sha256(raw).hexdigest()


def key_of(path: Path) -> str:
    """Return the key of a catalog for which none is given: its file's name without what follows the last dot."""
    return path.stem[:100]


def load(found: Read, digest: str, key: str, *, by: str) -> Loaded:
    """Store a catalog and its controls in one transaction; raises ValidationError for a key that is none.

    Controls that the file has no more stay, unlisted: results name them.
    """
    draft = Catalog(key=key, sha256=digest, loaded_at=timezone.now())
    draft.clean()
    with transaction.atomic():
        catalog = Catalog.objects.select_for_update().filter(key=draft.key).first()
        before = catalog.recorded() if catalog else {}
        catalog = catalog or draft
        new, now = catalog._state.adding, timezone.now()
        for name in ("title", "version", "framework", "baseline", "reading"):
            setattr(catalog, name, getattr(found, name))
        catalog.sha256 = digest
        catalog.full_clean()
        if new:
            catalog.save()
        changed, dropped = _store_controls(catalog, _titled(found), now)
        after = catalog.recorded()
        if not new and not changed and before == after:
            return Loaded(catalog, "unchanged", found)
        catalog.loaded_at = now
        catalog.save()
        counted = {**after, "controls": len(found.controls)}
        audit.record("create" if new else "update", catalog, by=by, before=before, after=counted)
        return Loaded(catalog, "created" if new else "updated", found, dropped)


def _titled(found: Read) -> list[ReadControl]:
    """Return the controls; those of a plain profile with the titles that a loaded catalog has, the newest first."""
    if found.reading != Catalog.Reading.PLAIN:
        return list(found.controls)
    ids = [one.control_id for one in found.controls]
    known = Control.objects.listed().filter(control_id__in=ids).exclude(catalog__reading=Catalog.Reading.PLAIN)
    texts = {
        control_id: ReadControl(control_id, label, title, text)
        for control_id, label, title, text in known.order_by("catalog__loaded_at", "pk").values_list(
            "control_id", "label", "title", "text"
        )
    }
    return [texts.get(one.control_id, one) for one in found.controls]


def _store_controls(catalog: Catalog, controls: list[ReadControl], now: datetime) -> tuple[bool, int]:
    """Make the catalog's controls those of the file; return whether anything changed, and how many were dropped."""
    there = {one.control_id: one for one in catalog.controls.all()}
    made, altered = [], []
    for position, one in enumerate(controls):
        wanted = _columns(one, position)
        row = there.get(one.control_id)
        if row is None:
            row = there[one.control_id] = Control(catalog=catalog, control_id=one.control_id, **wanted)
            made.append(row)
        elif row.dropped_at or any(getattr(row, name) != value for name, value in wanted.items()):
            row.dropped_at = None
            for name, value in wanted.items():
                setattr(row, name, value)
            altered.append(row)
    Control.objects.bulk_create(made, batch_size=BATCH)
    Control.objects.bulk_update(altered, [*TOLD, "dropped_at"], batch_size=BATCH)
    moved = []
    for one in controls:
        row = there[one.control_id]
        parent = there[one.parent].pk if one.parent else None
        if row.parent_id != parent:
            row.parent_id = parent
            moved.append(row)
    Control.objects.bulk_update(moved, ["parent"], batch_size=BATCH)
    kept = {one.control_id for one in controls}
    gone = [row.pk for row in there.values() if row.control_id not in kept and row.dropped_at is None]
    Control.objects.filter(pk__in=gone).update(dropped_at=now, parent=None)
    return bool(made or altered or moved or gone), len(gone)


def _columns(one: ReadControl, position: int) -> dict[str, Any]:
    return {
        "label": one.label,
        "title": one.title,
        "text": one.text,
        "family": one.family,
        "depth": one.depth,
        "position": position,
        "withdrawn": one.withdrawn,
    }
