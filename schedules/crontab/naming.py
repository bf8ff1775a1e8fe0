"""Names and descriptions for what comes from a crontab. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

LONGEST = 80
MASK = "***"
SECRETS = [
    re.compile(r"(?P<kept>(?<=\s)(?:-u|--user|--password|--http-password|-b|--cookie|-p)[ =]?)(?P<secret>\S+)"),
    re.compile(r"(?P<kept>(?:authorization|cookie|x-api-key|api-key|x-auth-token)\s*:\s*)(?P<secret>[^\"']+)", re.I),
    re.compile(r"(?P<kept>\w+://[^\s/@:]*:)(?P<secret>[^\s/@]+)(?=@)"),
    re.compile(r"(?P<kept>\w*(?:password|passwd|secret|token|api_?key)\w*=)(?P<secret>[^\s&\"']+)", re.I),
]


def from_comment(comment: str) -> str:
    """Return the first line of a comment as a name, shortened; empty if there is none."""
    return _short(comment.partition("\n")[0].strip(" .:;,"))


def from_command(command: str) -> str:
    """Return a name for a command of which nothing else is known: that of its program."""
    words = command.split()
    while len(words) > 1 and re.fullmatch(
        r"\w+=.*|(.*/)?(python[\d.]*|ba|z|da)?(sh)?|(.*/)?(nice|exec|env)|-\w+", words[0]
    ):
        words = words[1:]
    return _short(words[0].rpartition("/")[2] if words else "") or "command"


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
    parts = [comment.replace("\n", " "), place, f"There: {masked(command)}" if command else ""]
    return _plain(" ".join(part for part in parts if part))[:1000]


def _short(text: str) -> str:
    plain = _plain(text)
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1].rstrip() + "…"


def _plain(text: str) -> str:
    """Return text without control characters, and with single blanks."""
    shown = "".join(" " if unicodedata.category(one) in {"Cc", "Cf", "Zl", "Zp", "Cs"} else one for one in text)
    return " ".join(shown.split())
