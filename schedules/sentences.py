"""English for the times at which a schedule fires."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from schedules.nominal import Expression

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NTH = ("first", "second", "third", "fourth", "fifth")
UNITS = ((604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
MOST_TIMES = 6  # so many times of a day are listed; more are described


def cron_sentence(expression: Expression) -> str:
    """Say when a cron expression fires, such as "At 06:15 and 12:15, Monday to Friday"."""
    days = _days(expression)
    listed = _listed_times(expression)
    if listed is None:
        return _together(_rhythm(expression), days)
    if not days or days.startswith("in "):
        return _together(f"Every day at {listed}", days)
    return f"At {listed}, {days}"


def interval_sentence(step: timedelta) -> str:
    """Say how often an interval fires, in the largest unit that fits: "Every 2 hours"."""
    seconds = int(step.total_seconds())
    size, unit = next((size, unit) for size, unit in UNITS if seconds % size == 0)
    return f"Every {unit}" if seconds == size else f"Every {seconds // size:,} {unit}s"


def day_and_time(at: datetime) -> str:
    """Return a moment as it stands on the wall: "Thu 26 Nov 2026 at 06:15", with seconds only if there are any."""
    time = f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"
    return f"{WEEKDAYS[at.weekday()][:3]} {at.day} {MONTHS[at.month - 1][:3]} {at.year} at {time}"


def join(parts: Iterable[str], word: str = "and") -> str:
    """Return "a, b and c"."""
    *most, last = parts
    return f"{', '.join(most)} {word} {last}" if most else last


def _listed_times(expression: Expression) -> str | None:
    minutes, hours = sorted(expression.minutes), sorted(expression.hours)
    stepped = len(hours) > 1 and expression.text.split(" ")[1].startswith("*")
    if stepped or len(minutes) * len(hours) > MOST_TIMES:
        return None
    if len(hours) == 1 and len(minutes) > 2 and len(_runs(minutes)) == 1:
        return None
    return join(f"{hour:02}:{minute:02}" for hour in hours for minute in minutes)


def _rhythm(expression: Expression) -> str:
    """Describe the times of a day as a rhythm: "Every 5 minutes, 07:00 to 22:59"."""
    minutes, hours = sorted(expression.minutes), sorted(expression.hours)
    if often := _every_some_minutes(minutes):
        return _together(often, _hours(hours))
    if len(minutes) > 1:
        if len(hours) == 1 and len(_runs(minutes)) == 1:
            return f"Every minute from {hours[0]:02}:{minutes[0]:02} to {hours[0]:02}:{minutes[-1]:02}"
        past = "every hour" if len(hours) == 24 else f"the hours {_numbers(hours)}"
        return f"At {_numbers(minutes)} minutes past {past}"
    minute = minutes[0]
    if step := _step_from_zero(hours):
        often = "Every hour" if step == 1 else f"Every {step} hours"
        return often if minute == 0 else f"{often}, at {_minutes(minute)} past"
    if len(_runs(hours)) == 1:
        return f"Every hour from {hours[0]:02}:{minute:02} to {hours[-1]:02}:{minute:02}"
    return f"At {join(f'{hour:02}:{minute:02}' for hour in hours)}"


def _every_some_minutes(minutes: list[int]) -> str:
    """Say that the minutes go round evenly; nothing if they do not."""
    if len(minutes) == 60:
        return "Every minute"
    if len(minutes) < 2:
        return ""
    first, step = minutes[0], minutes[1] - minutes[0]
    if minutes != list(range(first, 60, step)) or first >= step:
        return ""
    if 60 % step:
        return f"Every {step} minutes from each full hour" if first == 0 and len(minutes) > 2 else ""
    return f"Every {step} minutes" if first == 0 else f"Every {step} minutes from {_minutes(first)} past each hour"


def _hours(hours: list[int]) -> str:
    runs = _runs(hours)
    if len(hours) == 24:
        return ""
    if len(runs) > 3:
        return f"in the hours {_numbers(hours)}"
    return join(f"{first:02}:00 to {last:02}:59" for first, last in runs)


def _days(expression: Expression) -> str:
    """Describe the days; nothing if it is all of them."""
    _, _, day, _, weekday = expression.text.split(" ")
    months = "" if len(expression.months) == 12 else _named(sorted(expression.months), ("", *MONTHS))
    in_months = f"in {months}" if months else ""
    dates, weekdays = _dates(day, months or "the month"), _weekdays(weekday)
    both = day.startswith("*") or weekday.startswith("*")
    if dates and weekdays:
        if both:
            return f"{dates} if it is {_one_weekday(weekday)}"
        return f"{dates} and also {_together(weekdays, in_months)}"
    if not both:  # either is enough, and one of them is every day
        return in_months
    return dates or _together(weekdays, in_months)


def _dates(field: str, of: str) -> str:
    """Describe the days of the month; nothing if it is all of them."""
    terms = field.split(",")
    numbers = sorted({number for term in terms for number in _expand(term, 1, 31)})
    if len(numbers) == 31:
        return ""
    step = numbers[1] - numbers[0] if len(numbers) > 4 else 1
    if step > 1 and numbers == list(range(1, 32, step)) and len(terms) == 1:
        return f"on every {_ordinal(step)} day from the 1st of {of}"
    ordinals = [_ordinal(a) if a == b else f"{_ordinal(a)} to {_ordinal(b)}" for a, b in _long_runs(numbers)]
    last = [said for term, said in (("L", "last day"), ("LW", "last weekday")) if term in terms]
    return f"on the {join([*ordinals, *last])} of {of}"


def _weekdays(field: str) -> str:
    """Describe the days of the week; nothing if it is all of them."""
    numbers, special = _read_weekdays(field)
    if len(numbers) == 7:
        return ""
    said = []
    if any(a != b for a, b in _long_runs(numbers)):
        said.append(_named(numbers, WEEKDAYS))
    elif numbers:
        said.append(f"on {join(f'{WEEKDAYS[number]}s' for number in numbers)}")
    if special:
        said.append(f"on {join(special)} of the month")
    return join(said)


def _one_weekday(field: str) -> str:
    numbers, special = _read_weekdays(field)
    return join([*(f"a {WEEKDAYS[number]}" for number in numbers), *special], "or")


def _read_weekdays(field: str) -> tuple[list[int], list[str]]:
    """Return the plain days, Monday as 0, and the others in words."""
    terms = field.split(",")
    special = []
    for term in terms:
        if term.endswith("L"):
            special.append(f"the last {WEEKDAYS[int(term[0]) - 1]}")
        elif "#" in term:
            special.append(f"the {NTH[int(term[-1]) - 1]} {WEEKDAYS[int(term[0]) - 1]}")
    return sorted({(number - 1) % 7 for term in terms for number in _expand(term, 0, 7)}), special


def _expand(term: str, low: int, high: int) -> range:
    """Return the numbers that a term names; none for L, LW, 5L and 5#2."""
    bounds, _, step = term.partition("/")
    first, _, last = bounds.partition("-")
    if first == "*":
        return range(low, high + 1, int(step or 1))
    if not first.isdigit():
        return range(0)
    return range(int(first), int(last or first) + 1, int(step or 1))


def _step_from_zero(hours: list[int]) -> int:
    """Return the step if the hours go round the day evenly from 0, else 0."""
    step = hours[1] if len(hours) > 1 else 0
    return step if step and 24 % step == 0 and hours == list(range(0, 24, step)) else 0


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _long_runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Return runs of three and more; two in a row stand for themselves."""
    found: list[tuple[int, int]] = []
    for first, last in _runs(numbers):
        found += [(first, first), (last, last)] if last - first == 1 else [(first, last)]
    return found


def _numbers(numbers: list[int]) -> str:
    return join(str(a) if a == b else f"{a} to {b}" for a, b in _long_runs(numbers))


def _named(numbers: list[int], names: tuple[str, ...]) -> str:
    return join(names[a] if a == b else f"{names[a]} to {names[b]}" for a, b in _long_runs(numbers))


def _ordinal(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _minutes(number: int) -> str:
    return "1 minute" if number == 1 else f"{number} minutes"


def _together(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
