"""Walk the audit trail from its first entry to its last, and say where it was tampered with. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import OperationalError, connection
from django.db.models import Subquery, TextField
from django.db.models.functions import Cast

from integrations.trail import AuditEntry, AuditHead, AuditLink, linked

AT_ONCE = 1_000
POSTGRESQL_GUARDS = {
    "audit_is_chained on integrations_auditentry",
    "audit_is_kept on integrations_auditentry",
    "audit_is_kept on integrations_auditlink",
    "audit_is_kept on integrations_audithead",
    "audit_moves_on on integrations_audithead",
}
SQLITE_GUARDS = {
    "audit_is_chained on integrations_auditentry",
    *(
        f"{table}_{verb} on {table}"
        for table in ("integrations_auditentry", "integrations_auditlink", "integrations_audithead")
        for verb in ("update", "delete")
    ),
}


class Broken(Exception):
    """The first place where the trail is not as it was written; `entry_id` names the row, if one is left to name."""

    def __init__(self, entry_id: int | None, sentence: str) -> None:
        super().__init__(sentence)
        self.entry_id = entry_id


class Head(NamedTuple):
    """Where the chain ends, as it is stored, and the last position that there is."""

    position: int
    digest: str
    last: int | None


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk found: how many entries are in order, the digest after the last of them, and what is broken."""

    entries: int
    digest: str
    broken: Broken | None = None


def walk(told: Callable[[int, int], None] = lambda done, total: None) -> Walked:
    """Check each entry against its digest, its place in the chain, and the stored head; tell how far it came."""
    begun = AuditLink.objects.exists()
    newest = AuditLink.objects.order_by("-position").values("position")[:1]
    heads = AuditHead.objects.filter(pk=1).annotate(last=Subquery(newest))
    head = Head(*(heads.values_list("position", "digest", "last").first() or (0, "", 0)))
    done, digest, place = 0, "", -(2**63)
    try:
        if begun and not head.digest:
            raise Broken(None, "The head of the chain is missing: it was removed.")
        while links := list(_links_after(place, head.position)):
            entries = _entries([link.entry_id for link in links])
            for link in links:
                _check(link, entries.get(link.entry_id), done + 1, digest)
                done, digest, place = done + 1, link.digest, link.position
            told(done, head.position)
        _check_end(head, done, digest)
    except Broken as broken:
        return Walked(done, digest, broken)
    return Walked(done, digest)


def missing_guards() -> list[str]:
    """Return the triggers that should guard the trail and are not there: "name on table"."""
    on_postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if on_postgresql:
            cursor.execute(
                "SELECT tgname, tgrelid::regclass::text FROM pg_trigger "
                "WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgname LIKE 'audit%%'"
            )
        else:
            cursor.execute("SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'")
        found = {f"{name} on {table.strip(chr(34))}" for name, table in cursor.fetchall()}
    return sorted((POSTGRESQL_GUARDS if on_postgresql else SQLITE_GUARDS) - found)


def _check(link: AuditLink, row: dict[str, Any] | None, position: int, before: str) -> None:
    if link.position != position:
        raise Broken(link.entry_id, f"Before entry {link.entry_id}, link {position} of the chain is missing.")
    if row is None:
        raise Broken(link.entry_id, f"Entry {link.entry_id} is missing: it was removed.")
    what = f"Entry {link.entry_id} ({row['act']} {row['kind']} {row['name']})"
    if _digest(row) != row["digest"]:
        raise Broken(link.entry_id, f"{what} was changed after it was written.")
    if linked(before, link.entry_id, row["digest"]) != link.digest:
        raise Broken(link.entry_id, f"{what} does not fit the entry before it: one of them was changed or put there.")


def _check_end(head: Head, done: int, digest: str) -> None:
    if done < head.position:
        raise Broken(None, f"The tail was cut off: {head.position} entries were written, {done} are left.")
    if digest != head.digest:
        raise Broken(None, "The head of the chain was changed: it does not fit the last entry.")
    if (head.last or 0) > head.position:
        raise Broken(None, f"Links were added behind the head of the chain, which is at {head.position}.")
    loose = AuditEntry.objects.filter(link=None).order_by("pk").values_list("pk", flat=True).first()
    if loose is not None:
        raise Broken(loose, f"Entry {loose} is not in the chain: it was put there, or its link was removed.")


def _digest(row: dict[str, Any]) -> str:
    """Return the digest of a row as it is stored; "" where its moment is none."""
    text = str(row["at_text"])
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return ""
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if connection.vendor == "sqlite" and text != at.replace(tzinfo=None).isoformat(" "):
        return ""
    columns = {name: value for name, value in row.items() if name not in {"at_text", "digest"}}
    return AuditEntry(at=at, **columns).content_digest()


def _entries(ids: list[int]) -> dict[int, dict[str, Any]]:
    """Return the entries of these ids as they are stored; raises Broken where the database cannot read one."""
    try:
        return {row["id"]: row for row in _rows(ids)}
    except OperationalError:
        for pk in ids:
            try:
                list(_rows([pk]))
            except OperationalError:
                raise Broken(pk, f"Entry {pk} cannot be read: it was changed after it was written.") from None
        raise


def _rows(ids: list[int]) -> Any:
    names = [field.attname for field in AuditEntry._meta.concrete_fields if field.attname != "at"]
    stored = AuditEntry.objects.annotate(at_text=Cast("at", TextField()))
    return stored.filter(pk__in=ids).values(*names, "at_text")


def _links_after(position: int, until: int) -> Any:
    return AuditLink.objects.filter(position__gt=position, position__lte=until).order_by("position")[:AT_ONCE]
