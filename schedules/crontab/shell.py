"""Read a command line as a POSIX shell would, and run nothing: one simple command, or why it is none. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

OPERATOR = re.compile(r"\d*(?:>>|>&|>\||<<<|<<|<&|<>|>|<)|&>>|&>|&&|\|\||\|&|;;|[|;&()]")
REFERENCE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
HARMLESS = re.compile(r"PATH|HOME|LANG|LC_\w+|TERM|PYTHONUNBUFFERED|PYTHONIOENCODING")
TIME = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smhd]?)")
UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
WHAT = {
    "|": "It pipes one command into another.",
    "|&": "It pipes one command into another.",
    "&": "It goes on in the background.",
    "(": "It runs a shell of its own.",
    ")": "It runs a shell of its own.",
}
CHAINED = "It chains commands. Make a schedule for each, and let one depend on the other where the order matters."
INSERTED = "It runs one command inside another."


class NotSimple(Exception):
    """What the line asks for takes a shell; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Simple:
    """One command: its words, what was left out of the line, and the seconds that it was given by `timeout`."""

    words: tuple[str, ...]
    notes: tuple[str, ...] = ()
    timeout_seconds: int | None = None


class Token(NamedTuple):
    """A word, unquoted, or an operator between words."""

    text: str
    is_operator: bool = False


def simple(command: str, variables: Mapping[str, str]) -> Simple:
    """Return the one command that a line runs, `variables` put in; raises NotSimple.

    What surrounds a command without changing what it does is left out: redirections, `cd`, nice, flock and the like.
    """
    notes: list[str] = []
    tokens = _without_folder(_tokens(command, variables), notes)
    tokens = _without_excuse(_without_redirections(tokens, notes), notes)
    for token in tokens:
        if token.is_operator:
            raise NotSimple(WHAT.get(token.text, CHAINED))
    words, seconds = _unwrapped([token.text for token in tokens], notes)
    if not words:
        raise NotSimple("There is no command.")
    return Simple(tuple(words), tuple(notes), seconds)


def _tokens(command: str, variables: Mapping[str, str]) -> list[Token]:
    tokens: list[Token] = []
    place = 0
    while place < len(command):
        if command[place].isspace():
            place += 1
        elif command[place] == "#":
            break
        elif found := OPERATOR.match(command, place):
            tokens.append(Token(found.group(), is_operator=True))
            place = found.end()
        else:
            text, place = _word(command, place, variables)
            tokens.append(Token(text))
    return tokens


def _word(command: str, place: int, variables: Mapping[str, str]) -> tuple[str, int]:
    """Return the word that begins at `place`, and where it ends."""
    text = ""
    quote = ""
    while place < len(command):
        character = command[place]
        if quote == "'":
            quote, text = ("", text) if character == "'" else (quote, text + character)
            place += 1
        elif character == "\\" and place + 1 < len(command):
            following = command[place + 1]
            text += following if not quote or following in '$`"\\' else character + following
            place += 2
        elif character == '"' or (character == "'" and not quote):
            quote = "" if quote else character
            place += 1
        elif character == "`" or command.startswith("$(", place):
            raise NotSimple(INSERTED)
        elif character == "$":
            value, place = _value(command, place, variables)
            if not quote and re.search(r"\s", value):
                raise NotSimple(f"A variable that holds blanks stands outside quotes: {value[:40]!r}.")
            text += value
        elif not quote and (character.isspace() or character in "<>|&;()"):
            break
        else:
            text += character
            place += 1
    if quote:
        raise NotSimple(f"A quote ({quote}) is not closed.")
    return text, place


def _value(command: str, place: int, variables: Mapping[str, str]) -> tuple[str, int]:
    found = REFERENCE.match(command, place)
    if found is not None:
        name = found[1] or found[2]
        if name not in variables:
            raise NotSimple(f"It uses ${name}, which the crontab does not set; write out what it stands for.")
        return variables[name], found.end()
    if command[place + 1 : place + 2] in {"", " ", "\t", '"', "/", "=", "."}:
        return "$", place + 1
    raise NotSimple(f"It uses {command[place : place + 12]!r} of the shell; write out what it stands for.")


def _without_folder(tokens: list[Token], notes: list[str]) -> list[Token]:
    """Return the tokens without `cd FOLDER &&` at the start."""
    if len(tokens) > 3 and tokens[0] == Token("cd") and tokens[2].text in {"&&", ";"} and tokens[2].is_operator:
        notes.append(f"It began in {tokens[1].text}; here it does not.")
        return tokens[3:]
    return tokens


def _without_redirections(tokens: list[Token], notes: list[str]) -> list[Token]:
    kept: list[Token] = []
    target_of = ""
    for token in tokens:
        if target_of:
            if not (target_of.endswith("&") or token.text == "/dev/null"):
                notes.append(f"What it says is kept with each run, not in {token.text}.")
            target_of = ""
        elif token.is_operator and "<" in token.text:
            raise NotSimple("It reads a file on its standard input.")
        elif token.is_operator and ">" in token.text:
            target_of = token.text
        else:
            kept.append(token)
    if target_of:
        raise NotSimple(f"Nothing follows {target_of}.")
    return kept


def _without_excuse(tokens: list[Token], notes: list[str]) -> list[Token]:
    """Return the tokens without `;` at the end, and without `|| true`."""
    if tokens and tokens[-1] == Token(";", is_operator=True):
        tokens = tokens[:-1]
    if len(tokens) > 2 and tokens[-2] == Token("||", is_operator=True) and tokens[-1].text in {"true", ":"}:
        notes.append("A failure was passed over there (|| true); here it counts as one.")
        return tokens[:-2]
    return tokens


def _unwrapped(words: list[str], notes: list[str]) -> tuple[list[str], int | None]:
    """Return the words without what is set before a command: variables, nice, flock, timeout and the like."""
    seconds: int | None = None
    while words:
        name = words[0].rpartition("/")[2]
        if (assigned := ASSIGNMENT.fullmatch(words[0])) is not None:
            if not HARMLESS.fullmatch(assigned[1]):
                raise NotSimple(f"It sets {assigned[1]} for the command; Carillon hands on no variables.")
            words = words[1:]
        elif name == "timeout":
            rest = _after_options(words, with_value="ks")
            seconds = _seconds(rest)
            words = rest[1:]
        elif name == "flock":
            words = _after_options(words, with_value="wE")[1:]
            if words and words[0] in {"-c", "--command"}:
                raise NotSimple("It hands a text to a shell (-c).")
            notes.append("Its lock (flock) is left out: by the overlap rule, a run is skipped while another goes on.")
        elif name in {"nice", "ionice"}:
            words = _after_options(words, with_value="ncp")
        elif name in {"chronic", "exec", "nohup", "setsid", "env"}:
            words = words[1:]
        else:
            break
    return words, seconds


def _after_options(words: Sequence[str], *, with_value: str) -> list[str]:
    """Return the words after a command and its options; those of `with_value` take the next word unless joined."""
    rest = list(words[1:])
    while rest and rest[0].startswith("-") and ("c" in with_value or rest[0] not in {"-c", "--command"}):
        option = rest.pop(0)
        if len(option) == 2 and option[1] in with_value and rest:
            rest.pop(0)
    return rest


def _seconds(rest: Sequence[str]) -> int:
    found = TIME.fullmatch(rest[0]) if rest else None
    if found is None or float(found[1]) == 0:
        raise NotSimple("The time that `timeout` gives cannot be read.")
    return math.ceil(float(found[1]) * UNITS[found[2]])
