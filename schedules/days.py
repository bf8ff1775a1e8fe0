"""The days that the last three fields of a cron expression name, counted as in `schedules.clock`."""

from array import array
from bisect import bisect_left
from calendar import isleap
from datetime import date, datetime
from functools import lru_cache

from cronsim import CronSim

from schedules.clock import DAY, FIRST_YEAR, LAST_YEAR, year_of

CALENDAR = range(2000, 2028)  # 28 years in a row hold each of the 14 kinds of year, and each kind after each
FAR_APART = 10_000


@lru_cache(maxsize=2048)
def days(fields: str) -> "Days":
    """Return the days that day of month, month and day of week name; raises CronSimError if no month has them."""
    return Days(fields)


class Days:
    """A set of days without end. cronsim says which dates match; years that begin alike share one list of them."""

    __slots__ = ("_by_kind_of_year", "_sim")

    def __init__(self, fields: str) -> None:
        self._sim = CronSim(f"0 0 {fields}", datetime(2000, 1, 1))
        self._by_kind_of_year: dict[tuple[bool, int], array[int]] = {}

    def exist(self) -> bool:
        """Tell whether any date matches."""
        return any(self._of(year) for year in CALENDAR)

    def first_from(self, day: int) -> int | None:
        """Return the first matching day at or after `day`; None if the calendar ends before it."""
        for year in range(max(year_of(day * DAY), FIRST_YEAR), LAST_YEAR + 1):
            start, matching = date(year, 1, 1).toordinal(), self._of(year)
            if matching and start + matching[-1] >= day:
                return start + matching[bisect_left(matching, day - start)]
        return None

    def last_until(self, day: int) -> int | None:
        """Return the last matching day at or before `day`; None if the calendar begins after it."""
        for year in range(min(year_of(day * DAY), LAST_YEAR), FIRST_YEAR - 1, -1):
            start, matching = date(year, 1, 1).toordinal(), self._of(year)
            if matching and start + matching[0] <= day:
                return start + matching[bisect_left(matching, day - start + 1) - 1]
        return None

    def count(self, low: int, high: int) -> int:
        """Return how many matching days lie in [low, high)."""
        number = 0
        for year in range(year_of(low * DAY), year_of(high * DAY) + 1):
            start, matching = date(year, 1, 1).toordinal(), self._of(year)
            number += bisect_left(matching, high - start) - bisect_left(matching, low - start)
        return number

    def smallest_gap(self) -> int:
        """Return the smallest distance between two matching days; 10,000 if 28 years hold fewer than two."""
        smallest, last = FAR_APART, None
        for year in CALENDAR:
            start = date(year, 1, 1).toordinal()
            for day in self._of(year):
                if last is not None:
                    smallest = min(smallest, start + day - last)
                last = start + day
            if smallest == 1:
                break
        return smallest

    def _of(self, year: int) -> "array[int]":
        """Return the matching days of a year, from 0."""
        first = date(year, 1, 1)
        kind = (isleap(year), first.weekday())
        if kind not in self._by_kind_of_year:
            start, months, matches = first.toordinal(), self._sim.months, self._sim.match_day
            dates = (date.fromordinal(start + day) for day in range(366 if kind[0] else 365))
            self._by_kind_of_year[kind] = array(
                "h", [day for day, at in enumerate(dates) if at.month in months and matches(at)]
            )
        return self._by_kind_of_year[kind]
