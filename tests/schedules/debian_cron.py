"""A second evaluator for comparison: step through the minutes as Debian cron 3.0pl1's main loop does.

It shares no code with the evaluator under test, and takes its rules from crontab(5) and cron(8): a virtual clock that
runs with the wall clock, is caught up for what has a fixed time when the wall clock is put forward by up to three
hours, waits when it is put back by up to three, and jumps otherwise.
"""

import calendar
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
THREE_HOURS = 180
LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


class Crontab:
    def __init__(self, line: str) -> None:
        fields = line.split()
        self.minute, self.hour, _, self.month, _ = (
            {n for term in field.split(",") for n in _numbers(term, *limits)}
            for field, limits in zip(fields, LIMITS, strict=True)
        )
        self.day_terms, self.weekday_terms = fields[2].split(","), fields[4].split(",")
        self.day_and_weekday = fields[2][0] == "*" or fields[4][0] == "*"
        self._known: dict[datetime, bool] = {}
        self.wild = fields[0][0] == "*" or fields[1][0] == "*"

    def names(self, wall: datetime) -> bool:
        if wall.minute not in self.minute or wall.hour not in self.hour or wall.month not in self.month:
            return False
        return self._names_day(wall.replace(hour=0, minute=0))

    def _names_day(self, wall: datetime) -> bool:
        if wall in self._known:
            return self._known[wall]
        day = any(_day_matches(term, wall) for term in self.day_terms)
        weekday = any(_weekday_matches(term, wall) for term in self.weekday_terms)
        self._known[wall] = (day and weekday) if self.day_and_weekday else (day or weekday)
        return self._known[wall]


def fire_times(line: str, zone: str, first: datetime, last: datetime) -> list[datetime]:
    """Return the UTC minutes in (first, last] at which the line is run; `first` lies ahead of any clock change."""
    job = Crontab(line)
    fired = []
    virtual = _walls(zone, first, last)[0][1]
    for now, wall in _walls(zone, first, last)[1:]:
        ahead = (wall - virtual) // MINUTE
        if ahead == 1:
            virtual, run = wall, job.names(wall)
        elif 1 < ahead <= THREE_HOURS + 1:
            missed = (virtual + MINUTE * n for n in range(1, ahead + 1))
            run = job.names(wall) if job.wild else any(job.names(minute) for minute in missed)
            virtual = wall
        elif -THREE_HOURS < ahead <= 0:
            run = job.wild and job.names(wall)
        else:
            virtual, run = wall, job.names(wall)
        if run:
            fired.append(now)
    return fired


@cache
def _walls(zone: str, first: datetime, last: datetime) -> list[tuple[datetime, datetime]]:
    clock, minutes = ZoneInfo(zone), (last - first) // MINUTE
    moments = [first.astimezone(UTC) + MINUTE * n for n in range(minutes + 1)]
    return [(moment, moment.astimezone(clock).replace(tzinfo=None)) for moment in moments]


def _numbers(term: str, low: int, high: int) -> list[int]:
    if "L" in term or "#" in term:
        return []
    span, _, step = term.partition("/")
    if span != "*":
        first, _, last = span.partition("-")
        low, high = int(first), int(last or first)
    return [n for n in range(low, high + 1) if (n - low) % int(step or 1) == 0]


def _day_matches(term: str, wall: datetime) -> bool:
    length = calendar.monthrange(wall.year, wall.month)[1]
    if term == "L":
        return wall.day == length
    if term == "LW":
        workdays = [day for day in range(1, length + 1) if wall.replace(day=day).weekday() < 5]
        return wall.day == workdays[-1]
    return wall.day in _numbers(term, 1, 31)


def _weekday_matches(term: str, wall: datetime) -> bool:
    today = wall.isoweekday() % 7
    if term.endswith("L"):
        return int(term[0]) % 7 == today and (wall + timedelta(days=7)).month != wall.month
    if "#" in term:
        return int(term[0]) % 7 == today and (wall.day - 1) // 7 + 1 == int(term[2])
    return today in {n % 7 for n in _numbers(term, 0, 7)}
