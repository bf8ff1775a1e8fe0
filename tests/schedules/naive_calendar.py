"""A calendar read the slow and plain way: one instant after the other, with zoneinfo alone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from schedules import rhythm
from schedules.calendars.definition import WEEKDAYS

DAY = timedelta(days=1)


def open_day(definition, at):
    day = at.astimezone(ZoneInfo(definition.timezone)).date()
    if day in {one.date for one in definition.open_dates}:
        return True
    return WEEKDAYS[day.weekday()] in definition.weekdays and day not in {one.date for one in definition.closed_dates}


def in_window(definition, at):
    wall = at.astimezone(ZoneInfo(definition.timezone)).replace(tzinfo=None)
    for window in definition.windows:
        if not window.days:
            start, end = (_utc(definition, moment) for moment in window.moments)
            if start <= at < end:
                return True
            continue
        opens, closes = (timedelta(minutes=minute) for minute in window.minutes)
        closes += DAY if closes <= opens else timedelta(0)
        for back in (0, 1):
            midnight = datetime.combine(wall.date() - back * DAY, datetime.min.time())
            if WEEKDAYS[midnight.weekday()] in window.days and midnight + opens <= wall < midnight + closes:
                return True
    return False


def is_open(definition, at):
    return open_day(definition, at) and not in_window(definition, at)


def target(timing, definition, at):
    """Return where the run of a closed instant happens, or None."""
    if timing.calendar_rule == "skip":
        return None
    found = at
    if timing.calendar_rule == "previous":
        found = None if open_day(definition, at) else _same_time(timing, definition, at, -1)
        return found if found and is_open(definition, found) and _allowed(timing, found) else None
    while found is not None and found - at <= 366 * DAY:
        if not open_day(definition, found):
            found = _same_time(timing, definition, found, 1)
        elif in_window(definition, found):
            while in_window(definition, found):
                found = (found + timedelta(minutes=1)).replace(second=0)
        else:
            return found if _allowed(timing, found) else None
    return None


def instants(timing, definition, low, high):
    """Return all instants in (low, high], closed ones and targets included."""
    around = [low - 40 * DAY, high + 40 * DAY]
    nominal = []
    for at in rhythm.instants(timing, around[0]):
        if at > around[1]:
            break
        nominal.append(at)
    moved = {target(timing, definition, at) for at in nominal if not is_open(definition, at)} - {None}
    return sorted(at for at in {*nominal, *moved} if low < at <= high)


def _same_time(timing, definition, at, direction):
    zone = ZoneInfo(timing.zone)
    wall = at.astimezone(zone).replace(tzinfo=None)
    for days in range(1, 367):
        aware = (wall + direction * days * DAY).replace(tzinfo=zone, fold=0)
        found = aware.astimezone(UTC)
        if found.astimezone(zone).replace(tzinfo=None) != aware.replace(tzinfo=None):
            found = _after_gap(zone, found)
        if open_day(definition, found):
            return found
    return None


def _after_gap(zone, at):
    """Return the moment at which the clocks go forward, near `at`."""
    probe = (at - timedelta(hours=4)).replace(second=0)
    while True:
        following = probe + timedelta(minutes=1)
        if following.astimezone(zone).utcoffset() > probe.astimezone(zone).utcoffset():
            return following
        probe = following


def _allowed(timing, at):
    return (timing.start is None or at >= timing.start) and (timing.end is None or at <= timing.end)


def _utc(definition, moment):
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(definition.timezone))).astimezone(UTC)
