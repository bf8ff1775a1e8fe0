"""Where something is wrong in a file, and what: pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

Path = tuple[str | int, ...]  # keys and positions from the top of a file
MOST = 50  # problems that are told at once


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `line` counts from 1, 0 where none can be named; `hint` is a sentence or empty."""

    file: str
    line: int
    field: str
    sentence: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return " ".join(
            part for part in (f"{place}:", f"{self.field}:" * bool(self.field), self.sentence, self.hint) if part
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


class Refused(Exception):
    """What the files say cannot be done; `problems` tells each reason, in the order of the files."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems[:MOST])))


def spelled(path: Path) -> str:
    """Return a path as people read it: schedules[2].params.query."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def nearest(word: object, known: Iterable[str]) -> str:
    """Return a hint that names what was probably meant, or what there is."""
    known = list(known)
    near = get_close_matches(str(word)[:100], known, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]}?"
    return f"Possible: {', '.join(known[:40])}." if known else ""
