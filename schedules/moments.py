"""How a span and a moment are said to a person: pure functions, at most two units."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

MINUTE, HOUR, DAY = 60, 3_600, 86_400


def span(seconds: float) -> str:
    """Say how long `seconds` are: "0.8 s", "41 s", "2 min 37 s", "7 h 5 min", "3 d"."""
    if seconds < 0.0005:
        return _("0 s")
    if seconds < 1:
        return _("%(number)s ms") % {"number": round(seconds * 1000)} if seconds < 0.1 else f"{seconds:.2g} s"
    if seconds < 10:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    for size, unit, smaller, smaller_unit in (
        (DAY, "d", HOUR, "h"),
        (HOUR, "h", MINUTE, "min"),
        (MINUTE, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {smaller_unit}" if rest else "")
    return f"{whole} s"


def distance(seconds: float) -> str:
    """Say roughly how far off `seconds` are: one unit, two while it is hours."""
    whole = abs(int(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        rest = whole % HOUR // MINUTE
        return f"{whole // HOUR} h" + (f" {rest} min" if rest and whole < 10 * HOUR else "")
    return f"{whole // DAY} d"


def relative(moment: datetime, now: datetime) -> str:
    """Say where `moment` lies seen from `now`: "in 4 min", "7 h ago", "now"."""
    seconds = (moment - now).total_seconds()
    if abs(seconds) < 1:
        return _("now")
    if seconds > 0:
        return _("in %(distance)s") % {"distance": distance(seconds)}
    return _("%(distance)s ago") % {"distance": distance(seconds)}


def clock(moment: datetime, now: datetime, zone: ZoneInfo | None = None, *, seconds: bool = False) -> str:
    """Say `moment` as short as `now` allows, in `zone` or the current one: "06:15", "Thu 26 Nov 06:15"."""
    local, today = timezone.localtime(moment, zone), timezone.localtime(now, zone)
    hour = date_format(local, "H:i:s" if seconds else "H:i")
    if local.date() == today.date():
        return hour
    return f"{day(local, today)} {hour}"


def full(moment: datetime, now: datetime, zone: ZoneInfo | None = None) -> str:
    """Say `moment` with its day: "Thu 26 Nov 06:15", the year only if it is another."""
    local, today = timezone.localtime(moment, zone), timezone.localtime(now, zone)
    return f"{day(local, today)} {date_format(local, 'H:i')}"


def day(local: datetime, today: datetime) -> str:
    """Say the day of `local`, with its year only if that is not the year of `today`."""
    return date_format(local, "D j M" if local.year == today.year else "D j M Y")
