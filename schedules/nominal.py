"""The wall-clock minutes that a cron expression names, whatever a zone's clocks do.

A wall minute is the number of minutes from the origin of `schedules.clock` on the clock at the wall.
"""

from bisect import bisect_left
from calendar import isleap
from datetime import date, datetime, timedelta
from itertools import pairwise

from cronsim import CronSim

from schedules.clock import DAY, FIRST_YEAR, LAST_YEAR, year_of

DAY_MINUTES = 1440
CALENDAR = range(2000, 2028)  # 28 years in a row hold each of the 14 kinds of year, and each kind after each


class Expression:
    """A cron expression that was read: `text` is written out, without H and in the form that cronsim takes.

    `wild` tells that it follows the real clock: its minute or hour field starts with a star.
    """

    __slots__ = ("_days_by_kind_of_year", "_sim", "_times", "hours", "minutes", "months", "text", "wild")

    def __init__(self, text: str, minutes: frozenset[int], hours: frozenset[int], months: frozenset[int]) -> None:
        minute, hour = text.split(" ")[:2]
        self.text = text
        self.minutes, self.hours, self.months = minutes, hours, months
        self.wild = minute.startswith("*") or hour.startswith("*")
        self._times = sorted(h * 60 + m for h in hours for m in minutes)
        self._sim = CronSim(_days_only(text), datetime(2000, 1, 1))
        self._days_by_kind_of_year: dict[tuple[bool, int], list[int]] = {}

    def fires_ever(self) -> bool:
        """Tell whether any date matches."""
        return any(self._days(year) for year in CALENDAR)

    def first_from(self, minute: int) -> int | None:
        """Return the first named wall minute at or after `minute`; None if the calendar ends before it."""
        day, rest = divmod(minute, DAY_MINUTES)
        on = self._day_from(day)
        if on is None:
            return None
        if on == day:
            if rest <= self._times[-1]:
                return day * DAY_MINUTES + self._times[bisect_left(self._times, rest)]
            on = self._day_from(day + 1)
        return None if on is None else on * DAY_MINUTES + self._times[0]

    def last_before(self, minute: int) -> int | None:
        """Return the last named wall minute before `minute`; None if the calendar begins after it."""
        day, rest = divmod(minute, DAY_MINUTES)
        on = self._day_until(day)
        if on is None:
            return None
        if on == day:
            if rest > self._times[0]:
                return day * DAY_MINUTES + self._times[bisect_left(self._times, rest) - 1]
            on = self._day_until(day - 1)
        return None if on is None else on * DAY_MINUTES + self._times[-1]

    def count(self, low: int, high: int) -> int:
        """Return how many named wall minutes lie in [low, high)."""
        if low >= high:
            return 0
        (first, early), (last, late) = divmod(low, DAY_MINUTES), divmod(high, DAY_MINUTES)
        named = self._days_between(first, last) * len(self._times)
        if self._days_between(first, first + 1):
            named -= bisect_left(self._times, early)
        if self._days_between(last, last + 1):
            named += bisect_left(self._times, late)
        return named

    def smallest_gap(self) -> timedelta:
        """Return the smallest distance between two named wall minutes, in any year."""
        gaps = [after - before for before, after in pairwise(self._times)]
        overnight = DAY_MINUTES - self._times[-1] + self._times[0]
        if not gaps or overnight < min(gaps):
            gaps.append(overnight + (self._days_apart() - 1) * DAY_MINUTES)
        return timedelta(minutes=min(gaps))

    def _days_apart(self) -> int:
        """Return the smallest distance between two matching days; 10,000 if 28 years hold fewer than two."""
        smallest, last = 10_000, None
        for year in CALENDAR:
            start = date(year, 1, 1).toordinal()
            for day in self._days(year):
                if last is not None:
                    smallest = min(smallest, start + day - last)
                last = start + day
            if smallest == 1:
                break
        return smallest

    def _days(self, year: int) -> list[int]:
        """Return the days of the year (from 0) that match; years that begin alike share one list."""
        start = date(year, 1, 1)
        kind = (isleap(year), start.weekday())
        if kind not in self._days_by_kind_of_year:
            first = start.toordinal()
            dates = (date.fromordinal(first + day) for day in range(366 if kind[0] else 365))
            self._days_by_kind_of_year[kind] = [
                day for day, at in enumerate(dates) if at.month in self.months and self._sim.match_day(at)
            ]
        return self._days_by_kind_of_year[kind]

    def _day_from(self, day: int) -> int | None:
        for year in range(max(year_of(day * DAY), FIRST_YEAR), LAST_YEAR + 1):
            start, days = date(year, 1, 1).toordinal(), self._days(year)
            if days and start + days[-1] >= day:
                return start + days[bisect_left(days, day - start)]
        return None

    def _day_until(self, day: int) -> int | None:
        for year in range(min(year_of(day * DAY), LAST_YEAR), FIRST_YEAR - 1, -1):
            start, days = date(year, 1, 1).toordinal(), self._days(year)
            if days and start + days[0] <= day:
                return start + days[bisect_left(days, day - start + 1) - 1]
        return None

    def _days_between(self, low: int, high: int) -> int:
        """Return how many matching days lie in [low, high)."""
        matching = 0
        for year in range(year_of(low * DAY), year_of(high * DAY) + 1):
            start, days = date(year, 1, 1).toordinal(), self._days(year)
            matching += bisect_left(days, high - start) - bisect_left(days, low - start)
        return matching


def _days_only(text: str) -> str:
    return " ".join(["0", "0", *text.split(" ")[2:]])
