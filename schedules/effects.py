"""What a clock change does to a cron expression, as a sentence."""

from datetime import timedelta

from schedules.clock import ClockChange, seconds
from schedules.fires import SPECIAL
from schedules.nominal import DAY_MINUTES, Expression
from schedules.sentences import join

MOST_TIMES = 3


def effect(expression: Expression, change: ClockChange) -> str:
    """Say what becomes of the times in the gap or in the repeated hour of `change`."""
    at = seconds(change.at)
    before, after = (-(-(at + _whole(offset)) // 60) for offset in (change.before, change.after))
    low, high = min(before, after), max(before, after)
    number = expression.count(low, high)
    if number == 0:
        return f"No time of this schedule {'is left out' if change.gap else 'comes twice'}."
    if expression.wild and len(expression.hours) == 24:
        return "It follows the clock that ticks: no fire is lost, none is doubled."
    once = not expression.wild and abs(_whole(change.after - change.before)) <= SPECIAL
    times, night = _times(expression, low, high, number), _night(low, high)
    if change.gap:
        what = f"it fires once at {_clock(high)}" if once else f"{'it is' if number == 1 else 'they are'} left out"
        return f"{times} {'does' if number == 1 else 'do'} not exist {night}; {what}."
    what = f"it fires once{'' if number == 1 else ' for each'}, the first time" if once else "it fires both times"
    return f"{times} {'comes' if number == 1 else 'come'} twice {night}; {what}."


def _times(expression: Expression, low: int, high: int, number: int) -> str:
    first, last = expression.first_from(low), expression.last_before(high)
    if number > MOST_TIMES and first is not None and last is not None:
        return f"{number} times from {_clock(first)} to {_clock(last)}"
    listed = []
    while first is not None and first < high:
        listed.append(_clock(first))
        first = expression.first_from(first + 1)
    return join(listed)


def _clock(minute: int) -> str:
    hour, minute = divmod(minute % DAY_MINUTES, 60)
    return f"{hour:02}:{minute:02}"


def _night(low: int, high: int) -> str:
    dark = not 6 <= low % DAY_MINUTES // 60 < 20 and high - low < DAY_MINUTES // 2
    return "that night" if dark else "that day"


def _whole(offset: timedelta) -> int:
    return int(offset.total_seconds())
