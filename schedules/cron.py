"""The strict gate before cronsim: what Debian cron 3.0pl1 reads, and an error that says what to write instead.

Beyond Debian: L and LW in day of month, 5L and FRI#2 in day of week, and Jenkins' H, which is written out first.
"""

import re
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from cronsim import CronSimError

from schedules.clock import TimingError
from schedules.nominal import Expression

LONGEST = 1000
NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
HASHED = re.compile(r"(?<![A-Za-z])H")
TERM = re.compile(
    r"""(?: (?P<star>\*)
          | (?P<hash>H) (?: \( (?P<from>[0-9]+) - (?P<to>[0-9]+) \) )?
          | (?P<low>[A-Z0-9]+) (?: - (?P<high>[A-Z0-9]+) )? (?: \# (?P<nth>[0-9]+) )?
        ) (?: / (?P<step>[0-9]+) )?""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)


class Field(NamedTuple):
    """One of the five fields: the numbers and names it takes; `spread_to` is the highest number that H gives."""

    title: str
    low: int
    high: int
    spread_to: int
    names: tuple[str, ...] = ()


FIELDS = (
    Field("Minute", 0, 59, 59),
    Field("Hour", 0, 23, 23),
    Field("Day of month", 1, 31, 28),
    Field("Month", 1, 12, 12, MONTHS),
    Field("Day of week", 0, 7, 6, WEEKDAYS),
)


class CronError(TimingError):
    """The expression is refused: in which field, at which characters (from 1, both included), why, and what to write.

    `field` is empty when the expression as a whole is meant, and then `start` and `end` may be None.
    """

    def __init__(
        self, sentence: str, hint: str = "", *, field: str = "", start: int | None = None, end: int | None = None
    ) -> None:
        self.field, self.start, self.end, self.sentence, self.hint = field, start, end, sentence, hint
        super().__init__(": ".join(filter(None, [self._where(), f"{sentence} {hint}".strip()])))

    def _where(self) -> str:
        if self.start is None or self.end is None:
            return self.field
        place = f"character {self.start}" if self.start == self.end else f"characters {self.start} to {self.end}"
        return f"{self.field}, {place}" if self.field else place.capitalize()


class Piece(NamedTuple):
    """A part of the expression with the characters at which it stands."""

    text: str
    start: int
    field: Field

    def refuse(self, sentence: str, hint: str) -> CronError:
        """Return the error for this part."""
        end = self.start + max(len(self.text), 1) - 1
        return CronError(sentence, hint, field=self.field.title, start=self.start, end=end)


def parse(expression: str, seed: str = "") -> Expression:
    """Return the expression as read, H written out by `seed`; raises CronError."""
    if not isinstance(expression, str):
        raise CronError("A cron expression is text.", "Write five fields, such as 30 2 * * *.")
    if len(expression) > LONGEST:
        raise CronError(f"It has {len(expression)} characters; at most {LONGEST} are read.", "Write a shorter one.")
    return _parse(expression, seed if HASHED.search(expression) else "")


def write_out(expression: str, seed: str = "") -> str:
    """Return the five fields that stand for the expression: nicknames and H replaced; raises CronError."""
    return parse(expression, seed).text


@lru_cache(maxsize=4096)
def _parse(expression: str, seed: str) -> Expression:
    pieces = _split(expression)
    values: list[frozenset[int]] = []
    texts: list[str] = []
    for piece in pieces:
        numbers, text = _read_field(piece, seed)
        values.append(numbers)
        texts.append(text)
    minutes, hours, _, months, _ = values
    day = pieces[2]
    never = day.refuse(
        "it never fires: no date fits this together with the other fields.",
        "Write a day that the months have, or L for the last day of the month.",
    )
    try:
        read = Expression(" ".join(texts), minutes, hours, months)
    except CronSimError:  # what the gate lets through fails only for days that the months do not have
        raise never from None
    if not read.fires_ever():
        raise never
    return read


def _split(expression: str) -> list[Piece]:
    """Return the five fields with their places; a nickname gives the fields it stands for, all at its own place."""
    for place, character in enumerate(expression, 1):
        if not (" " <= character <= "~" or character == "\t"):
            shown = f"U+{ord(character):04X}"
            hint = "Write plain digits, letters and * , - / with blanks or tabs between the five fields."
            raise CronError(f"{shown} is no character of an expression.", hint, start=place, end=place)
    found = [(match.group(), match.start() + 1) for match in re.finditer(r"[^ \t]+", expression)]
    if not found:
        raise CronError("The expression is empty.", "Write five fields, such as 30 2 * * *.")
    if found[0][0].startswith("@"):
        return _nickname(found)
    if len(found) == 6:
        rest = " ".join(text for text, _ in found[1:])
        sentence = "There are six fields; seconds are for interval schedules."
        raise CronError(sentence, f"Leave out the field of the seconds: {_short(rest)}")
    if len(found) != 5:
        sentence = f"There {'is 1 field' if len(found) == 1 else f'are {len(found)} fields'} instead of five."
        raise CronError(sentence, "Write minute, hour, day of month, month and day of week, such as 30 2 * * *.")
    return [Piece(text, start, field) for (text, start), field in zip(found, FIELDS, strict=True)]


def _nickname(found: list[tuple[str, int]]) -> list[Piece]:
    name, start = found[0]
    end = start + len(name) - 1
    if len(found) > 1:
        raise CronError("A nickname stands alone.", f"Leave out what follows {_short(name)}.", start=start, end=end)
    if name in NICKNAMES:
        return [Piece(text, start, field) for text, field in zip(NICKNAMES[name].split(), FIELDS, strict=True)]
    if name.lower() in NICKNAMES:
        raise CronError("Nicknames are in small letters.", f"Write {name.lower()}.", start=start, end=end)
    hint = f"Write one of {', '.join(NICKNAMES)}, or five fields."
    raise CronError(f"{_short(name)} names no time of the clock.", hint, start=start, end=end)


def _read_field(piece: Piece, seed: str) -> tuple[frozenset[int], str]:
    """Return the numbers that the field names, and the field written out."""
    numbers: set[int] = set()
    texts: list[str] = []
    start = piece.start
    for text in piece.text.split(","):
        named, written = _read_term(Piece(text, start, piece.field), seed)
        numbers.update(named)
        texts.append(written)
        start += len(text) + 1
    return frozenset(numbers), ",".join(texts)


def _read_term(term: Piece, seed: str) -> tuple[range | tuple[int, ...], str]:
    field, text = term.field, term.text.upper()
    if not text:
        raise term.refuse("a comma has nothing beside it.", "Leave the comma out, or write a number.")
    if (field.title, text) in {("Day of month", "L"), ("Day of month", "LW")}:
        return (), text
    if field.names is WEEKDAYS and re.fullmatch("[0-7]L", text):
        return (), text
    match = TERM.fullmatch(text)
    if match is None:
        raise _unreadable(term)
    step = 1 if match["step"] is None else int(match["step"])
    if step < 1:
        raise term.refuse("a step of 0 goes nowhere.", f"Write {text.rpartition('/')[0]}/1.")
    if match["hash"]:
        if term.text.startswith("h"):
            raise term.refuse(f"{_short(term.text)} cannot be read.", f"Write {text}, with a capital letter.")
        return _spread(term, match, step=step, seed=seed)
    if match["star"]:
        return range(field.low, field.high + 1, min(step, 100)), text if step <= 100 else "*/100"
    if match["nth"]:
        return _nth_weekday(term, match)
    return _range(term, match, step=step)


def _range(term: Piece, match: re.Match[str], *, step: int) -> tuple[range, str]:
    low = _number(term, match["low"])
    if match["high"] is None:
        if match["step"]:
            hint = f"Write {match['low']}-{term.field.high}/{match['step']}."
            raise term.refuse(f"{_short(match.group())} has a step but no range.", hint)
        return range(low, low + 1), str(low)
    high = _number(term, match["high"])
    if high < low:
        raise term.refuse(f"{_short(match.group())} runs backwards.", f"Write {_forwards(term, low, high, step)}.")
    named = range(low, high + 1, min(step, 100))
    # cronsim reads a range of one with a step as open to the end; Debian does not.
    return named, str(low) if len(named) == 1 else f"{low}-{high}/{step}" if step > 1 else f"{low}-{high}"


def _forwards(term: Piece, low: int, high: int, step: int) -> str:
    """Return how a range that runs backwards is written: 22-4 as 22-23,0-4."""
    field = term.field
    size = field.high - field.low + (0 if field.names is WEEKDAYS else 1)
    if step > 1:
        steps = range(low, high + size + 1, step)
        return ",".join(str(field.low + (number - field.low) % size) for number in steps)
    top, bottom = field.high, field.low + (field.names is WEEKDAYS)
    parts = [(low, top), (bottom, high)]
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts if a <= b)


def _nth_weekday(term: Piece, match: re.Match[str]) -> tuple[tuple[int, ...], str]:
    if term.field.names is not WEEKDAYS:
        raise term.refuse("# belongs to the day of week.", "Write it in the fifth field, such as FRI#2.")
    if match["high"] or match["step"] or match["nth"] not in {"1", "2", "3", "4", "5"}:
        raise term.refuse("# takes one day and a number from 1 to 5.", "Write FRI#2 for the second Friday.")
    return (), f"{_number(term, match['low'])}#{match['nth']}"


def _spread(term: Piece, match: re.Match[str], *, step: int, seed: str) -> tuple[range, str]:
    """Return what H stands for: one number, or every `step`th, from a start that the hash of `seed` chooses."""
    field = term.field
    low, high = field.low, field.spread_to
    if match["from"] is not None:
        low, high = _number(term, match["from"]), _number(term, match["to"])
        if high < low:
            raise term.refuse(f"H({low}-{high}) runs backwards.", f"Write H({high}-{low}).")
    digest = blake2b(f"{field.title}\0{seed}".encode(errors="surrogatepass"), digest_size=8).digest()
    size = high - low + 1
    first = low + int.from_bytes(digest) % (size if match["step"] is None else min(step, size))
    named = range(first, first + 1) if match["step"] is None else range(first, high + 1, min(step, 100))
    return named, str(first) if len(named) == 1 else f"{first}-{high}/{step}"


def _number(term: Piece, text: str) -> int:
    field = term.field
    if text in field.names:
        return field.names.index(text) + field.low
    if not text.isdigit():
        raise _unreadable(term)
    number = int(text)
    if not field.low <= number <= field.high:
        side = "above" if number > field.high else "below"
        limit = field.high if number > field.high else field.low
        hint = "Write 0 for midnight." if text == "24" else f"Write {field.low} to {field.high}."
        raise term.refuse(f"{_short(text)} is {side} {limit}.", hint)
    return number


def _unreadable(term: Piece) -> CronError:
    field, text = term.field, term.text.upper()
    hint = f"Write *, a number from {field.low} to {field.high}, a range such as {field.low}-{field.low + 4}, or */2."
    longer = [name for name in field.names if text.startswith(name) and text.isalpha()]
    if text == "?":
        hint = "Write *."
    elif field.names is WEEKDAYS and text.removesuffix("L") in ("", *WEEKDAYS):
        hint = f"Write {WEEKDAYS.index(text[:-1]) if text[:-1] else 5}L for the last one of the month."
    elif longer:
        hint = f"Write {longer[0]}."
    elif not field.names and (text in MONTHS or text in WEEKDAYS):
        hint = f"Names belong to month and day of week; write {field.low} to {field.high}."
    return term.refuse(f"{_short(term.text)} cannot be read.", hint)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
