"""Lists on a terminal: aligned columns for people, one JSON array for programs."""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.serializers.json import DjangoJSONEncoder


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return `rows` under `head`, each column as wide as its longest text, no blanks at the ends of lines."""
    lines = [[*map(str, head)], *([_plain(text) for text in row] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    padded = (
        "  ".join(text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True))
        for line in lines
    )
    return "\n".join(line.rstrip() for line in padded)


def array(items: Iterable[Any]) -> str:
    """Return one JSON array; times carry their offset."""
    return json.dumps(list(items), cls=DjangoJSONEncoder, indent=2, ensure_ascii=False)


def moment(at: datetime | None, zone: str = "UTC") -> str:
    """Return a moment to the second with the offset of `zone`: 2026-11-27 06:00:00+01:00; a dash for none."""
    return "–" if at is None else at.astimezone(ZoneInfo(zone)).isoformat(sep=" ", timespec="seconds")


def first_line(text: str, most: int = 80) -> str:
    """Return the first line of `text`, at most `most` characters of it."""
    line = text.strip().split("\n")[0]
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _plain(text: str) -> str:
    """Return `text` without what a terminal would obey: control characters become a question mark."""
    return "".join("?" if unicodedata.category(character)[0] == "C" else character for character in str(text))


def _width(text: str) -> int:
    """Return how many cells of a terminal `text` takes."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
