"""The answers of an alert as curves: value against threshold, with a hatched gap where there was no answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from jobruns.models import JobRun
from jobruns.panels import number, pieces

WIDE = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """What one run said: numbers where they are some, `failed` where it gave no answer."""

    run_id: int
    at: datetime
    value: float | None
    threshold: float | None
    status: str
    failed: bool


def answers(schedule_id: int, *, most: int, since: datetime | None = None) -> list[Answer]:
    """Return the newest answers of a schedule, the oldest first."""
    runs = JobRun.objects.filter(schedule_id=schedule_id, status__in=["success", "failed"])
    if since is not None:
        runs = runs.filter(scheduled_for__gte=since)
    columns = ("pk", "scheduled_for", "status", "result__actual_value", "result__threshold", "result__status")
    found = runs.order_by("-scheduled_for", "-pk").values_list(*columns)[:most]
    return [
        Answer(pk, at, number(value), number(threshold), said or "", status == "failed")
        for pk, at, status, value, threshold, said in reversed(found)
    ]


def curve(found: Sequence[Answer], *, high: int, label: str, key: str) -> SafeString:
    """Draw answers as a line, the threshold dashed; nothing for fewer than two numbers. `key` is unique on a page."""
    known = [one.value for one in found if one.value is not None and not one.failed]
    if len(known) < 2:
        return SafeString("")
    limits = [one.threshold for one in found if one.threshold is not None]
    low, top = min([*known, *limits]), max([*known, *limits])
    scale, step = (top - low) or 1.0, WIDE / max(len(found) - 1, 1)

    def y(value: float) -> float:
        return high - 5 - (high - 10) * (value - low) / scale

    points = [
        (index * step, None if one.failed or one.value is None else y(one.value)) for index, one in enumerate(found)
    ]
    bounds = [
        (index * step, None if one.threshold is None else y(one.threshold)) for index, one in enumerate(_held(found))
    ]
    return format_html(
        '<svg class="chart answers" viewBox="0 0 {0} {1}" preserveAspectRatio="none" role="img" aria-label="{2}">'
        '<defs><pattern id="{3}" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<line class="gap-line" x1="0" x2="0" y1="0" y2="9"/></pattern></defs>{4}{5}{6}</svg>',
        WIDE,
        high,
        label,
        key,
        _gaps(found, step, high, key),
        _lines("limit", bounds),
        _lines("curve", points),
    )


def spark(found: Sequence[Answer]) -> SafeString:
    """Draw the values alone, small, with a dot at the last one."""
    known = [one.value for one in found if one.value is not None]
    if len(known) < 2:
        return SafeString("")
    low, top = min(known), max(known)
    scale = (top - low) or 1.0
    places = [
        (4 + 112 * index / (len(known) - 1), 18 - 14 * (value - low) / scale) for index, value in enumerate(known)
    ]
    return format_html(
        '<svg class="spark" width="120" height="22" viewBox="0 0 120 22" aria-hidden="true">'
        '<polyline points="{}"/><circle cx="{}" cy="{}" r="2"/></svg>',
        " ".join(f"{x:.1f},{y:.1f}" for x, y in places),
        f"{places[-1][0]:.1f}",
        f"{places[-1][1]:.1f}",
    )


def _held(found: Iterable[Answer]) -> list[Answer]:
    """Return the answers with the threshold before them where they bring none."""
    held: list[Answer] = []
    for one in found:
        last = held[-1].threshold if held else None
        held.append(
            one if one.threshold is not None else Answer(one.run_id, one.at, None, last, one.status, one.failed)
        )
    return held


def _lines(kind: str, points: Sequence[tuple[float, float | None]]) -> SafeString:
    drawn = [" ".join(f"{x:.0f},{y:.1f}" for x, y in piece) for piece in pieces(points)]
    return format_html_join("", '<polyline class="{}" points="{}"/>', ((kind, line) for line in drawn))


def _gaps(found: Sequence[Answer], step: float, high: int, key: str) -> SafeString:
    """Hatch the stretches without an answer, each from the answer before it to the one after."""
    stretches: list[list[int]] = []
    for index, one in enumerate(found):
        if not one.failed:
            continue
        if stretches and stretches[-1][1] == index - 1:
            stretches[-1][1] = index
        else:
            stretches.append([index, index])
    last = len(found) - 1
    rows = ((max(first - 1, 0) * step, min(end + 1, last) * step) for first, end in stretches)
    return format_html_join(
        "",
        '<rect class="gap" x="{}" width="{}" y="0" height="{}" fill="url(#{})"/>',
        ((f"{start:.0f}", f"{max(end - start, 4):.0f}", high, key) for start, end in rows),
    )
