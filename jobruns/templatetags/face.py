"""Template tags of the face: glyphs, states, moments and numbers, each in one place."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobruns.strips import slot
from schedules import moments

register = template.Library()
THIN = "\u2009"
VERDICTS = {  # of a control: glyph, colour, word
    "pass": ("success", "success", gettext_lazy("Pass")),
    "fail": ("failed", "failed", gettext_lazy("Fail")),
    "insufficient_evidence": ("evidence", "late", gettext_lazy("Evidence needed")),
    "unknown": ("unknown", "idle", gettext_lazy("Unknown")),
}


@register.simple_tag
def glyph(name: str, label: str = "") -> SafeString:
    """Draw a state's glyph; with `label` it speaks for itself, without one a word must stand beside it."""
    return drawn("glyph", name, label)


@register.simple_tag
def verdict(status: str) -> SafeString:
    """Show how a control stands: glyph, colour and word."""
    key, colour, word = VERDICTS.get(status, ("unknown", "idle", status))
    return format_html('<span class="state {}">{}{}</span>', colour, drawn("glyph", key, ""), word)


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


@register.filter
def milliseconds(count: int) -> str:
    """Say how long so many milliseconds are: "2.4 s"."""
    return moments.span(count / 1000)


@register.simple_tag
def when(moment: datetime | None, style: str = "clock", zone: str = "") -> SafeString | str:
    """Say a moment in one of several styles, with its ISO form on hover; a dash for none."""
    if moment is None:
        return "–"
    now, at = timezone.now(), ZoneInfo(zone) if zone else None
    texts = {
        "clock": lambda: moments.clock(moment, now, at),
        "seconds": lambda: moments.clock(moment, now, at, seconds=True),
        "full": lambda: moments.full(moment, now, at),
        "utc": lambda: moment.astimezone(ZoneInfo("UTC")).strftime("%H:%M"),
        "relative": lambda: moments.relative(moment, now),
        "ago": lambda: moments.relative(min(moment, now), now),
        "coming": lambda: moments.relative(moment, now) if moment > now else _("due now"),
        "distance": lambda: moments.distance((moment - now).total_seconds()),
        "elapsed": lambda: moments.span(max((now - moment).total_seconds(), 0)),
    }
    iso = moment.astimezone(ZoneInfo("UTC")).isoformat(timespec="seconds").replace("+00:00", "Z")
    full = moments.full(moment, now, at)
    hint = (
        f"{full}, {iso}" if style not in {"clock", "seconds", "full"} else f"{moments.relative(moment, now)}, {iso}"
    )
    return format_html('<time datetime="{}" title="{}">{}</time>', iso, hint, texts[style]())


@register.simple_tag
def share(part: float | None, whole: float | None) -> str:
    """Return `part` of `whole` in percent, between 0 and 100, for a width."""
    return f"{min(max((part or 0) / whole, 0), 1) * 100:.1f}" if whole else "0"


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


@register.simple_tag
def label_of(kinds: dict[str, str], name: str) -> str:
    """Return a job type's label; one that is no longer installed keeps its name."""
    return kinds.get(name, name)


@register.simple_tag
def tagged(tag: str) -> str:
    """Return the address of the schedules with that tag."""
    word = f'"tag:{tag}"' if " " in tag else f"tag:{tag}"
    return f"{reverse('schedules')}?{urlencode({'q': word})}"


@register.simple_tag
def legend_slot(key: str) -> SafeString:
    """Draw one slot of a strip for the legend."""
    return slot(key)


@register.simple_tag
def verb_word(verb: Any, schedules: list[Any]) -> str:
    """Return what the button of a question says: the verb, with the count where there are several."""
    word = str(verb.label).rstrip("…")
    return word if len(schedules) == 1 else f"{word}: {len(schedules):,}"


@register.simple_tag
def clock_seconds(moment: datetime | None) -> str:
    """Say a moment with its seconds, as text alone: for drawings."""
    return "–" if moment is None else moments.clock(moment, timezone.now(), seconds=True)


@register.filter
def signed_span(seconds: float) -> str:
    """Say a difference of lengths, with a minus sign if it is shorter."""
    return f"{'−' if seconds < 0 else ''}{moments.span(abs(seconds))}"
