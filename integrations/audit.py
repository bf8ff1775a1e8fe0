"""Write down what is changed, in the transaction of the change. Every verb of a model calls `record`.

A way in says once who acts (`acting`); where nobody did, the `by` of the verb is the actor.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

import structlog
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from integrations.acting import Acting, acting, because, current, system_user, together
from integrations.secrecy import masked
from integrations.secrets import MASK
from integrations.trail import AuditEntry, canonical, kind_of

__all__ = ["Acting", "Hidden", "acting", "because", "current", "kind_of", "record", "system_user", "together"]

ENGINE = "Carillon"
LONGEST = 20_000  # characters of JSON that one field may take


class Hidden:
    """A secret on its way into the trail: it can be compared, and is written as `***`."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hidden) and other.value == self.value

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return MASK


def record(
    act: str,
    subject: models.Model | type[models.Model],
    *,
    by: str = "",
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    source: str = "",
) -> None:
    """Write that `act` was done to `subject`; of `before` and `after` only what differs is kept, secrets masked.

    Call it inside the change's transaction, before a row is deleted. A class as subject means none of its rows.
    `source` overrules the way in that is known: pass "engine" where the engine acts by itself.
    """
    who = Acting(source=source) if source == AuditEntry.Source.ENGINE else current()
    name, user_id = who.actor
    name = name or by
    row = subject if isinstance(subject, models.Model) else None
    AuditEntry(
        actor_id=user_id,
        actor=_text(name or ENGINE, 150),
        source=source or who.source or AuditEntry.Source.INTERNAL,
        act=act,
        kind=kind_of(subject),
        object_id=row.pk if row is not None else None,
        name=_text(str(row), 255) if row is not None else "",
        environment=_text(getattr(row, "environment", None) or "", 50),
        reason=_text(reason or who.reason, 500),
        on_behalf_of=_text(who.on_behalf_of, 500),
        correlation_id=_text(structlog.contextvars.get_contextvars().get("correlation_id", ""), 64),
        bulk_id=who.bulk_id,
        changes=changes(before or {}, after or {}),
    ).write()


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return as JSON what differs: `{"before": {…}, "after": {…}}`; a field that is in one only is left out there."""
    names = [name for name in {**before, **after} if before.get(name, _NONE) != after.get(name, _NONE)]
    shown = {
        side: {name: _shown(name, values[name]) for name in names if name in values}
        for side, values in (("before", before), ("after", after))
    }
    return canonical(shown)


def _shown(name: str, value: Any) -> Any:
    """Return a value as it may be read by everybody, as plain JSON."""
    plain = json.loads(json.dumps(value, cls=_Encoder))
    hidden = masked(plain, name, hidden=MASK)
    size = len(canonical(hidden))
    return hidden if size <= LONGEST else f"{size:,} characters"


def _text(value: Any, longest: int) -> str:
    """Return text that any database takes: no control characters, no halves of characters, not too long."""
    text = str(value).encode("utf-8", "replace").decode()
    return "".join(" " if unicodedata.category(one) == "Cc" else one for one in text)[:longest]


class _Encoder(DjangoJSONEncoder):
    def default(self, value: Any) -> Any:
        return MASK if isinstance(value, Hidden) else super().default(value)


_NONE = object()
