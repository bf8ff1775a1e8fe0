"""The panel that shows a run's result: chosen by the shape of the result, so that no kind of work is known here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from integrations.secrecy import masked
from jobruns.importboard import Refused, file_state, refused
from jobruns.models import JobRun
from jobruns.reports import kinds
from jobruns.states import State
from jobtypes.models import ImportFileResult

RECENT = 40
FILES = 500
HIGH = 110
COUNTED = ("systems", "controls", "errors", "waived", "regressions", "fixed", "duration_ms")  # beside the rates


@dataclass(frozen=True, slots=True)
class Panel:
    """`template` shows `facts` (name, text) and, of a measured value, the `chart` of the recent ones.

    Of files it shows `files`, each with how it went, and the rows that were `refused`.
    `reports` are the kinds of report that it has.
    """

    template: str
    facts: list[tuple[str, str]]
    result: dict[str, Any]
    chart: str = ""
    files: list[tuple[ImportFileResult, State]] = field(default_factory=list)
    refused: Refused = field(default_factory=Refused)
    reports: Sequence[str] = ()


def panel(run: JobRun) -> Panel | None:
    """Return the panel for the result of `run`; None if it has none."""
    result = masked(run.result)
    if files := list(ImportFileResult.objects.of_run(run.pk)[:FILES]):  # while it runs, too
        known = [(one, file_state(one)) for one in files]
        rows = refused(run.pk, sum(one.rejected for one in files))
        return Panel("imports/panel.html", facts(_beside(result)), result, files=known, refused=rows)
    if {"actual_value", "threshold"} <= result.keys():
        hidden = {"actual_value", "threshold", "status", "context", "event", "error"}
        context = result.get("context") if isinstance(result.get("context"), dict) else {}
        rest = {key: value for key, value in result.items() if key not in hidden and value not in (None, "", {}, [])}
        return Panel("parts/panel-value.html", facts({**context, **rest}), result, chart(run))
    if {"banner", "families"} <= result.keys():
        shown = {key: value for key, value in masked(run.metrics).items() if key in COUNTED}
        return Panel("compliance/panel.html", facts(shown), result, reports=kinds(run))
    if {"url", "body"} <= result.keys():
        hidden = {"body", "body_cut"}
        return Panel("parts/panel-answer.html", facts({k: v for k, v in result.items() if k not in hidden}), result)
    shown = {**masked(run.metrics), **result}
    return Panel("parts/panel-facts.html", facts(shown), result) if shown else None


def _beside(result: dict[str, Any]) -> dict[str, Any]:
    """Return what a result says beside the files: each of these tells its own numbers and errors."""
    views = result.get("views") or {}
    said = {
        "notes": result.get("notes") or [],
        "views refreshed": [", ".join(views["refreshed"])] if views.get("refreshed") else [],
        "views not refreshed": [
            ": ".join(filter(None, (one["view"], one["error"]))) for one in views.get("errors", [])
        ],
    }
    return {name: "\n".join(lines) for name, lines in said.items() if lines}


def facts(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Return names and texts, nested values as JSON."""
    return [(name.replace("_", " "), text(value)) for name, value in values.items()]


def text(value: Any) -> str:
    """Write a value of JSON for people."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def chart(run: JobRun) -> SafeString:
    """Draw the values of the runs up to this one against the threshold, oldest left; nothing for fewer than two."""
    recent = run.schedule.runs.filter(pk__lte=run.pk).order_by("-pk").values_list("result", flat=True)[:RECENT]
    points = [number(result.get("actual_value")) for result in reversed(recent)]
    known = [value for value in points if value is not None]
    return curve(points, number(run.result.get("threshold"))) if len(known) > 1 else SafeString("")


def curve(points: Sequence[float | None], limit: float | None) -> SafeString:
    """Draw `points` as a line with gaps where a value is missing, and `limit` as a dashed line with its number."""
    known = [value for value in points if value is not None]
    low, high = min([0.0, *known, limit or 0.0]), max([*known, limit or 0.0])
    scale = (high - low) or 1
    place = [None if value is None else HIGH - 6 - (HIGH - 18) * (value - low) / scale for value in points]
    step = 1000 / max(len(points) - 1, 1)
    lines = [
        format_html('<polyline class="curve" points="{}"/>', " ".join(f"{x:.0f},{y:.1f}" for x, y in piece))
        for piece in pieces([(index * step, y) for index, y in enumerate(place)])
    ]
    drawn: list[SafeString] = []
    label = SafeString("")
    if limit is not None:
        y = HIGH - 6 - (HIGH - 18) * (limit - low) / scale
        drawn.append(format_html('<line class="limit" x1="0" x2="1000" y1="{0}" y2="{0}"/>', f"{y:.1f}"))
        label = format_html('<text x="0" y="{}">{}</text>', f"{max(y - 5, 12):.1f}", f"threshold {limit:,g}")
    return format_html(
        '<svg viewBox="0 0 1000 {}" width="100%" height="{}" preserveAspectRatio="none">{}{}</svg>{}',
        HIGH,
        HIGH,
        format_html_join("", "{}", ((one,) for one in drawn)),
        format_html_join("", "{}", ((one,) for one in lines)),
        label,
    )


def pieces(points: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """Split a line where a value is missing."""
    found: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is None:
            found.append([])
        else:
            found[-1].append((x, y))
    return [piece for piece in found if len(piece) > 1]


def number(value: Any) -> float | None:
    """Return `value` as a float if it is a number, also one written as text; None otherwise."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if abs(found) < float("inf") else None
