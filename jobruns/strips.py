"""The strip of a schedule's last outcomes and the small curve of how long they took: SVG from numbers alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

SLOTS, PITCH, WIDTH, HEIGHT = 30, 6, 4, 18
SHAPES = {
    "success": "M{x} 7h4v11h-4z",
    "late": "M{x} 7h4v11h-4z",
    "alert": "M{x} 7h4v11h-4z",
    "failed": "M{x} 0h4v12h-4zM{x} 14h4v4h-4z",
    "missed": "M{x} 0h4v18h-4zM{x1} 1.2v15.6h1.6v-15.6z",
    "skipped": "M{x} 15h4v3h-4z",
    "cancelled": "M{x4} 7.5L{x} 17.5",
    "running": "M{x} 3h4v15h-4zM{x1} 4.2v7h1.6v-7z",
    "pending": "M{x} 15h4v3h-4z",
    "paused": "M{x} 11l4 -4v3l-4 4zM{x} 17l4 -4v3l-2 2h-2z",
}
CAPS = {"late": "M{x} 2h4v3h-4z", "alert": "M{x} 3.5a2 2 0 1 0 4 0a2 2 0 1 0 -4 0z"}


def strip(states: Sequence[tuple[str, str]]) -> SafeString:
    """Draw the newest 30 of `states` (key, word), oldest first, the newest at the right end."""
    shown = list(states)[-SLOTS:]
    paths: dict[str, list[str]] = {}
    for slot, (key, _word) in enumerate(shown, start=SLOTS - len(shown)):
        x = slot * PITCH
        ground = "success" if key in CAPS else key
        paths.setdefault(ground, []).append(_at(SHAPES.get(key, SHAPES["skipped"]), x))
        if key in CAPS:
            paths.setdefault(key, []).append(_at(CAPS[key], x))
    drawn = format_html_join(
        "", '<path class="m-{}" fill-rule="evenodd" d="{}"/>', ((key, "".join(parts)) for key, parts in paths.items())
    )
    return format_html(
        '<svg class="strip" width="178" height="18" viewBox="0 0 178 18" role="img" aria-label="{}">{}</svg>',
        counted([word for _key, word in shown]),
        drawn,
    )


def slot(key: str) -> SafeString:
    """Draw a single slot, for a legend."""
    ground = "success" if key in CAPS else key
    cap = format_html('<path class="m-{}" d="{}"/>', key, _at(CAPS[key], 0)) if key in CAPS else ""
    return format_html(
        '<svg class="slot" width="4" height="18" viewBox="0 0 4 18" aria-hidden="true">'
        '<path class="m-{}" fill-rule="evenodd" d="{}"/>{}</svg>',
        ground,
        _at(SHAPES[ground], 0),
        cap,
    )


def counted(words: Sequence[str]) -> str:
    """Say how often each word occurs: "28 Succeeded, 2 Failed"."""
    if not words:
        return _("No runs yet")
    return ", ".join(f"{count} {word}" for word, count in Counter(words).most_common())


def sparkline(seconds: Sequence[float], usual: float | None, width: int = 64) -> SafeString:
    """Draw how long the runs took, oldest first, the last one dotted, with the usual band behind."""
    if len(seconds) < 2:
        return SafeString("")
    low, high = min(seconds), max(seconds)
    scale = (high - low) or 1
    step = (width - 6) / (len(seconds) - 1)
    points = [(3 + index * step, 17 - 14 * (value - low) / scale) for index, value in enumerate(seconds)]
    band = SafeString("")
    if usual:
        middle = 17 - 14 * min(max((usual - low) / scale, 0), 1)
        band = format_html('<rect x="0" y="{}" width="{}" height="6"/>', f"{middle - 3:.1f}", width)
    return format_html(
        '<svg class="spark" width="{}" height="20" aria-hidden="true">{}'
        '<polyline points="{}"/><circle cx="{}" cy="{}" r="2"/></svg>',
        width,
        band,
        " ".join(f"{x:.1f},{y:.1f}" for x, y in points),
        f"{points[-1][0]:.1f}",
        f"{points[-1][1]:.1f}",
    )


def _at(shape: str, x: int) -> str:
    return shape.format(x=x, x1=x + 1.2, x4=x + 4)
