"""Read JSON that every database can store, and refuse the rest with a sentence. Pure."""

import json
import math
import re
from typing import Any

MOST_BYTES = 1_048_576
DEEPEST = 32
LONGEST_NUMBER = 100  # characters
MOST_NESTED = 20_000  # objects and lists
SUSPECT_TEXT = re.compile(r"\\u(0000|[dD][89a-fA-F])")
SUSPECT_NUMBER = re.compile(r"(?<![0-9])[0-9]{100}|[0-9][eE]\+?[0-9]{3}")


class NotJSON(ValueError):
    """This is no JSON that can be taken; the message says why."""


def loads(raw: bytes, *, most_nested: int = MOST_NESTED) -> Any:
    """Return the value in `raw`.

    Raises NotJSON for invalid UTF-8 or JSON, NaN and infinities, numbers of more than 100 characters, a name used
    twice in one object, more than 20,000 objects and lists (`most_nested`), nesting deeper than 32, NUL and half
    surrogate pairs.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as broken:
        raise NotJSON(f"The body is not valid UTF-8 at byte {broken.start}.") from None
    brackets = text.count("[") + text.count("{")
    if brackets > most_nested:
        raise NotJSON(f"At most {most_nested} objects and lists are taken.")
    numbers: dict[str, Any] = {}
    if SUSPECT_NUMBER.search(text):  # only then is each number looked at, which costs
        numbers = {"parse_float": _float, "parse_int": _integer}
    try:
        value = json.loads(text, parse_constant=_constant, object_pairs_hook=_object, **numbers)
    except json.JSONDecodeError as broken:
        raise NotJSON(f"This is no JSON: {broken.msg} (line {broken.lineno}, column {broken.colno}).") from None
    except RecursionError:
        raise NotJSON(f"The JSON is nested deeper than {DEEPEST} levels.") from None
    if brackets > DEEPEST or SUSPECT_TEXT.search(text):
        _walk(value)
    return value


def _constant(name: str) -> Any:
    raise NotJSON(f"{name} is no JSON number.")


def _float(text: str) -> float:
    if len(text) > LONGEST_NUMBER or not math.isfinite(number := float(text)):
        raise NotJSON(f"A number has at most {LONGEST_NUMBER} characters and is finite.")
    return number


def _integer(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise NotJSON(f"A number has at most {LONGEST_NUMBER} characters.")
    return int(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise NotJSON(f"The name {twice[:100]!r} is used twice in one object.")
    return found


def _walk(value: Any) -> None:
    """Go through all levels, one after the other, and through all texts at once."""
    level, depth = [value], 0
    texts: list[str] = []
    while level:
        depth += 1
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                texts.append(item)
            elif isinstance(item, dict):
                texts.extend(item)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            else:
                continue
            if depth > DEEPEST and not isinstance(item, str):
                raise NotJSON(f"The JSON is nested deeper than {DEEPEST} levels.")
        level = below
    _check_text("|".join(texts))


def _check_text(text: str) -> None:
    if "\0" in text:
        raise NotJSON("NUL (\\u0000) is not allowed in texts.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotJSON("A text holds half of a surrogate pair (\\ud800 to \\udfff).") from None
