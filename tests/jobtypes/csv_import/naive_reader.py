"""Read CSV as one would explain it: a character at a time, the whole text in memory, no cleverness."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """`fault` is "", "text after a closing quote" or "never closed"."""

    line: int
    cells: list[str]
    fault: str = ""


def records(text: str, delimiter: str = ",") -> list[Record]:
    """Return all that are not blank lines."""
    found: list[Record] = []
    place, line = 0, 1
    while place < len(text):
        begin = line
        cells: list[str] = []
        fault = ""
        if end := _end(text, place):
            place, line = place + len(end), line + 1
            continue
        while True:
            cell, place, newlines, fault = _cell(text, place, delimiter)
            line += newlines
            cells.append(cell)
            if fault or text[place : place + 1] != delimiter:
                break
            place += 1
        if fault == "text after a closing quote":
            while place < len(text) and not _end(text, place):
                place += 1
        found.append(Record(begin, cells, fault))
        if end := _end(text, place):
            place, line = place + len(end), line + 1
    return found


def _cell(text: str, place: int, delimiter: str) -> tuple[str, int, int, str]:
    """Return a cell, where it ends, how many lines ended in it, and what is wrong."""
    if text[place : place + 1] != '"':
        begin = place
        while place < len(text) and text[place] != delimiter and not _end(text, place):
            place += 1
        return text[begin:place], place, 0, ""
    cell, newlines = "", 0
    place += 1
    while True:
        if place >= len(text):
            return cell, place, newlines, "never closed"
        if text.startswith('""', place):
            cell, place = cell + '"', place + 2
        elif text[place] == '"':
            place += 1
            well = place >= len(text) or text[place] == delimiter or _end(text, place)
            return cell, place, newlines, "" if well else "text after a closing quote"
        else:
            end = _end(text, place)
            cell, place = cell + (end or text[place]), place + len(end or text[place])
            newlines += bool(end)


def _end(text: str, place: int) -> str:
    """Return the line end that stands at a place, "" if none does."""
    if text.startswith("\r\n", place):
        return "\r\n"
    return text[place] if place < len(text) and text[place] in "\r\n" else ""
