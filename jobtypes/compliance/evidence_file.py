"""Read a file of evidence: an object of types, or a manifest of artifacts. Pure.

`null`, `false` and empty text are no evidence: they are reported and left out, unless they are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from integrations.naming import has_control_characters
from integrations.rest import strict_json
from integrations.rest.strict_json import NotJSON

MOST_BYTES = 16 * 1024 * 1024
MOST_NESTED = 200_000
MOST = 5_000  # pieces of evidence in one file
LARGEST = 2**63 - 1
HASH = re.compile("[0-9a-f]{64}")
LONGEST = {"evidence_type": 100, "key": 500, "path": 1000, "filename": 500, "source": 200, "collector_version": 100}
MOMENTS = {"timestamp": "collected_at", "collected_at": "collected_at", "expires_at": "expires_at"}


class Unreadable(Exception):
    """The file holds no evidence that can be taken; the message is a sentence that says where and why."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence as its file has it; `collected_at` is None where the file does not say when."""

    evidence_type: str
    key: str
    data: Any
    path: str = ""
    filename: str = ""
    source: str = ""
    sha256: str = ""
    size: int | None = None
    collected_at: datetime | None = None
    expires_at: datetime | None = None
    collector_version: str = ""
    signature: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ManifestHead:
    """What a manifest says of itself."""

    environment: str
    version: str
    overall_hash: str
    signature: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds, and what was left out of it, a sentence each."""

    pieces: tuple[Piece, ...]
    skipped: tuple[str, ...] = ()
    manifest: ManifestHead | None = None


def read(raw: bytes, *, keep_empty: bool = False) -> Contents:
    """Return what a file of evidence holds; raises Unreadable."""
    try:
        value = strict_json.loads(raw.removeprefix(b"\xef\xbb\xbf"), most_nested=MOST_NESTED)
    except NotJSON as refused:
        raise Unreadable(str(refused).replace("The body", "The file")) from None
    if not isinstance(value, dict):
        raise Unreadable("It is no evidence: an object of types, or a manifest with artifacts.")
    is_manifest = isinstance(value.get("artifacts"), list)
    found = _of_manifest(value) if is_manifest else _of_object(value, keep_empty=keep_empty)
    pieces: list[Piece] = []
    skipped: list[str] = []
    for one in found:
        if isinstance(one, Piece):
            pieces.append(one)
        else:
            skipped.append(one)
    if len(pieces) > MOST:
        raise Unreadable(f"It holds more than {MOST:,} pieces of evidence.")
    seen: set[tuple[str, str]] = set()
    for piece in pieces:
        if (piece.evidence_type, piece.key) in seen:
            raise Unreadable(f"It has {piece.evidence_type} with the key {piece.key!r} twice.")
        seen.add((piece.evidence_type, piece.key))
    return Contents(tuple(pieces), tuple(skipped), _head(value) if is_manifest else None)


def is_empty(value: Any) -> bool:
    """Tell whether a value is no evidence: null, false, or text of nothing but blanks."""
    return value is None or value is False or (isinstance(value, str) and not value.strip())


def _of_object(value: dict[str, Any], *, keep_empty: bool) -> Iterator[Any]:
    for name, details in value.items():
        if is_empty(details) and not keep_empty:
            shown = {None: "null", False: "false"}.get(details, "empty text")
            yield f"{name} is {shown}, which is no evidence."
        elif isinstance(details, dict):
            yield _piece(name, details, details, name)
        elif isinstance(details, str) and details.strip():
            yield _piece(name, {"path": details.strip()}, details, name)
        else:
            yield _piece(name, {"attributes": {"value": details}}, details, name)


def _of_manifest(value: dict[str, Any]) -> Iterator[Any]:
    collected_at = value.get("created_at") or value.get("timestamp")
    for number, artifact in enumerate(value["artifacts"], 1):
        if not isinstance(artifact, dict):
            raise Unreadable(f"Artifact {number} is no object.")
        metadata = artifact.get("metadata") or {}
        if not isinstance(metadata, dict):
            raise Unreadable(f"The metadata of artifact {number} is no object.")
        called = artifact.get("key") or artifact.get("filename") or f"number {number}"
        if is_empty(metadata.get("kind")):
            yield f"Artifact {called} has no metadata.kind, so it is of no type."
            continue
        said = {name: one for name, one in metadata.items() if name in {*MOMENTS, "source"}}
        said |= {name: one for name, one in artifact.items() if name not in {"metadata", "created_at"}}
        said.setdefault("timestamp", artifact.get("created_at") or collected_at)
        said["attributes"] = {name: one for name, one in metadata.items() if name not in {*said, "kind"}}
        yield _piece(metadata["kind"], said, artifact, artifact.get("filename") or metadata["kind"])


def _piece(evidence_type: Any, details: dict[str, Any], data: Any, key: Any) -> Piece:
    """Return one piece; what is no field of evidence is among its attributes."""
    where = evidence_type if isinstance(evidence_type, str) else "A kind"
    moments = {own: _moment(details[name], where, name) for name, own in MOMENTS.items() if details.get(name)}
    attributes = details.get("attributes") or {}
    if not isinstance(attributes, dict):
        raise Unreadable(f"{where}: attributes is no object.")
    known = {*LONGEST, *MOMENTS, "sha256", "size", "signature", "attributes"}
    return Piece(
        evidence_type=_line(evidence_type, where, "evidence_type", needed=True),
        key=_line(details.get("key") or key, where, "key", needed=True),
        data=data,
        path=_line(details.get("path"), where, "path"),
        filename=_line(details.get("filename"), where, "filename"),
        source=_line(details.get("source"), where, "source"),
        sha256=_hash(details.get("sha256"), where, "sha256"),
        size=_size(details.get("size"), where),
        collected_at=moments.get("collected_at"),
        expires_at=moments.get("expires_at"),
        collector_version=_line(details.get("collector_version"), where, "collector_version"),
        signature=_signature(details.get("signature"), where),
        attributes={**attributes, **{name: one for name, one in details.items() if name not in known}},
    )


def _head(value: dict[str, Any]) -> ManifestHead:
    words = {}
    for name, longest in (("environment", 50), ("version", 100)):
        found = value.get(name)
        found = str(found) if isinstance(found, int | float) and not isinstance(found, bool) else found or ""
        if not isinstance(found, str) or len(found) > longest or has_control_characters(found):
            raise Unreadable(f"{name} is a text of at most {longest} characters.")
        words[name] = found.strip()
    return ManifestHead(
        **words,
        overall_hash=_hash(value.get("overall_hash"), "The manifest", "overall_hash"),
        signature=_signature(value.get("signature"), "The manifest"),
    )


def _line(value: Any, where: str, name: str, *, needed: bool = False) -> str:
    if value is None and not needed:
        return ""
    longest = LONGEST[name]
    if not isinstance(value, str) or len(value) > longest or has_control_characters(value):
        raise Unreadable(f"{where[:100]}: {name} is a text of at most {longest} characters on one line.")
    if needed and not value.strip():
        raise Unreadable(f"{where[:100]}: {name} is empty.")
    return value.strip()


def _hash(value: Any, where: str, name: str) -> str:
    if value is None or value == "":
        return ""
    found = value.strip().lower().removeprefix("sha256:") if isinstance(value, str) else ""
    if not HASH.fullmatch(found):
        raise Unreadable(f"{where}: {name} is no SHA-256, which is 64 digits of 0 to 9 and a to f.")
    return found


def _size(value: Any, where: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST:
        raise Unreadable(f"{where}: size is a whole number of bytes, 0 or more.")
    return value


def _signature(value: Any, where: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 20_000:
        raise Unreadable(f"{where}: signature is a text of at most 20,000 characters.")
    return value


def _moment(value: Any, where: str, name: str) -> datetime:
    """Return a moment as aware UTC; one without an offset is of UTC."""
    wrong = Unreadable(f"{where}: {name} is no moment; write one such as 2027-01-01T00:00:00Z.")
    if not isinstance(value, str):
        raise wrong
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        raise wrong from None
    if not 1900 <= found.year <= 2199:
        raise wrong
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
