"""Changes: who changed what, by which way, why, and what it was before; the filters live in the address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.trail import AuditEntry, AuditEntryQuerySet
from integrations.trail_words import told
from jobruns import spreadsheets
from schedules.pages import page, viewer_zone
from schedules.search import words

PAGE = 50
EXPORTED = 100_000  # entries that one file holds
SPANS = {
    "day": (gettext_lazy("24 h"), timedelta(days=1)),
    "week": (gettext_lazy("7 d"), timedelta(days=7)),
    "month": (gettext_lazy("30 d"), timedelta(days=30)),
    "all": (gettext_lazy("All"), None),
}
FIELDS = {
    "by": "actor",
    "did": "act",
    "kind": "kind",
    "id": "object_id",
    "way": "source",
    "env": "environment",
    "correlation": "correlation_id",
    "together": "bulk_id",
}
COLUMNS = ["id", "at", "actor", "source", "act", "kind", "object_id", "name", "environment", "reason"]
COLUMNS += ["on_behalf_of", "correlation_id", "bulk_id"]


@page("integrations.view_auditentry")
def changes(request: HttpRequest) -> HttpResponseBase:
    """Show one page of the changes that the filters leave, or all of them as a file."""
    span = request.GET.get("span", "")
    span = span if span in SPANS else "month"
    way = request.GET.get("way", "")
    way = way if way in AuditEntry.Source.values else ""
    query = request.GET.get("q", "")
    found, problem = search(AuditEntry.objects.visible_to(request.user), query)
    length = SPANS[span][1]
    if length is not None:
        found = found.filter(at__gte=timezone.now() - length)
    found = (found.filter(source=way) if way else found).order_by("-pk")
    if request.GET.get("format") in EXPORTS:
        return EXPORTS[request.GET["format"]](found[:EXPORTED])
    before = request.GET.get("before", "")
    before = before if before.isdecimal() and len(before) < 19 else ""
    rows = list((found.filter(pk__lt=int(before)) if before else found)[: PAGE + 1])
    return render(
        request,
        "changes.html",
        {
            "rows": told(rows[:PAGE]),
            "older": rows[PAGE - 1].pk if len(rows) > PAGE else None,
            "before": before,
            "span": span,
            "spans": [(key, label) for key, (label, _length) in SPANS.items()],
            "way": way,
            "ways": AuditEntry.Source.choices,
            "query": query,
            "problem": problem,
            "filtered": bool(query or way or span != "all"),
            "zone": viewer_zone(request),
        },
    )


def search(found: AuditEntryQuerySet, text: str) -> tuple[AuditEntryQuerySet, str]:
    """Return the entries that a search line leaves, and a sentence if it cannot be read."""
    try:
        split = words(text)
    except ValueError:
        return found.none(), _("A quotation mark is open; close it.")
    for word in split:
        key, colon, value = word.partition(":")
        if not colon:
            found = found.having_text(word)
        elif key not in FIELDS:
            known = ", ".join(f"{one}:" for one in FIELDS)
            return found.none(), _("There is no %(name)s:. Write %(known)s") % {"name": key, "known": known}
        elif key == "id" and not (value.isascii() and value.isdecimal() and len(value) < 19):
            return found.none(), _("An id is a number.")
        else:
            found = found.filter(**{FIELDS[key]: value})
    return found, ""


def as_csv(found: AuditEntryQuerySet) -> StreamingHttpResponse:
    """Return the entries as a file for spreadsheets; what would be a formula there is made plain text."""
    rows = (row.values() for row in _exported(found))
    return _file(spreadsheets.as_csv([*COLUMNS, "before", "after"], rows), "csv", "text/csv; charset=utf-8")


def as_json(found: AuditEntryQuerySet) -> StreamingHttpResponse:
    """Return the entries as one JSON array, an entry on each line."""

    def lines() -> Iterator[str]:
        for number, row in enumerate(_exported(found)):
            yield f"{',' if number else '['}\n{json.dumps(row, ensure_ascii=False)}"
        yield "\n]\n"

    texts = lines()
    first = next(texts)
    return _file(_with_head(first if first.startswith("[") else f"[{first}", texts), "json", "application/json")


EXPORTS = {"csv": as_csv, "json": as_json}


def _exported(found: AuditEntryQuerySet) -> Iterator[dict[str, Any]]:
    for entry in found.iterator(chunk_size=1_000):
        row = {name: getattr(entry, name) for name in COLUMNS}
        yield {**row, "at": entry.at.isoformat(), "before": entry.before, "after": entry.after}


def _with_head(head: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield head
    yield from rest


def _file(lines: Iterator[Any], kind: str, content_type: str) -> StreamingHttpResponse:
    return spreadsheets.download(lines, f"changes-{timezone.now():%Y-%m-%d}.{kind}", content_type)
