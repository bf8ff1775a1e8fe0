"""When a calendar is closed: a definition made ready for asking, in UTC; pure, frozen and hashable.

Times are whole seconds as `schedules.clock` counts them. What is closed is worked out a UTC year at a time and kept.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from schedules.calendars.definition import DAY_NAMES, WEEKDAYS, Definition, NamedDate, Window
from schedules.clock import DAY, FIRST_YEAR, LAST_YEAR, Span, clock_time, seconds, spans, wall_time, year_of

HOLIDAY, BLACKOUT = "holiday", "blackout"
YEARS_JOINED = 12  # years over which an interval is followed to its end
FARTHEST = 366  # days that a run is moved at most
Intervals = list[tuple[int, int]]


class Closing(NamedTuple):
    """Why nothing runs at an instant: `reason` is holiday (the day) or blackout (a window), `label` a short name."""

    reason: str
    label: str
    sentence: str


class Year(NamedTuple):
    """What is closed in a UTC year, each as merged half-open intervals in order: by the day, by a window, by either;
    and the windows that stop what runs."""

    days: Intervals
    windows: Intervals
    closed: Intervals
    stops: Intervals


@dataclass(frozen=True, slots=True)
class Closures:
    """A calendar of some name and version; two are equal if all of that and the definition are."""

    digest: bytes
    name: str = field(compare=False)
    version: int = field(compare=False)
    definition: Definition = field(compare=False)

    def closing(self, at: int) -> Closing | None:
        """Return why nothing runs at `at`, None where it is open; a closed day comes before a window."""
        if at_in(self.year(at).days, at):
            return self._day(wall_time(self.definition.timezone, at) // DAY)
        if at_in(self.year(at).windows, at):
            return self._window(at)
        return None

    def day_name(self, at: int) -> str:
        """Return what closes the day at `at`: its name or "closed"; "" if it is open."""
        name = self.closed_day(wall_time(self.definition.timezone, at) // DAY)
        return "" if name is None else name or "closed"

    def is_open(self, at: int) -> bool:
        """Tell whether anything may run at `at`."""
        return not at_in(self.year(at).closed, at)

    def is_open_day(self, at: int) -> bool:
        """Tell whether the day at `at` is open, whatever windows say."""
        return not at_in(self.year(at).days, at)

    def closed_days(self, at: int) -> tuple[int, int] | None:
        """Return the closed days in a row around `at`, as far as its year goes; None if the day is open."""
        days = self.year(at).days
        place = bisect_right(days, (at, LARGEST)) - 1
        return days[place] if place >= 0 and at < days[place][1] else None

    def closed_end(self, at: int) -> int | None:
        """Return when it opens again where it is closed at `at`, a later moment if that is years ahead, else None."""
        return self._end("closed", at)

    def window_end(self, at: int) -> int | None:
        """Return when the windows that are open at `at` close, None if none is open."""
        return self._end("windows", at)

    def stop_end(self, at: int) -> int | None:
        """Return when the windows that stop what runs and are open at `at` close, None if none is."""
        return self._end("stops", at)

    def stop_start(self, at: int) -> int:
        """Return when the window that stops what runs at `at` opened, in the year of `at`."""
        return next((start for start, end in self.year(at).stops if start <= at < end), at)

    def stop_names(self, at: int) -> str:
        """Return the names of the windows that stop what runs at `at`."""
        return " and ".join(one.name for one in self.definition.windows if one.stop_running and self._covers(one, at))

    def closed_intervals(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """Yield the closed intervals within [low, high), in order; one that spans years comes in parts."""
        for number in range(max(year_of(low), FIRST_YEAR), min(year_of(high), LAST_YEAR) + 1):
            for start, end in _year(self, number).closed:
                if start < high and end > low:
                    yield max(start, low), min(end, high)

    def year(self, at: int) -> Year:
        """Return what is closed in the UTC year of `at`."""
        return _year(self, min(max(year_of(at), FIRST_YEAR), LAST_YEAR))

    def reach_back(self, at: int) -> int:
        """Return a moment such that no run moved forward from before it comes to `at` or later."""
        anchors, day = 0, wall_time(self.definition.timezone, at) // DAY - 1
        for number in range(day, day - FARTHEST - 2, -1):
            end = clock_time(self.definition.timezone, (number + 1) * DAY)
            if self.closed_day(number) is None and end <= at:
                window = self.window_end(end - 1)
                # Two such days, since a day of the calendar may be left out where the schedule's clocks differ.
                if window is None or (window < at and self.is_open_day(window)):
                    anchors += 1
                    if anchors == 2:
                        return end
        return at - (FARTHEST + 2) * DAY

    def reach_ahead(self, at: int) -> int:
        """Return a moment such that no run moved backward from after it comes to before `at`."""
        anchors, day = 0, wall_time(self.definition.timezone, at) // DAY + 1
        for number in range(day, day + FARTHEST + 2):
            if self.closed_day(number) is None:
                anchors += 1
                if anchors == 2:
                    return clock_time(self.definition.timezone, (number + 1) * DAY)
        return at + (FARTHEST + 2) * DAY

    def closed_day(self, number: int) -> str | None:
        """Return the name of what closes a day (numbered as by `date.toordinal`), "" if none; None if it is open."""
        tables = _tables(self)
        if number in tables.opened:
            return None
        if number in tables.closed:
            return tables.closed[number]
        return None if (number - 1) % 7 in tables.weekdays else DAY_NAMES[(number - 1) % 7]

    def _end(self, kind: str, at: int) -> int | None:
        """Return the end of the interval around `at`, also where it goes on in the next year."""
        found = None
        first = max(year_of(at), FIRST_YEAR)
        for number in range(first, min(first + YEARS_JOINED, LAST_YEAR) + 1):
            intervals: Intervals = getattr(_year(self, number), kind)
            place = bisect_right(intervals, (at, LARGEST)) - 1
            if place < 0 or intervals[place][1] <= at:
                return found
            found = at = intervals[place][1]
            if year_of(at - 1) == year_of(at):
                return found
        return found

    def _covers(self, window: Window, at: int) -> bool:
        return any(start <= at < end for start, end in _window_intervals(self, window, year_of(at)))

    def _day(self, number: int) -> Closing:
        day, label = date.fromordinal(number), self.closed_day(number) or ""
        name = f" ({label})" if label else ""
        why = f"closed on {DAY_NAMES[day.weekday()]}, {day}{name}"
        if label == DAY_NAMES[day.weekday()]:
            why = f"closed on {label}s: {day} is one"
        return Closing(HOLIDAY, label or "closed", f"The calendar {self.name} (version {self.version}) is {why}.")

    def _window(self, at: int) -> Closing:
        names = " and ".join(one.name for one in self.definition.windows if self._covers(one, at))
        end = wall_text(self.definition.timezone, self.window_end(at) or at)
        calendar = f"of the calendar {self.name} (version {self.version})"
        return Closing(BLACKOUT, names, f"The maintenance window {names} {calendar} is open until {end}.")


LARGEST = 1 << 62


class _Tables(NamedTuple):
    weekdays: frozenset[int]
    closed: dict[int, str]
    opened: frozenset[int]


def closures(name: str, version: int, definition: Definition) -> Closures:
    """Make a calendar ready for asking."""
    text = f"{version}\n{name}\n{definition.model_dump_json(by_alias=True)}"
    return Closures(blake2b(text.encode(), digest_size=16).digest(), name, version, definition)


def at_in(intervals: Intervals, at: int) -> bool:
    """Tell whether `at` lies in one of the merged intervals."""
    place = bisect_right(intervals, (at, LARGEST)) - 1
    return place >= 0 and at < intervals[place][1]


def wall_text(zone: str, at: int) -> str:
    """Return a moment as the clock at the wall shows it: 2026-11-29 02:00."""
    day, rest = divmod(wall_time(zone, at), DAY)
    return f"{date.fromordinal(day)} {rest // 3600:02}:{rest % 3600 // 60:02}"


@lru_cache(maxsize=512)
def _tables(calendar: Closures) -> _Tables:
    said = calendar.definition

    def numbers(dates: Iterable[NamedDate]) -> dict[int, str]:
        return {one.date.toordinal(): one.name for one in dates}

    weekdays = frozenset(WEEKDAYS.index(day) for day in said.weekdays)
    return _Tables(weekdays, numbers(said.closed_dates), frozenset(numbers(said.open_dates)))


@lru_cache(maxsize=1024)
def _year(calendar: Closures, number: int) -> Year:
    days = _merged(_day_intervals(calendar, number))
    windows: Intervals = []
    stops: Intervals = []
    for window in calendar.definition.windows:
        found = _window_intervals(calendar, window, number)
        windows += found
        stops += found if window.stop_running else []
    windows = _merged(windows)
    return Year(days, windows, _merged([*days, *windows]), _merged(stops))


def _day_intervals(calendar: Closures, number: int) -> Intervals:
    found: Intervals = []
    for span in spans(calendar.definition.timezone, number):
        first, last = (span.start + span.offset) // DAY, (span.end - 1 + span.offset) // DAY
        days = (day for day in range(first, last + 1) if calendar.closed_day(day) is not None)
        found += _within(span, ((day * DAY, (day + 1) * DAY) for day in days))
    return found


@lru_cache(maxsize=2048)
def _window_intervals(calendar: Closures, window: Window, number: int) -> Intervals:
    """Return when the window is open in a UTC year; a weekly one goes by the clock at the wall."""
    zone = calendar.definition.timezone
    year = spans(zone, min(max(number, FIRST_YEAR), LAST_YEAR))
    if not window.days:
        start, end = (_instant(moment, zone) for moment in window.moments)
        start, end = max(start, year[0].start), min(end, year[-1].end)
        return [(start, end)] if start < end else []
    opens, closes = (minute * 60 for minute in window.minutes)
    closes += DAY if closes <= opens else 0
    weekdays = {WEEKDAYS.index(day) for day in window.days}
    found: Intervals = []
    for span in year:
        first, last = (span.start + span.offset) // DAY - 1, (span.end - 1 + span.offset) // DAY
        days = (day for day in range(first, last + 1) if (day - 1) % 7 in weekdays)
        found += _within(span, ((day * DAY + opens, day * DAY + closes) for day in days))
    return found


def _within(span: Span, walls: Iterable[tuple[int, int]]) -> Intervals:
    """Return stretches of wall time as UTC, as far as they lie in the span."""
    clipped = ((max(start - span.offset, span.start), min(end - span.offset, span.end)) for start, end in walls)
    return [(start, end) for start, end in clipped if start < end]


def _instant(moment: datetime, zone: str) -> int:
    if moment.tzinfo is not None:
        return seconds(moment)
    wall = moment.toordinal() * DAY + moment.hour * 3600 + moment.minute * 60 + moment.second
    return clock_time(zone, wall)


def _merged(intervals: Intervals) -> Intervals:
    merged: Intervals = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
