"""Recognise one reading statement. Pure.

This gives the clear answer; the database's read-only transaction is what holds.
"""

import re

READING = {"select", "with", "values", "table"}
PIECES = re.compile(
    r"""
    (?P<comment>--[^\n]*|/\*.*?\*/)
    | (?P<dollar>\$(?P<tag>[A-Za-z_]\w*|)\$.*?\$(?P=tag)\$)
    | (?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`)
    | (?P<end>;)
    | (?P<word>\w+)
    | (?P<open>['"`]|/\*)
    | (?P<other>[^\s])
    """,
    re.VERBOSE | re.DOTALL,
)


def refusal(sql: str) -> str:
    """Return why `sql` is not one SELECT, WITH, VALUES or TABLE statement; empty if it is."""
    first, ended = "", False
    for piece in PIECES.finditer(sql):
        what = piece.lastgroup if piece.lastgroup != "tag" else "dollar"
        if what == "comment":
            continue
        if ended and what != "end":
            return "Write one statement; there is more behind the semicolon."
        if what == "open":
            return f"The {piece.group()} at character {piece.start() + 1} is never closed."
        if what == "end":
            ended = True
        elif not first and piece.group() != "(":
            first = piece.group()
            if first.lower() not in READING:
                return f"A query begins with SELECT, WITH, VALUES or TABLE, not with {first[:40]}."
    return "" if first else "Write a query."
