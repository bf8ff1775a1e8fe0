"""Say in words what an entry of the audit trail tells: a sentence, and what each field was and became."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.trail import AuditEntry, kind_of

LONGEST = 400  # characters of a value that are shown
GONE = {"delete", "erase"}
SENTENCES = {
    "create": gettext_lazy("{who} created {what}"),
    "update": gettext_lazy("{who} changed {what}"),
    "delete": gettext_lazy("{who} deleted {what}"),
    "erase": gettext_lazy("{who} deleted {what} together with its history"),
    "restore": gettext_lazy("{who} brought back {what}"),
    "rollback": gettext_lazy("{who} rolled back {what}"),
    "pause": gettext_lazy("{who} paused {what}"),
    "resume": gettext_lazy("{who} resumed {what}"),
    "suspend": gettext_lazy("{who} suspended {what}"),
    "trigger": gettext_lazy("{who} asked for a run of {what}"),
    "retry": gettext_lazy("{who} asked for a run once more of {what}"),
    "cancel": gettext_lazy("{who} cancelled {what}"),
    "backfill": gettext_lazy("{who} asked for a backfill of {what}"),
    "withdraw": gettext_lazy("{who} withdrew a backfill of {what}"),
    "replay": gettext_lazy("{who} sent again {what}"),
    "rotate": gettext_lazy("{who} made a new secret for {what}"),
    "revoke": gettext_lazy("{who} revoked {what}"),
    "grant": gettext_lazy("{who} changed what {what} may do"),
    "password": gettext_lazy("{who} changed the password of {what}"),
    "login": gettext_lazy("{who} signed in"),
    "login_failed": gettext_lazy("{who} tried to sign in, with a wrong name or password"),
    "test": gettext_lazy("{who} tried out {what}"),
    "silence": gettext_lazy("{who} silenced {what}"),
    "unsilence": gettext_lazy("{who} let {what} speak again"),
    "prune": gettext_lazy("{who} removed old history"),
    "acknowledge": gettext_lazy("{who} acknowledged {what}"),
}
PAGES = {"schedule": "schedule", "run": "run"}  # kind → name of its page; the others have one in the workshop


@dataclass(frozen=True, slots=True)
class Difference:
    """What one field was and became, in words; None where it was not told."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """An entry as a page shows it."""

    entry: AuditEntry
    sentence: SafeString
    source: str
    differences: list[Difference]


def told(entries: Iterable[AuditEntry]) -> list[Told]:
    """Return entries in words, with links to the objects that are still there; one query for each kind of object."""
    rows = list(entries)
    there = _there(rows)
    ways = dict(AuditEntry.Source.choices)
    return [
        Told(
            entry,
            sentence(entry, there.get((entry.kind, entry.object_id), "")),
            str(ways.get(entry.source, entry.source)),
            differences(entry.before, entry.after),
        )
        for entry in rows
    ]


def sentence(entry: AuditEntry, address: str = "") -> SafeString:
    """Say who did what, `address` leading to the object."""
    name = entry.name or (f"{entry.object_id}" if entry.object_id else "")
    linked = format_html('<a href="{}">{}</a>', address, name) if address else format_html("<b>{}</b>", name)
    what = format_html("{} {}", word_of(entry.kind), linked)
    pattern = SENTENCES.get(entry.act, gettext_lazy("{who} did to {what}: {act}"))
    return format_html(str(pattern), who=format_html("<b>{}</b>", entry.actor), what=what, act=entry.act)


def word_of(kind: str) -> str:
    """Return what objects of this kind are called."""
    model = _models().get(kind)
    return kind if model is None else str(model._meta.verbose_name)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Return field by field what it was and became, in words; members of objects count as fields."""
    was, became = _flat(before), _flat(after)
    names = [name for name in {**was, **became} if was.get(name) != became.get(name) or was.get(name) == "***"]
    return [Difference(name.replace("_", " "), was.get(name), became.get(name)) for name in names]


def in_words(value: Any) -> str:
    """Return a value as a person reads it, shortened where it is long."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        value = ", ".join(str(one) for one in value) or "–"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _flat(values: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, dict) and value:
            found |= {f"{name}.{inner}": in_words(one) for inner, one in value.items()}
        else:
            found[name] = in_words(value)
    return found


def _there(entries: Iterable[AuditEntry]) -> dict[tuple[str, int | None], str]:
    """Return the addresses of the objects that are still there: (kind, id) → address."""
    wanted: dict[str, set[int]] = {}
    for entry in entries:
        if entry.object_id is not None and entry.act not in GONE:
            wanted.setdefault(entry.kind, set()).add(entry.object_id)
    found: dict[tuple[str, int | None], str] = {}
    for kind, ids in wanted.items():
        model = _models().get(kind)
        rows = model._default_manager.filter(pk__in=ids).values_list("pk", flat=True) if model else ()
        found |= {(kind, pk): _address(kind, model, pk) for pk in rows}
    return found


def _address(kind: str, model: Any, pk: int) -> str:
    if kind in PAGES:
        return reverse(PAGES[kind], args=[pk])
    try:
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return ""


def _models() -> dict[str, Any]:
    return {kind_of(model): model for model in apps.get_models()}
