"""Load what a file of evidence holds, all of it or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from integrations import audit
from jobtypes.compliance.evidence_file import Contents, ManifestHead, Piece
from jobtypes.models import Evidence, Manifest, ManifestEntry, System

COLUMNS = ("path", "filename", "source", "sha256", "size", "expires_at")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading came to: how many pieces are new, changed, or said what was known."""

    system: System
    created: int
    updated: int
    unchanged: int
    skipped: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def sentences(self) -> list[str]:
        """Say it to a person."""
        counted = (
            f"{self.system.name}: {self.created} created, {self.updated} updated, {self.unchanged} unchanged, "
            f"{len(self.skipped)} skipped."
        )
        return [counted, *(f"Skipped: {one}" for one in self.skipped), *self.notes]


def load(found: Contents, system: System, digest: str, *, by: str) -> Loaded:
    """Store what a file holds as evidence of a system, in one transaction; `digest` is the file's SHA-256.

    A piece that says what is known makes no new version. Raises ValidationError.
    """
    counts = {"created": 0, "updated": 0, "unchanged": 0}
    with transaction.atomic(), audit.together():
        rows = {(one.evidence_type, one.key): one for one in Evidence.objects.filter(system=system)}
        for piece in found.pieces:
            counts[_store(piece, system, rows.get((piece.evidence_type, piece.key)), by=by)] += 1
        notes = _keep_manifest(found.manifest, found, system, digest, by=by) if found.manifest else ()
    return Loaded(system=system, skipped=found.skipped, notes=notes, **counts)


def _store(piece: Piece, system: System, row: Evidence | None, *, by: str) -> str:
    new = row is None
    evidence = row or Evidence(system=system, evidence_type=piece.evidence_type, key=piece.key)
    evidence.system = system
    wanted: dict[str, Any] = {name: getattr(piece, name) for name in COLUMNS}
    wanted |= {"attributes": dict(piece.attributes), "collected_at": piece.collected_at}
    same = not new and all(getattr(evidence, name) == value for name, value in wanted.items())
    if same and evidence.deleted_at is None:
        return "unchanged"
    for name, value in wanted.items():
        setattr(evidence, name, value)
    evidence.collected_at = piece.collected_at or timezone.now()
    evidence.store(by=by, data=piece.data, collector_version=piece.collector_version, signature=piece.signature)
    return "created" if new else "updated"


def _keep_manifest(head: ManifestHead, found: Contents, system: System, digest: str, *, by: str) -> tuple[str, ...]:
    """Keep a manifest with its entries, once for each file and environment; return what is odd about it."""
    environment = head.environment or system.environment
    odd: tuple[str, ...] = ()
    if environment != system.environment:
        odd = (f"The manifest is of {environment}, and {system.name} of {system.environment}.",)
    if Manifest.objects.filter(environment=environment, sha256=digest).exists():
        return odd
    manifest = Manifest(
        environment=environment,
        version=head.version,
        overall_hash=head.overall_hash,
        signature=head.signature,
        sha256=digest,
    )
    manifest.full_clean()
    manifest.save()
    keyed = {piece.key: piece for piece in found.pieces}
    ManifestEntry.objects.bulk_create(
        ManifestEntry(manifest=manifest, key=key, filename=one.filename, sha256=one.sha256, size=one.size)
        for key, one in keyed.items()
    )
    told = {"version": head.version, "overall_hash": head.overall_hash, "entries": len(keyed)}
    audit.record("create", manifest, by=by, after=told)
    return odd
