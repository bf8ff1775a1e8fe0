"""Read a crontab line by line, as Debian's cron and cronie do: what each says, or why it cannot be read. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from schedules.clock import zone_names
from schedules.cron import MONTHS, NICKNAMES, WEEKDAYS

LARGEST = 1_048_576  # bytes of a file
MOST = 10_000  # lines
LONGEST = 4_000  # characters of a line; cron itself reads fewer
VARIABLE = re.compile(r"""\s*(?P<quote>["']?)(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P=quote)\s*=\s*(?P<value>.*?)\s*""")
NICKNAME = re.compile(r"(@\S+)(?:\s+(.*))?")
FIELDS = re.compile(r"(\S+(?:\s+\S+){4})(?:\s+(.*))?")
USER = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*\$?(?::\S+)?)(?:\s+(.*))?")
HEADING = re.compile(r"m(in(ute)?)?\s+h(our)?\s+(dom|day)\b.*", re.IGNORECASE)
TERM = rf"(?:[-0-9*/,#L]|(?i:{'|'.join([*MONTHS, *WEEKDAYS])}))+"
COMMENTED_OUT = re.compile(rf"(@[a-z]+|{TERM}(\s+{TERM}){{4}})\s+\S.*")
REBOOT = (
    "@reboot names no time: Carillon starts nothing when a machine does. "
    "Leave it to the machine's own service manager."
)


class Unreadable(Exception):
    """The file is no crontab; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line that asks for something, at `number` from 1 on.

    `expression` and `command` are of a job, `variables` those that hold for it; `zone` is empty where the crontab
    names none. `comment` stands right above it, and `is_alone` if it stands above no other job. Where `refusal` is
    not empty, it says why nothing can come of the line; `remark` is what there is to say of a line that is no job.
    """

    number: int
    expression: str = ""
    command: str = ""
    stdin: str | None = None
    user: str = ""
    zone: str = ""
    comment: str = ""
    is_alone: bool = True
    variables: dict[str, str] = field(default_factory=dict)
    refusal: str = ""
    remark: str = ""


def read(text: str, *, has_users: bool) -> list[Entry]:
    """Return what the lines of a crontab ask for, in their order; comments and empty lines ask for nothing.

    With `has_users` a user stands before each command, as in /etc/crontab. Raises Unreadable.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    if len(lines) > MOST:
        raise Unreadable(f"It has {len(lines)} lines; at most {MOST} are read.")
    return _headings(list(_entries(lines, has_users=has_users)))


def _entries(lines: list[str], *, has_users: bool) -> Iterator[Entry]:
    variables: dict[str, str] = {}
    zone, wrong_zone = "", ""
    comment: list[str] = []
    goes_on = False  # the comment, line by line
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if len(text) > LONGEST:
            yield Entry(number, refusal=f"The line has {len(text)} characters; at most {LONGEST} are read.")
        elif not text:
            comment = []
        elif text.startswith("#"):
            comment = [*(comment if goes_on else []), *_said(text)]
        elif (named := VARIABLE.fullmatch(text)) is not None:
            name, value = named["name"], _unquoted(named["value"])
            variables, comment = {**variables, name: value}, []
            if name == "CRON_TZ":
                known = value in zone_names()
                zone, wrong_zone = (value, "") if known else ("", f"The time zone {value!r} of line {number}")
            yield _of_variable(number, name, value)
        else:
            entry = replace(_job(number, text, has_users=has_users), zone=zone, variables=variables)
            if wrong_zone and not entry.refusal:
                entry = replace(entry, refusal=f"{wrong_zone} is not known, so nobody can tell when it ran.")
            yield replace(entry, comment="\n".join(comment))
        goes_on = text.startswith("#")


def _headings(entries: list[Entry]) -> list[Entry]:
    """Return the entries, those marked that share the comment above them with the next or the one before."""
    shared = {
        entry.number
        for one, other in pairwise(entries)
        if one.comment and one.comment == other.comment and other.number == one.number + 1
        for entry in (one, other)
    }
    return [replace(one, is_alone=False) if one.number in shared else one for one in entries]


def _said(line: str) -> list[str]:
    """Return what a comment says; none if it is a line of dashes, the usual heading, or a job switched off."""
    said = line.strip("#-=*~_ \t")
    bare = line.lstrip("# \t")
    return [] if not said or HEADING.fullmatch(said) or COMMENTED_OUT.fullmatch(bare) else [said]


def _of_variable(number: int, name: str, value: str) -> Entry:
    if name == "CRON_TZ" and value not in zone_names():
        return Entry(number, refusal=f"{value!r} is no time zone; write a name such as Europe/Riga.")
    if name == "MAILTO" and value:
        remark = (
            "MAILTO is not taken over: name channels on the schedules, which are told of failures and recoveries."
        )
        return Entry(number, remark=remark)
    if name == "TZ":
        return Entry(
            number, remark="TZ is what commands saw, not when they ran; give --timezone or CRON_TZ for that."
        )
    return Entry(number, remark="")


def _job(number: int, text: str, *, has_users: bool) -> Entry:
    found = (NICKNAME if text.startswith("@") else FIELDS).fullmatch(text)
    if found is None:
        sentence = "This is neither a variable nor five fields and a command, such as 30 2 * * * curl https://…"
        return Entry(number, refusal=sentence)
    expression, rest, user = " ".join(found[1].split()), found[2] or "", ""
    if text.startswith("@"):
        expression = expression.lower() if expression.lower() in NICKNAMES else expression
        if expression.lower() == "@reboot":
            return Entry(number, refusal=REBOOT)
    if has_users:
        named = USER.fullmatch(rest)
        user, rest = (named[1], named[2] or "") if named else ("", rest)
        if named is None:
            return Entry(number, refusal="There is no user before the command; leave --user-column out.")
    if not rest:
        return Entry(number, refusal="There is no command.")
    command, stdin = _split_input(rest)
    return Entry(number, expression, command, stdin, user)


def _split_input(rest: str) -> tuple[str, str | None]:
    """Return the command and its standard input: what follows the first %, each further one ending a line."""
    command, *lines = re.split(r"(?<!\\)%", rest)
    texts = [part.replace("\\%", "%") for part in lines]
    return command.replace("\\%", "%").strip(), "\n".join(texts) + "\n" if texts else None


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'" else value
