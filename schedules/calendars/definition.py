"""What a business calendar says: open weekdays, dates and maintenance windows, read strictly; pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from schedules.clock import TimingError, zone_names

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FIRST_YEAR, LAST_YEAR = 1970, 2199
MOST_DATES, MOST_WINDOWS = 5_000, 200
CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])|24:00")
DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ \t]+(.*))?", re.DOTALL)


class InvalidDefinition(TimingError):
    """The definition is refused; `errors` maps a field's name to sentences."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__(" ".join(f"{name}: {text}" for name, texts in errors.items() for text in texts))
        self.errors = dict(errors)


def _plain(text: str) -> str:
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in text):
        raise ValueError("Control characters are not allowed in a name.")
    return text.strip()


def _weekday(value: Any) -> Any:
    if isinstance(value, str) and value.strip().lower()[:3] in WEEKDAYS:
        short, rest = value.strip().lower()[:3], value.strip().lower()
        if rest == short or rest == DAY_NAMES[WEEKDAYS.index(short)].lower():
            return short
    raise ValueError(f"Write weekdays as {', '.join(WEEKDAYS)}.")


Name = Annotated[
    str, Field(max_length=200), BeforeValidator(lambda text: _plain(text) if isinstance(text, str) else text)
]
Weekday = Annotated[str, BeforeValidator(_weekday)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class NamedDate(_Strict):
    """A date and why it is special; also read from text such as "2026-12-25 Christmas Day"."""

    date: date
    name: Name = ""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if isinstance(value, date) and not isinstance(value, datetime):
            return {"date": value}
        if isinstance(value, str):
            found = DATE.fullmatch(value.strip())
            if found is None:
                raise ValueError("Write a date and a name, such as 2026-12-25 Christmas Day.")
            return {"date": found[1], "name": found[2] or ""}
        return value

    @field_validator("date", mode="before")
    @classmethod
    def _exact(cls, value: Any) -> Any:
        """Refuse what pydantic would bend into a date: numbers and moments."""
        if isinstance(value, str):
            try:
                value = date.fromisoformat(value)
            except ValueError:
                value = None
        if not isinstance(value, date) or isinstance(value, datetime):
            raise ValueError("Write a date that exists, such as 2026-12-25.")
        if not FIRST_YEAR <= value.year <= LAST_YEAR:
            raise ValueError(f"The year must lie between {FIRST_YEAR} and {LAST_YEAR}.")
        return value


class Window(_Strict):
    """A maintenance window. With `days` it comes every week, from one clock time to another, which may lie after
    midnight; without, it is one stretch between two moments, in the calendar's zone where they have no offset."""

    name: Name = Field(min_length=1)
    days: tuple[Weekday, ...] = ()
    start: str = Field(alias="from", max_length=40)
    end: str = Field(alias="to", max_length=40)
    stop_running: bool = Field(False, strict=True)

    @field_validator("start", "end", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        """Take what YAML makes of unquoted times: a moment, or 22:00 as the number of its minutes."""
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1440:
            return f"{value // 60:02}:{value % 60:02}"
        return value.isoformat(timespec="minutes") if isinstance(value, datetime) else value

    @field_validator("days")
    @classmethod
    def _in_order(cls, days: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(days), key=WEEKDAYS.index))

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if self.days:
            if self.minutes[0] == self.minutes[1] or self.start == "24:00":
                raise ValueError("Write two clock times that differ, such as from 22:00 to 06:00, or 00:00 to 24:00.")
            return self
        start, end = self.moments
        if (start.tzinfo is None) != (end.tzinfo is None):
            raise ValueError("Write an offset at both ends of a window or at none.")
        if end <= start:
            raise ValueError("The window ends before it begins.")
        return self

    @property
    def minutes(self) -> tuple[int, int]:
        """Return the ends of a weekly window in minutes after midnight; raises ValueError."""
        return _minutes(self.start), _minutes(self.end)

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """Return the ends of a window that comes once, naive where they have no offset; raises ValueError."""
        return _moment(self.start), _moment(self.end)


class Definition(_Strict):
    """A whole calendar. Nothing runs on a day that is closed, or while a window is open.

    A day is closed if its weekday is not in `weekdays` or its date in `closed_dates`, unless it is in `open_dates`.
    """

    timezone: str = "UTC"
    weekdays: tuple[Weekday, ...] = WEEKDAYS
    closed_dates: tuple[NamedDate, ...] = Field((), max_length=MOST_DATES)
    open_dates: tuple[NamedDate, ...] = Field((), max_length=MOST_DATES)
    windows: tuple[Window, ...] = Field((), max_length=MOST_WINDOWS)

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in zone_names():
            raise ValueError(f"{name[:60]!r} is no time zone; write a name such as Europe/Riga.")
        return name

    @field_validator("weekdays")
    @classmethod
    def _in_order(cls, days: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(days), key=WEEKDAYS.index))

    @field_validator("closed_dates", "open_dates")
    @classmethod
    def _once_each(cls, dates: tuple[NamedDate, ...]) -> tuple[NamedDate, ...]:
        seen: dict[date, NamedDate] = {}
        for one in dates:
            if one.date in seen and seen[one.date] != one:
                raise ValueError(f"{one.date} is there twice, with two names.")
            seen[one.date] = one
        return tuple(seen[day] for day in sorted(seen))

    @model_validator(mode="after")
    def _ever_open(self) -> Self:
        if not self.weekdays and not self.open_dates:
            raise ValueError("Name at least one open weekday or one open date.")
        return self

    def as_json(self) -> dict[str, Any]:
        """Return the definition as plain JSON, in the form in which it is stored and shown."""
        return self.model_dump(mode="json", by_alias=True)


