"""`{{ name }}` in the texts of a partial schedule: which names occur, and what they become. No logic; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
NOTHING = object()


def names(value: Any) -> set[str]:
    """Return the names between double braces in all texts of a JSON value; keys of objects are not looked at."""
    if isinstance(value, str):
        return {found.strip() for found in PLACEHOLDER.findall(value)}
    if isinstance(value, dict):
        value = list(value.values())
    return set().union(*map(names, value)) if isinstance(value, list) else set()


def fill(value: Any, values: Mapping[str, Any]) -> Any:
    """Return a JSON value with its placeholders replaced.

    A text that is one placeholder becomes the value itself, of whatever type; within a longer text it is written out.
    A name without a value is left out: the whole member, or nothing in its place in a longer text.
    """
    if isinstance(value, str):
        return _filled(value, values)
    if isinstance(value, dict):
        inner = {key: fill(one, values) for key, one in value.items()}
        return {key: one for key, one in inner.items() if one is not NOTHING}
    if isinstance(value, list):
        return [one for one in (fill(one, values) for one in value) if one is not NOTHING]
    return value


def _filled(text: str, values: Mapping[str, Any]) -> Any:
    alone = PLACEHOLDER.fullmatch(text.strip())
    if alone:
        return values.get(alone[1].strip(), NOTHING)
    return PLACEHOLDER.sub(lambda found: _written(values.get(found[1].strip(), "")), text)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
