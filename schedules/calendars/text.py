"""Dates and maintenance windows as lines that people write: one date or one window in each; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from schedules.calendars.definition import DATE, NamedDate, Window

WEEKLY = re.compile(r"(?P<days>[A-Za-z]+(?:[ ,]+[A-Za-z]+)*)\s+(?P<start>[0-9:]+)\s*(?:-|–|to)\s*(?P<end>[0-9:]+)")
ONCE = re.compile(r"(?P<start>[0-9]{4}-\S+(?:[T ]\S+)?)\s+(?:-|–|to)\s+(?P<end>[0-9]{4}-\S+(?:[T ]\S+)?)")
STOPS = "stop"
WINDOW_HINT = "Write a window such as sat 22:00-02:00 | Patch night, or 2026-12-24 18:00 to 2026-12-27 06:00 | Move."


class UnreadableLines(ValueError):
    """Some lines are refused; `sentences` says which and why."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences


def dates_text(dates: Iterable[NamedDate]) -> str:
    """Return a line such as "2026-12-25 Christmas Day" for each date."""
    return "\n".join(f"{one.date} {one.name}".strip() for one in dates)


def read_dates(text: str) -> list[dict[str, str]]:
    """Return the dates in the lines as a definition wants them; raises UnreadableLines."""
    found, wrong = [], []
    for number, line in _lines(text):
        if (read := DATE.fullmatch(line)) is None:
            wrong.append(f"Line {number}: write a date and a name, such as 2026-12-25 Christmas Day.")
        else:
            found.append({"date": read[1], "name": (read[2] or "").strip()})
    if wrong:
        raise UnreadableLines(wrong[:10])
    return found


def windows_text(windows: Iterable[Window]) -> str:
    """Return a line such as "sat 22:00-02:00 | Patch night | stop" for each window."""
    return "\n".join(_window_text(window) for window in windows)


def read_windows(text: str) -> list[dict[str, Any]]:
    """Return the windows in the lines as a definition wants them; raises UnreadableLines."""
    found, wrong = [], []
    for number, line in _lines(text):
        when, *rest = (part.strip() for part in line.split("|"))
        weekly, once = WEEKLY.fullmatch(when), ONCE.fullmatch(when)
        read = weekly or once
        name, *last = rest or [""]
        if read is None or not name or last not in ([], [STOPS]):
            wrong.append(f"Line {number}: {WINDOW_HINT}")
            continue
        window: dict[str, Any] = {"name": name, "stop_running": bool(last)}
        window |= {"from": read["start"].replace(" ", "T"), "to": read["end"].replace(" ", "T")}
        found.append(window | ({"days": re.split(r"[ ,]+", weekly["days"].lower())} if weekly else {}))
    if wrong:
        raise UnreadableLines(wrong[:10])
    return found


def when(window: Window) -> str:
    """Return when a window is open: "sat 22:00-02:00", "2026-12-24 18:00 to 2026-12-27 06:00"."""
    if window.days:
        return f"{' '.join(window.days)} {window.start}-{window.end}"
    return f"{window.start.replace('T', ' ')} to {window.end.replace('T', ' ')}"


def _window_text(window: Window) -> str:
    return " | ".join([when(window), window.name, *([STOPS] if window.stop_running else [])])


def _lines(text: str) -> list[tuple[int, str]]:
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
    return [(number, line) for number, line in lines if line and not line.startswith("#")]
