"""Read closed dates out of an iCalendar file: all-day events, and what their rules repeat up to a horizon; pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from dateutil.rrule import rruleset, rrulestr
from icalendar import Calendar, Event

from schedules.calendars.definition import FIRST_YEAR, LAST_YEAR, NamedDate

LARGEST = 1_000_000  # characters
MOST_EVENTS = 5_000
MOST_DATES = 5_000
LONGEST_EVENT = 366  # days
FREQUENCIES = {"YEARLY": 30, "MONTHLY": 30, "WEEKLY": 7, "DAILY": 1}  # days that one step of a rule takes care of
MOST_STEPS = 50_000  # of all rules of a file together: some seconds


class UnreadableFile(ValueError):
    """The file is refused; the message names the component that is wrong."""


def dates(text: str, *, since: date, until: date) -> list[NamedDate]:
    """Return the days from `since` to `until` that the file's all-day events cover, in order, each once.

    Cancelled events are left out. Raises UnreadableFile for a file that is no calendar, for an event with a clock
    time, and for a rule that cannot be read.
    """
    if len(text) > LARGEST:
        raise UnreadableFile(f"The file is larger than {LARGEST:,} characters.")
    if until < since:
        raise UnreadableFile("The last year lies before the first.")
    try:
        calendars = Calendar.from_ical(text, multiple=True)
    except (ValueError, IndexError, KeyError) as wrong:
        raise UnreadableFile(f"It is no iCalendar file: {_short(wrong)}") from None
    except (AttributeError, TypeError):  # icalendar trips over components that are not closed in order
        raise UnreadableFile("It is no iCalendar file: its components do not fit together.") from None
    found_events = (event for calendar in calendars for event in calendar.walk("VEVENT"))
    events = [event for event in found_events if isinstance(event, Event)]
    if not events:
        raise UnreadableFile("The file has no events (VEVENT).")
    if len(events) > MOST_EVENTS:
        raise UnreadableFile(f"The file has {len(events):,} events; at most {MOST_EVENTS:,} are read.")
    for event in events:
        if event.errors:
            name, why = event.errors[0]
            raise UnreadableFile(f"{_named(event)}: {name} cannot be read: {_short(why)}")
    if sum(_steps(event, until) for event in events) > MOST_STEPS:
        raise UnreadableFile("The rules of the file repeat too many days; name fewer years.")
    found: dict[date, str] = {}
    moved = {(str(event.get("UID")), _date(event, "RECURRENCE-ID")) for event in events if "RECURRENCE-ID" in event}
    for event in events:
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        for day in _days(event, since, until, moved):
            found.setdefault(day, _name(event))
            if len(found) > MOST_DATES:
                raise UnreadableFile(f"{_named(event)}: the file closes more than {MOST_DATES:,} days.")
    return [NamedDate(date=day, name=found[day]) for day in sorted(found)]


def _days(event: Event, since: date, until: date, moved: set[tuple[str, date]]) -> Iterator[date]:
    """Yield the days of an event and of its repetitions between `since` and `until`."""
    first = _date(event, "DTSTART")
    length = _length(event, first)
    for start in _starts(event, first, since - timedelta(days=length), until):
        if "RECURRENCE-ID" not in event and (str(event.get("UID")), start) in moved:
            continue
        for number in range(length):
            if since <= (day := start + timedelta(days=number)) <= until:
                yield day


def _starts(event: Event, first: date, since: date, until: date) -> Iterator[date]:
    rules, more = _all(event, "RRULE"), _all(event, "RDATE")
    if not rules and not more:
        yield first
        return
    repeated = rruleset()
    repeated.rdate(_midnight(first))
    for rule in rules:
        for start in _repetitions(event, rule, first, until):
            repeated.rdate(start)
    for day in _listed(event, more):
        repeated.rdate(_midnight(day))
    for day in _listed(event, _all(event, "EXDATE")):
        repeated.exdate(_midnight(day))
    for start in repeated:
        if since <= start.date() <= until:
            yield start.date()


def _repetitions(event: Event, rule: Any, first: date, until: date) -> Iterator[datetime]:
    """Yield what a rule repeats up to the horizon; the search for a day that never comes ends there too."""
    parts = dict(part.split("=", 1) for part in rule.to_ical().decode().upper().split(";"))
    last = min(until, datetime.strptime(parts["UNTIL"][:8], "%Y%m%d").date()) if "UNTIL" in parts else until
    count = int(parts.pop("COUNT", MOST_STEPS))
    parts["UNTIL"] = f"{last:%Y%m%d}"
    try:
        read: Any = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=_midnight(first))
        yield from islice(read, count)
    except (ValueError, KeyError) as wrong:
        raise UnreadableFile(f"{_named(event)}: its rule cannot be read: {_short(wrong)}") from None


def _steps(event: Event, until: date) -> int:
    """Return how much work the rules of an event are; raises UnreadableFile for one that repeats within a day."""
    total = 0
    for rule in _all(event, "RRULE"):
        frequency = str((rule.get("FREQ") or [""])[0]).upper()
        if frequency not in FREQUENCIES:
            raise UnreadableFile(f"{_named(event)}: its rule repeats by less than a day; only whole days are read.")
        total += max((until - _date(event, "DTSTART")).days, 0) // FREQUENCIES[frequency]
    return total


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time())


def _listed(event: Event, lists: list[Any]) -> Iterator[date]:
    for one in lists:
        for value in one.dts:
            yield _day(event, value.dt)


def _all(event: Event, name: str) -> list[Any]:
    found = event.get(name)
    return [] if found is None else found if isinstance(found, list) else [found]


def _length(event: Event, first: date) -> int:
    if "DTEND" in event:
        days = (_date(event, "DTEND") - first).days
    elif "DURATION" in event:
        duration = event.decoded("DURATION")
        days = duration.days
        if duration != timedelta(days=days):
            raise UnreadableFile(f"{_named(event)}: it lasts for a part of a day; only whole days are read.")
    else:
        days = 1
    if not 1 <= days <= LONGEST_EVENT:
        raise UnreadableFile(f"{_named(event)}: it must last for 1 to {LONGEST_EVENT} days.")
    return days


def _date(event: Event, name: str) -> date:
    if name not in event:
        raise UnreadableFile(f"{_named(event)}: it has no {name}.")
    return _day(event, event.decoded(name))


def _day(event: Event, value: Any) -> date:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise UnreadableFile(
            f"{_named(event)}: it has a clock time. Only whole days are read; write a maintenance window instead."
        )
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise UnreadableFile(f"{_named(event)}: its year must lie between {FIRST_YEAR} and {LAST_YEAR}.")
    return value


def _name(event: Event) -> str:
    text = " ".join(str(event.get("SUMMARY", "")).split())
    return "".join(character for character in text if character.isprintable())[:200]


def _named(event: Event) -> str:
    name = _name(event)
    return f"VEVENT {name!r}" if name else f"VEVENT {str(event.get('UID', 'without a name'))[:100]!r}"


def _short(wrong: object) -> str:
    text = " ".join(str(wrong).split())
    return (text if len(text) <= 200 else f"{text[:199]}…").rstrip(".") + "."
