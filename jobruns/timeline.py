"""The timeline of Today: where each outcome, pause and plan lies between two moments, drawn as SVG in percentages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from schedules.timing import Timing, TimingError, runs

NOW_AT = 0.65  # the share of the track that is past
TRACK = 640  # pixels that the track is taken to have when marks are joined
JOIN = 100 * 6 / TRACK  # marks closer than this many percent become one ribbon
LEAST = 100 * 3 / TRACK
PLANS = 60
SPANS = {"6h": timedelta(hours=4), "today": timedelta(0), "2d": timedelta(hours=36), "week": timedelta(days=5)}
CALM = {"success", "running"}


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time that is drawn; `now` lies at 65 % of it."""

    start: datetime
    now: datetime
    end: datetime

    def at(self, moment: datetime) -> float:
        """Return where `moment` lies, in percent, kept within the track."""
        share = (moment - self.start) / (self.end - self.start)
        return min(max(share, 0), 1) * 100


@dataclass(frozen=True, slots=True)
class Bar:
    """An outcome to draw: its state's key, from when to when, and the moment it was due if it came late."""

    key: str
    start: datetime
    end: datetime
    due: datetime | None = None


def window(span: str, now: datetime) -> Window:
    """Return what the choice `span` (6h, today, 2d, week) shows; "today" is at least four hours."""
    past = SPANS.get(span) or max(now - midnight(now), timedelta(hours=4))
    return Window(now - past, now, now + past * (1 - NOW_AT) / NOW_AT)


def midnight(now: datetime) -> datetime:
    """Return the beginning of the day of `now` in the current time zone."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def marks(view: Window) -> list[tuple[float, str]]:
    """Return where the axis is labelled and with what: whole hours or days, five to nine of them."""
    hours = (view.end - view.start) / timedelta(hours=1)
    step = next((size for size in (1, 2, 3, 6, 12, 24) if hours / size <= 8), 48)
    local = midnight(view.start)
    found = []
    while local < view.end:
        place = view.at(local)
        if local >= view.start and abs(place - view.at(view.now)) > 7 and place < 95:
            days = step >= 24 or hours > 30
            found.append((place, date_format(timezone.localtime(local), "D H:i" if days else "H:i")))
        local += timedelta(hours=step)
    return found


def grid(view: Window) -> SafeString:
    """Draw what lies behind every row: the future's ground, the lines of the axis, the now-line."""
    now = view.at(view.now)
    lines = format_html_join(
        "", '<line class="hour" x1="{0}%" x2="{0}%" y1="0" y2="100%"/>', ((f"{x:.2f}",) for x, _ in marks(view))
    )
    return format_html(
        '<rect class="future" x="{0}%" width="{1}%" height="100%"/>{2}'
        '<line class="nowline" x1="{0}%" x2="{0}%" y1="0" y2="100%"/>',
        f"{now:.2f}",
        f"{100 - now:.2f}",
        lines,
    )


def ribbons(view: Window, bars: Iterable[Bar]) -> list[tuple[str, float, float]]:
    """Join bars of one state that lie closer than 6 px; return (key, left, width) in percent, oldest first."""
    joined: list[tuple[str, float, float]] = []
    for bar in sorted(bars, key=lambda one: one.start):
        left = view.at(bar.start)
        right = max(view.at(bar.end), left + LEAST)
        if joined and joined[-1][0] == bar.key and left - (joined[-1][1] + joined[-1][2]) < JOIN - LEAST:
            joined[-1] = (bar.key, joined[-1][1], max(right, joined[-1][1] + joined[-1][2]) - joined[-1][1])
        else:
            joined.append((bar.key, left, right - left))
    return joined


def track(view: Window, bars: Sequence[Bar], usual: float | None) -> SafeString:
    """Draw the outcomes of one row, the usual duration behind those that were quicker, late ones with their lead."""
    parts: list[SafeString] = []
    for key, left, width in ribbons(view, bars):
        ghost = 100 * (usual or 0) / (view.end - view.start).total_seconds()
        if ghost > width + LEAST and key in CALM:
            parts.append(_rect("ghost", left, min(ghost, 100 - left), high=14))
        parts.append(_rect(f"m-{key}", left, min(width, 100 - left)))
    for bar in bars:
        if bar.due is not None and bar.due < bar.start:
            due, began = f"{view.at(bar.due):.2f}", f"{view.at(bar.start):.2f}"
            parts.append(
                format_html(
                    '<svg y="50%" overflow="visible"><line class="lead" x1="{0}%" x2="{1}%"/>'
                    '<line class="tick" x1="{0}%" x2="{0}%" y1="-6" y2="6"/></svg>',
                    due,
                    began,
                )
            )
    return format_html_join("", "{}", ((part,) for part in parts))


def plans(view: Window, timing: Timing, usual: float | None) -> SafeString:
    """Draw the runs ahead as outlines, as one long outline where they lie closer than 6 px."""
    try:
        ahead = list(islice(runs(timing, view.now), PLANS))
    except TimingError:
        return SafeString("")
    ahead = [one for one in ahead if one <= view.end]
    if not ahead:
        return SafeString("")
    places = [view.at(one) for one in ahead]
    if len(places) > 2 and places[1] - places[0] < JOIN * 1.4:
        last = 100.0 if len(places) == PLANS else places[-1]
        return _rect("planned", places[0], max(last - places[0], LEAST))
    width = max(100 * (usual or 0) / (view.end - view.start).total_seconds(), LEAST * 1.4)
    return format_html_join("", "{}", ((_rect("planned", place, min(width, 100 - place)),) for place in places))


def unseen(view: Window, until: datetime) -> SafeString:
    """Draw a thin line over the part whose runs are too many to be drawn."""
    return _rect("unseen", 0, view.at(until), high=2)


def pause(view: Window, since: datetime, until: datetime | None) -> SafeString:
    """Draw a pause as a hatch from `since` to `until`, or to the end."""
    left = view.at(since)
    right = view.at(until) if until else 100
    return format_html(
        '<rect fill="url(#hatch)" x="{}%" y="50%" width="{}%" height="14" transform="translate(0 -7)"/>',
        f"{left:.2f}",
        f"{max(right - left, LEAST):.2f}",
    )


def _rect(name: str, left: float, width: float, *, high: int = 8) -> SafeString:
    return format_html(
        '<rect class="{}" x="{}%" y="50%" width="{}%" height="{}" rx="2" transform="translate(0 -{})"/>',
        name,
        f"{left:.2f}",
        f"{width:.2f}",
        high,
        high // 2,
    )
