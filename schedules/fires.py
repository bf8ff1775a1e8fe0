"""The instants at which a cron expression fires in a zone, as Debian cron 3.0pl1 does it.

An expression that follows the real clock fires whenever the clock shows a time that it names: twice in a repeated
hour, not at all in a gap. Any other fires once: in a repeated hour the first time, and for times in a gap of up to
three hours at the first minute after it. A change of more than three hours is a correction and taken as it comes.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from schedules.clock import FIRST_YEAR, LAST_YEAR, Span, moment, seconds, spans, year_of
from schedules.nominal import Expression

SPECIAL = 3 * 3600
PATIENCE = 50  # years without a fire after which the search ends; dates alone leave out 40 at most
Window = tuple[int, int, bool]


@lru_cache(maxsize=16_384)
def following(expression: Expression, zone: str, after: datetime) -> datetime | None:
    """Return the first instant strictly after `after`, or None."""
    return next(fires(expression, zone, after), None)


def fires(expression: Expression, zone: str, after: datetime) -> Iterator[datetime]:
    """Yield the instants strictly after `after` in order, until fifty years bring none or the calendar ends."""
    since = seconds(after)
    year = max(year_of(since), FIRST_YEAR)
    give_up = year + PATIENCE
    while year <= min(give_up, LAST_YEAR):
        ahead: int | None = None
        for span in spans(zone, year):
            low, high, extra = _within(expression, span, since, span.end)
            if extra:
                yield _instant(low, span)
                give_up = year + PATIENCE
            ahead = expression.first_from(low)
            while ahead is not None and ahead < high:
                yield _instant(ahead, span)
                give_up = year + PATIENCE
                ahead = expression.first_from(ahead + 1)
        if ahead is None:
            return
        year = max(year + 1, year_of(ahead * 60) - 1)


def count(expression: Expression, zone: str, after: datetime, until: datetime) -> int:
    """Return how many instants lie in (after, until]; the work grows with the years, not with the instants."""
    since, end = seconds(after), seconds(until) + 1
    total = 0
    for year in range(max(year_of(since), FIRST_YEAR), min(year_of(end), LAST_YEAR) + 1):
        for span in spans(zone, year):
            low, high, extra = _within(expression, span, since, end)
            total += extra + expression.count(low, high)
    return total


def ticks(expression: Expression, zone: str, since: int, until: int) -> list[int]:
    """Return the instants in (since, until] in order; all are seconds as `schedules.clock` counts them."""
    found: list[int] = []
    for year in range(max(year_of(since), FIRST_YEAR), min(year_of(until), LAST_YEAR) + 1):
        for span in spans(zone, year):
            low, high, extra = _within(expression, span, since, until + 1)
            if extra:
                found.append(low * 60 - span.offset)
            if low < high:
                found += [minute * 60 - span.offset for minute in expression.between(low, high)]
    return found


def latest(expression: Expression, zone: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the instants in (after, until], the newest first."""
    since, end = seconds(after), seconds(until) + 1
    for year in range(min(year_of(end), LAST_YEAR), max(year_of(since), FIRST_YEAR) - 1, -1):
        for span in reversed(spans(zone, year)):
            low, high, extra = _within(expression, span, since, end)
            behind = expression.last_before(high)
            while behind is not None and behind >= low:
                yield _instant(behind, span)
                behind = expression.last_before(behind)
            if extra:
                yield _instant(low, span)


def _within(expression: Expression, span: Span, since: int, end: int) -> Window:
    """Return the wall minutes [low, high) of the span that lie in (since, end), and whether `low` is a late fire.

    A late fire stands for times in the gap before it; it is no named minute itself.
    """
    low, high, extra = window(expression, span)
    from_since = (since + span.offset) // 60 + 1
    high = min(high, _up(end + span.offset))
    if from_since > low:
        low, extra = from_since, False
    return low, high, extra and low < high


def window(expression: Expression, span: Span) -> Window:
    """Return the wall minutes [low, high) that count in the span, and whether a late fire is due at `low`."""
    low, high = _up(span.start + span.offset), _up(span.end + span.offset)
    if span.before is None or expression.wild or abs(span.offset - span.before) > SPECIAL:
        return low, high, False
    shown_before = _up(span.start + span.before)
    if shown_before >= low:
        return shown_before, high, False
    late = expression.count(shown_before, low) > 0 and expression.first_from(low) != low
    return low, high, late


def _up(at: int) -> int:
    """Return the first whole minute at or after a second."""
    return -(-at // 60)


def _instant(minute: int, span: Span) -> datetime:
    return moment(minute * 60 - span.offset)
