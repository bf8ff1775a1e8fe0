"""Public holidays of countries, from the `holidays` package, which is an extra; pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from importlib import import_module
from typing import Any

from schedules.calendars.definition import NamedDate

MOST_YEARS = 50


class UnknownHolidays(ValueError):
    """The holidays cannot be told; `field` is country, subdivision, years or empty, the message says what to do."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def dates(country: str, subdivision: str, years: Iterable[int]) -> list[NamedDate]:
    """Return the public holidays of a country (ISO 3166 such as LV) or a part of it, in order.

    Raises UnknownHolidays where the package is not installed or does not know the place or the years.
    """
    wanted = sorted(set(years))
    if not wanted or len(wanted) > MOST_YEARS or not 1970 <= wanted[0] <= wanted[-1] <= 2199:
        raise UnknownHolidays("years", f"Name 1 to {MOST_YEARS} years between 1970 and 2199.")
    package = _package()
    supported: dict[str, list[str]] = package.list_supported_countries(include_aliases=False)
    code = country.strip().upper()
    if code not in supported:
        known = ", ".join(sorted(supported))
        raise UnknownHolidays("country", f"{country[:20]!r} is none of the countries known: {known}.")
    part = subdivision.strip()
    if part and part.upper() not in (one.upper() for one in supported[code]):
        known = ", ".join(supported[code]) or "none"
        raise UnknownHolidays(
            "subdivision", f"{subdivision[:40]!r} is no part of {code} that is known. Known: {known}."
        )
    part = next((one for one in supported[code] if one.upper() == part.upper()), "")
    found: dict[date, str] = package.country_holidays(
        code, subdiv=part or None, years=wanted, language=_english(code)
    )
    days = sorted((day, name) for day, name in found.items() if day.year in wanted)
    if not days:
        raise UnknownHolidays("years", f"The holidays of {code} are not known for these years.")
    return [NamedDate(date=day, name=name[:200]) for day, name in days]


def years(text: str) -> range:
    """Return the years in "2026-2028" or "2026"; raises UnknownHolidays."""
    first, dash, last = (part.strip() for part in text.partition("-"))
    if not (first.isascii() and first.isdecimal() and len(first) == 4):
        first = ""
    if dash and not (last.isascii() and last.isdecimal() and len(last) == 4):
        first = ""
    if not first or (dash and int(last) < int(first)):
        raise UnknownHolidays("years", "Write years such as 2026-2028, or one year.")
    return range(int(first), int(last or first) + 1)


def _english(code: str) -> str | None:
    """Return the language code for English names where the country has them, None for its own language."""
    languages: dict[str, list[str]] = _package().list_localized_countries(include_aliases=False)
    return next((one for one in ("en_US", "en_GB", "en") if one in languages.get(code, ())), None)


def _package() -> Any:
    try:
        return import_module("holidays")
    except ImportError:
        raise UnknownHolidays(
            "", "The holidays of countries need the extra: install carillon[holidays], or import an .ics file."
        ) from None
