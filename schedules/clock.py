"""Time zones as clocks on a wall: where each stands, and when it is put forward or back.

Wall and UTC times are whole seconds counted from one origin, so that a wall time is a UTC time plus the offset.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

DAY = 86_400
FIRST_YEAR, LAST_YEAR = 2, 9998  # a year away from what datetime can hold, so that no offset leads out of it
ORIGIN = datetime(1, 1, 1, tzinfo=UTC)  # day 1


class TimingError(ValueError):
    """The timing cannot be read or never fires; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class ClockChange:
    """The moment (UTC) at which a zone's clocks are put forward or back, and the offsets before and after it."""

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def gap(self) -> bool:
        """Tell whether clocks go forward, so that wall times are left out; else some come twice."""
        return self.after > self.before


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a UTC year in which the offset (seconds) stays the same: from `start` until before `end`.

    `before` is the offset up to the clock change that opens the span; None if it merely opens the year.
    """

    start: int
    end: int
    offset: int
    before: int | None


@cache
def zone_names() -> frozenset[str]:
    """Return the IANA names that this machine knows."""
    return frozenset(available_timezones())


def zone(name: str) -> ZoneInfo:
    """Return the zone of that IANA name; raises TimingError if there is none."""
    if not isinstance(name, str) or name not in zone_names():
        raise TimingError(f"{_shown(name)} is no time zone. Write an IANA name such as Europe/Riga or UTC.")
    return ZoneInfo(name)


@lru_cache(maxsize=8192)
def spans(zone_name: str, year: int) -> tuple[Span, ...]:
    """Return the spans of a UTC year in a zone, in order."""
    clock = zone(zone_name)
    # No two changes lie closer together: Freetown had two in 4 days in 1939, since 1946 it is 7 days at the least.
    stride = (3 if year < 1946 else 6) * DAY
    start, end = (date(y, 1, 1).toordinal() * DAY for y in (year, year + 1))
    found: list[Span] = []
    opened, before, offset = start, None, _offset(clock, start - 1)
    probe = start - 1
    while probe < end - 1:
        probed = min(probe + stride, end - 1)
        if _offset(clock, probed) != offset:
            change = _first_with_other_offset(clock, probe, probed, offset)
            if change > start:
                found.append(Span(opened, change, offset, before))
            opened, before, offset = change, offset, _offset(clock, change)
            probed = change
        probe = probed
    return (*found, Span(opened, end, offset, before))


def clock_changes(zone_name: str, after: datetime, count: int) -> tuple[ClockChange, ...]:
    """Return up to `count` clock changes strictly after `after`, searching the ten years ahead of it."""
    found: list[ClockChange] = []
    since = seconds(after)
    first = max(year_of(since), FIRST_YEAR)
    for year in range(first, min(first + 10, LAST_YEAR) + 1):
        if len(found) >= count:
            break
        for span in spans(zone_name, year):
            if span.before is not None and span.start > since:
                before, offset = timedelta(seconds=span.before), timedelta(seconds=span.offset)
                found.append(ClockChange(moment(span.start), before, offset))
    return tuple(found[:count])


def seconds(at: datetime) -> int:
    """Return an aware time as whole UTC seconds from the origin, rounded down."""
    wall = at.toordinal() * DAY + at.hour * 3600 + at.minute * 60 + at.second
    offset = at.utcoffset()
    if offset is None:
        raise TypeError("A time needs a zone.")
    return wall - int(offset.total_seconds())


def moment(at: int) -> datetime:
    """Return seconds from the origin as an aware UTC time."""
    return ORIGIN + timedelta(seconds=at - DAY)


def wall_time(zone_name: str, at: int) -> int:
    """Return what the clock at the wall shows at a UTC second, as seconds from the origin."""
    for span in spans(zone_name, min(max(year_of(at), FIRST_YEAR), LAST_YEAR)):
        if at < span.end:
            break
    return at + span.offset


def clock_time(zone_name: str, wall: int) -> int:
    """Return the UTC second at which the clock at the wall shows `wall`: the first of two, the end of a gap."""
    year = min(max(year_of(wall), FIRST_YEAR), LAST_YEAR)
    around = [span for number in (year - 1, year, year + 1) for span in _edge(zone_name, number, wall)]
    for span in around:
        if wall - span.offset < span.end:
            return max(wall - span.offset, span.start)
    return wall - around[-1].offset


def _edge(zone_name: str, year: int, wall: int) -> list[Span]:
    """Return the spans of a year that lie within two days of a wall time."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return []
    return [span for span in spans(zone_name, year) if span.start - 2 * DAY < wall < span.end + 2 * DAY]


def year_of(at: int) -> int:
    """Return the year in which seconds from the origin fall, between 1 and 9999."""
    return date.fromordinal(min(max(at // DAY, 1), date.max.toordinal())).year


def _offset(clock: ZoneInfo, at: int) -> int:
    offset = moment(at).astimezone(clock).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _first_with_other_offset(clock: ZoneInfo, low: int, high: int, offset: int) -> int:
    """Return the first second in (low, high] whose offset is not `offset`, by halving."""
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(clock, middle) == offset:
            low = middle
        else:
            high = middle
    return high


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
