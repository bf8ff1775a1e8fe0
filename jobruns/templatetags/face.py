"""Template tags of the face: glyphs, states, moments and numbers, each in one place."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from schedules import moments

register = template.Library()
THIN = "\u2009"


@register.simple_tag
def glyph(name: str, label: str = "") -> SafeString:
    """Draw a state's glyph; with `label` it speaks for itself, without one a word must stand beside it."""
    return drawn("glyph", name, label)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Draw an icon of the sprite."""
    return drawn("icon", name, label)


def drawn(kind: str, name: str, label: str) -> SafeString:
    """Return the `<svg>` that uses the symbol `name` of static/icons.svg."""
    where = f"{static('icons.svg')}#{name}"
    if label:
        return format_html('<svg class="{}" role="img" aria-label="{}"><use href="{}"/></svg>', kind, label, where)
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', kind, where)


@register.filter
def span(seconds: float | None) -> str:
    """Say how long that is: "2 min 37 s"; a dash for what has no length."""
    return "–" if seconds is None else moments.span(seconds)


@register.simple_tag
def when(moment: datetime | None, style: str = "clock", zone: str = "") -> SafeString | str:
    """Say a moment as `clock`, `seconds`, `full` or `relative`, with its ISO form on hover; a dash for none."""
    if moment is None:
        return "–"
    now, at = timezone.now(), ZoneInfo(zone) if zone else None
    texts = {
        "clock": lambda: moments.clock(moment, now, at),
        "seconds": lambda: moments.clock(moment, now, at, seconds=True),
        "full": lambda: moments.full(moment, now, at),
        "relative": lambda: moments.relative(moment, now),
    }
    iso = moment.astimezone(ZoneInfo("UTC")).isoformat(timespec="seconds").replace("+00:00", "Z")
    full = moments.full(moment, now, at)
    hint = f"{full}, {iso}" if style == "relative" else f"{moments.relative(moment, now)}, {iso}"
    return format_html('<time datetime="{}" title="{}">{}</time>', iso, hint, texts[style]())


@register.filter
def percent(share: float | None) -> str:
    """Say a share of 1 as a percentage with a thin space: "96.4 %", "100 %"."""
    if share is None:
        return "–"
    hundredths = share * 100
    text = f"{hundredths:.0f}" if hundredths in {0, 100} else f"{hundredths:.1f}"
    return f"{text}{THIN}%"


@register.filter
def number(value: Any) -> str:
    """Write a number with commas between thousands; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "–" if value is None else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.6g}" if abs(value) < 1_000_000 else f"{value:,.0f}"


@register.simple_tag(takes_context=True)
def here(context: dict[str, Any], **changes: Any) -> str:
    """Return this page's query string with `changes`; an empty value drops the key."""
    query = context["request"].GET.copy()
    for key, value in changes.items():
        query.pop(key, None)
        if value not in {"", None}:
            query[key] = value
    return f"?{query.urlencode()}" if query else "?"
