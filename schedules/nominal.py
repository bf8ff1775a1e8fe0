"""The wall-clock minutes that a cron expression names, whatever a zone's clocks do.

A wall minute is the number of minutes from the origin of `schedules.clock` on the clock at the wall.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from schedules.days import days

DAY_MINUTES = 1440


class Expression:
    """A cron expression that was read: `text` is written out, without H and in the form that cronsim takes.

    `wild` tells that it follows the real clock: its minute or hour field starts with a star.
    """

    __slots__ = ("_days", "_times", "hours", "minutes", "months", "text", "wild")

    def __init__(self, text: str, minutes: frozenset[int], hours: frozenset[int], months: frozenset[int]) -> None:
        minute, hour, days_fields = text.split(" ", 2)
        self.text = text
        self.minutes, self.hours, self.months = minutes, hours, months
        self.wild = minute.startswith("*") or hour.startswith("*")
        self._times = array("h", sorted(h * 60 + m for h in hours for m in minutes))
        self._days = days(days_fields)

    def fires_ever(self) -> bool:
        """Tell whether any date matches."""
        return self._days.exist()

    def first_from(self, minute: int) -> int | None:
        """Return the first named wall minute at or after `minute`; None if the calendar ends before it."""
        day, rest = divmod(minute, DAY_MINUTES)
        on = self._days.first_from(day)
        if on == day:
            if rest <= self._times[-1]:
                return day * DAY_MINUTES + self._times[bisect_left(self._times, rest)]
            on = self._days.first_from(day + 1)
        return None if on is None else on * DAY_MINUTES + self._times[0]

    def last_before(self, minute: int) -> int | None:
        """Return the last named wall minute before `minute`; None if the calendar begins after it."""
        day, rest = divmod(minute, DAY_MINUTES)
        on = self._days.last_until(day)
        if on == day:
            if rest > self._times[0]:
                return day * DAY_MINUTES + self._times[bisect_left(self._times, rest) - 1]
            on = self._days.last_until(day - 1)
        return None if on is None else on * DAY_MINUTES + self._times[-1]

    def between(self, low: int, high: int) -> Iterator[int]:
        """Yield the named wall minutes in [low, high) in order, a day at a time."""
        day = self._days.first_from(low // DAY_MINUTES)
        while day is not None and (begin := day * DAY_MINUTES) < high:
            first, last = bisect_left(self._times, low - begin), bisect_left(self._times, high - begin)
            yield from [begin + time for time in self._times[first:last]]
            day = self._days.first_from(day + 1)

    def count(self, low: int, high: int) -> int:
        """Return how many named wall minutes lie in [low, high)."""
        if low >= high:
            return 0
        (first, early), (last, late) = divmod(low, DAY_MINUTES), divmod(high, DAY_MINUTES)
        named = self._days.count(first, last) * len(self._times)
        if self._days.count(first, first + 1):
            named -= bisect_left(self._times, early)
        if self._days.count(last, last + 1):
            named += bisect_left(self._times, late)
        return named

    def smallest_gap(self) -> timedelta:
        """Return the smallest distance between two named wall minutes, in any year."""
        gaps = [after - before for before, after in pairwise(self._times)]
        overnight = DAY_MINUTES - self._times[-1] + self._times[0]
        if not gaps or overnight < min(gaps):
            gaps.append(overnight + (self._days.smallest_gap() - 1) * DAY_MINUTES)
        return timedelta(minutes=min(gaps))
