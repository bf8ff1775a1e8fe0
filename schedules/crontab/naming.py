"""Names and descriptions for what comes from a crontab. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

LONGEST = 80
MASK = "***"
CHAINS = re.compile(r"&&|\|\||[;|{]")
GUARDS = {"cd", "test", "[", "[[", "command", "true", "sleep", "export", "umask"}
BEFORE = re.compile(r"\w+=.*|(.*/)?(python[\d.]*|(ba|z|da|k)?sh|perl|php|nice|ionice|exec|env|sudo|chronic)|-\w+")
SECRETS = [
    re.compile(r"(?P<kept>(?<=\s)(?:-u ?|--user[ =])(?=\S*:))(?P<secret>\S+)"),
    re.compile(r"(?P<kept>(?<=\s)(?:--(?:http-)?pass(?:word)?[ =]|--cookie[ =]|-b |-p(?=\S)))(?P<secret>\S+)"),
    re.compile(r"(?P<kept>(?:authorization|cookie|x-api-key|api-key|x-auth-token)\s*:\s*)(?P<secret>[^\"']+)", re.I),
    re.compile(r"(?P<kept>://[^\s/@:]*:)(?P<secret>[^\s/@]+)(?=@)"),
    re.compile(r"(?P<kept>(?:password|passwd|pwd|secret|token|api_?key)\w*=)(?P<secret>[^\s&\"']+)", re.I),
]


def from_comment(comment: str) -> str:
    """Return the first line of a comment as a name, shortened; empty if there is none."""
    return _short(comment.partition("\n")[0].strip(" .:;,"))


def from_command(command: str) -> str:
    """Return a name for a command of which nothing else is known: that of the program that does the work."""
    programs = [_program(part.split()) for part in CHAINS.split(command)]
    doing = [name for name in programs if name and name not in GUARDS]
    return _short((doing or [*programs, ""])[0]) or "command"


def unique(name: str, taken: Container[str]) -> str:
    """Return the name, with the first number behind it that is free where it is taken."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name} {number}"
    return found


def masked(command: str) -> str:
    """Return a command without what looks like a password or a key in it."""
    for pattern in SECRETS:
        command = pattern.sub(lambda found: f"{found['kept']}{MASK}", command)
    return command


def described(*, comment: str, number: int, source: str, user: str, command: str = "") -> str:
    """Return a description that says where a schedule comes from, and what ran there, as far as it is told."""
    place = f"From line {number} of {source}" + (f", where {user} ran it." if user else ".")
    said = _plain(comment)[:500]
    if said and said[-1] not in ".!?:":
        said += "."
    parts = [said, place, f"There: {masked(command)}" if command else ""]
    return _plain(" ".join(part for part in parts if part))[:1000]


def _program(words: list[str]) -> str:
    """Return the program that words run, an interpreter's script rather than the interpreter."""
    while len(words) > 1 and BEFORE.fullmatch(words[0]):
        words = words[1:]
    return words[0].strip("\"'(){}").rpartition("/")[2] if words else ""


def _short(text: str) -> str:
    plain = _plain(text)
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1].rstrip() + "…"


def _plain(text: str) -> str:
    """Return text without control characters, and with single blanks."""
    shown = "".join(" " if unicodedata.category(one) in {"Cc", "Cf", "Zl", "Zp", "Cs"} else one for one in text)
    return " ".join(shown.split())
