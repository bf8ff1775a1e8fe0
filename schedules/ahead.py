"""What the editor shows beside the form: the sentence, the next ten instants, the next clock changes, the difference.

All of it is asked of `schedules.timing`, which also fires: what is shown here is what fires.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from schedules import consequences, timing
from schedules.cron import CronError
from schedules.models import Schedule
from schedules.moments import day
from schedules.timing import Closed, Effect, Timing, TimingError

COUNT = 10
CLOSED_DAYS = 6
UTC_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Row:
    """One instant: the day in the schedule's zone where it differs from the row above, and its clock times."""

    at: datetime
    day: str
    times: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything for `preview.html`; with `error` nothing else, and `caret` points at its characters."""

    zones: tuple[str, ...] = ()
    sentence: str = ""
    rows: tuple[Row, ...] = ()
    effects: tuple[tuple[str, Effect], ...] = ()
    closed: tuple[tuple[str, str], ...] = ()
    difference: str = ""
    expression: str = ""
    caret: str = ""
    error: str = ""


def shown(schedule: Schedule, now: datetime, viewer: ZoneInfo, before: Timing | None = None) -> Shown:
    """Return what to show of a schedule as it is typed; `before` is its stored timing, to say what moves."""
    if schedule.schedule_type == "cron" and not schedule.cron_expression:
        return Shown(error=_("Write a cron expression to see when it fires."))
    try:
        found = timing.preview(schedule.timing, now, COUNT)
        difference = "" if before is None else _difference(before, schedule, now)
    except CronError as refused:
        return Shown(expression=schedule.cron_expression, caret=caret(refused), error=str(refused))
    except TimingError as refused:
        return Shown(error=str(refused))
    own = timing.zone(schedule.timezone)
    zones = list(dict.fromkeys([own, viewer, UTC_ZONE]))
    changes = tuple((day(effect.change.at.astimezone(own), now.astimezone(own)), effect) for effect in found.effects)
    return Shown(
        zones=tuple(
            _("You") if zone is viewer and zone not in (own, zones[-1]) else place(zone.key) for zone in zones
        ),
        sentence=found.sentence,
        rows=tuple(_rows(found.instants, zones, now)),
        effects=changes,
        closed=tuple(_closed_days(found.closed, own, now)),
        difference=difference,
    )


def caret(refused: CronError) -> str:
    """Return blanks and carets that stand under the refused characters, "" where it is the whole."""
    if refused.start is None or refused.end is None:
        return ""
    return " " * (refused.start - 1) + "^" * (refused.end - refused.start + 1)


def place(zone: str) -> str:
    """Return what people call a zone: "New York" for America/New_York."""
    return zone.rpartition("/")[2].replace("_", " ")


def _rows(instants: tuple[datetime, ...], zones: list[ZoneInfo], now: datetime) -> list[Row]:
    style = "H:i:s" if any(instant.second for instant in instants) else "H:i"
    rows: list[Row] = []
    last = ""
    for instant in instants:
        own, *others = (instant.astimezone(zone) for zone in zones)
        today = day(own, now.astimezone(zones[0]))
        times = [date_format(own, style)]
        times += [date_format(other, style if other.date() == own.date() else f"D {style}") for other in others]
        rows.append(Row(instant.astimezone(UTC), today if today != last else "", tuple(times)))
        last = today
    return rows


def _closed_days(closed: Iterable[Closed], zone: ZoneInfo, now: datetime) -> list[tuple[str, str]]:
    """Return the first days on which the calendar leaves instants out, each with what closes it."""
    said = {day(one.at.astimezone(zone), now.astimezone(zone)): one.closing.label for one in closed}
    return list(said.items())[:CLOSED_DAYS]


def _difference(before: Timing, edited: Schedule, now: datetime) -> str:
    """Say how many fires of the coming days an edit adds, removes and keeps; "" if it changes none."""
    found = consequences.difference(before, edited.timing, now)
    return f"{found} {consequences.due(edited, now)}".strip() if found else ""
