"""What `manage.py NAME …` asks for, as parameters. Pure: nothing is run."""

from __future__ import annotations

import re

from jobtypes.base import Adopted, CommandLine, InvalidParams
from jobtypes.management_command.allowlist import Allowlist, Option, Value

PYTHON = re.compile(r"(.*/)?python(\d(\.\d+)?)?")
MANAGE = re.compile(r"(.*/)?(manage\.py|django-admin(\.py)?)")
WHOLE = re.compile(r"-?\d{1,18}")
HERE = "It runs in Carillon's own installation, whichever manage.py it was."


def adopt(line: CommandLine, allowed: Allowlist) -> Adopted | None:
    """Return the management command that a line runs, None if it runs none; raises InvalidParams."""
    words = list(line.words)
    if words and PYTHON.fullmatch(words[0]):
        words = words[1:]
        while words and words[0] in {"-u", "-B", "-E", "-s", "-I"}:
            words = words[1:]
    if not words or not MANAGE.fullmatch(words[0]):
        return None
    if len(words) == 1 or words[1].startswith("-"):
        raise InvalidParams({"": ["It names no command right after manage.py."]})
    if line.stdin is not None:
        raise InvalidParams({"": ["It reads a text on its standard input (%); a management command gets none."]})
    name, options = words[1], _options(words[2:], allowed.get(words[1], {}))
    return Adopted(params={"command": name, "options": options}, name=name, notes=(HERE,))


def _options(words: list[str], known: dict[str, Option]) -> dict[str, Value]:
    options: dict[str, Value] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or word == "--":
            what = f"The short option {word}" if word.startswith("-") else f"The argument {word!r}"
            raise InvalidParams({"": [f"{what} cannot be handed on: only options written as --name=value are."]})
        name, equals, value = word[2:].partition("=")
        option = known.get(name)
        takes_value = option is not None and option.type != "boolean"
        if not equals and takes_value and rest:
            value, equals = rest.pop(0), "="
        if name in options:
            raise InvalidParams({"": [f"The option --{name} is given twice."]})
        options[name] = _typed(value, option) if equals else True
    return options


def _typed(value: str, option: Option | None) -> Value:
    is_number = option is not None and option.type == "integer" and WHOLE.fullmatch(value)
    return int(value) if is_number else value