def read(values: Mapping[str, Any]) -> Definition:
    """Return the definition in `values`; raises InvalidDefinition with sentences by field."""
    try:
        return Definition.model_validate(dict(values))
    except ValidationError as refused:
        raise InvalidDefinition(_errors(refused)) from None


def with_closed(definition: Definition, dates: Iterable[NamedDate]) -> Definition:
    """Return the definition with these dates closed as well; one that is closed already keeps its name."""
    closed = {one.date: one for one in dates} | {one.date: one for one in definition.closed_dates}
    if len(closed) > MOST_DATES:
        raise InvalidDefinition({"closed_dates": [f"At most {MOST_DATES:,} dates; these are {len(closed):,}."]})
    return definition.model_copy(update={"closed_dates": tuple(closed[day] for day in sorted(closed))})


def _errors(refused: ValidationError) -> dict[str, list[str]]:
    """Say each problem under the outermost field's name, with the place inside it in words."""
    errors: dict[str, list[str]] = {}
    for problem in refused.errors(include_url=False, include_input=False, include_context=False)[:50]:
        field, *inner = map(str, problem["loc"]) if problem["loc"] else ("weekdays",)
        place = [f"number {int(part) + 1}" if part.isdecimal() else part for part in inner]
        text = _sentence(problem["type"], problem["msg"])
        errors.setdefault(field, []).append(f"{', '.join(place).capitalize()}: {text}" if place else text)
    return errors


def _sentence(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "There is no such field."
    if kind == "missing":
        return "This is required."
    text = message.removeprefix("Value error, ")
    return text if text.endswith(".") else f"{text}."


def _minutes(text: str) -> int:
    found = CLOCK.fullmatch(text)
    if found is None:
        raise ValueError("Write clock times such as 22:00, or leave the days out for a window that comes once.")
    return 1440 if found[1] is None else int(found[1]) * 60 + int(found[2])


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or len(text) < len("2026-12-24T18:00") or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(
            "Write moments such as 2026-12-24T18:00, or name the days of the week for a window that comes again."
        )
    return found.replace(microsecond=0)
