"""Read one YAML or JSON file into plain values, and remember the line of each; pure.

Plain words are read as YAML 1.2 does: `on`, `no` and 22:00 are text. Whatever could surprise is refused: tags, keys
that stand twice, several documents, and what is too large, too deep, or unfolds to too much.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml import events

from schedules.files.problems import Path, Problem, Refused, spelled

MOST_BYTES = 2 * 1024 * 1024
MOST_DEPTH = 30
MOST_VALUES = 200_000  # with what aliases unfold to
LONGEST_NUMBER = 30
NULL, TRUE, FALSE = {"", "~", "null", "Null", "NULL"}, {"true", "True", "TRUE"}, {"false", "False", "FALSE"}
PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
WHOLE = re.compile(r"[-+]?[0-9]+")
FRACTION = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says. `lines` holds the line of each value, counted from 1.

    `repeated` holds what else was written for keys that stand twice in one mapping, as (line, value): an error,
    unless a reader knows why.
    """

    file: str
    values: dict[str, Any]
    lines: Mapping[Path, int] = field(default_factory=dict)
    repeated: Mapping[Path, list[tuple[int, Any]]] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """Return the line of the value at `path`, or of the nearest value around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Path, sentence: str, hint: str = "") -> Problem:
        """Return what is wrong at `path`."""
        return Problem(self.file, self.line(path), spelled(path), sentence, hint)


def read(text: str, file: str) -> Document:
    """Return what the text says; raises Refused. `file` is what problems call it."""
    return _Reader(text, file).document()


@dataclass(slots=True)
class _Open:
    """A mapping or list that is not closed yet; `key` waits for its value."""

    value: Any
    path: Path
    key: str | None = None
    repeats: bool = False  # the value to come is of a key that stands already
    anchor: str | None = None


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.text = _as_yaml(text) if file.endswith(".json") else text
        self.lines: dict[Path, int] = {}
        self.repeated: dict[Path, list[tuple[int, Any]]] = {}
        self.anchors: dict[str, Any] = {}
        self.open: list[_Open] = []
        self.documents = 0
        self.values = 0
        self.result: Any = None

    def document(self) -> Document:
        try:
            for event in yaml.parse(self.text, Loader=Loader):
                self._take(event)
        except yaml.reader.ReaderError as wrong:
            line = self.text.count("\n", 0, wrong.position) + 1 if isinstance(wrong.position, int) else 0
            raise self._refused(line, f"The character number {wrong.character} is not allowed here.") from None
        except yaml.MarkedYAMLError as wrong:
            mark = wrong.problem_mark or wrong.context_mark
            said = " ".join(part for part in (wrong.context, wrong.problem) if part)
            raise self._refused(mark.line + 1 if mark else 0, f"This is no YAML: {said}.") from None
        except UnicodeEncodeError:
            raise self._refused(0, "Half a character stands here (a lone surrogate).") from None
        if not isinstance(self.result, dict):
            what = "The file is empty." if self.result is None else "This is no mapping."
            raise self._refused(1, f"{what} Begin with a section such as schedules:.")
        return Document(self.file, self.result, self.lines, self.repeated)

    def _take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if getattr(event, "tag", None) is not None:
            raise self._refused(line, f"The tag {event.tag[:60]} is not allowed; write plain values.")
        if isinstance(event, events.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self._refused(line, "A file holds one document; put the other into a file of its own.")
        elif isinstance(event, events.AliasEvent):
            if event.anchor not in self.anchors:
                raise self._refused(line, f"*{event.anchor} refers to what is not closed yet, or nowhere.")
            self._put(self._copied(self.anchors[event.anchor], line), line)
        elif isinstance(event, events.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, events.MappingStartEvent | events.SequenceStartEvent):
            self._begin({} if isinstance(event, events.MappingStartEvent) else [], event.anchor, line)
        elif isinstance(event, events.MappingEndEvent | events.SequenceEndEvent):
            ended = self.open.pop()
            if ended.anchor:
                self.anchors[ended.anchor] = ended.value

    def _scalar(self, event: Any, line: int) -> None:
        value = self._resolved(event.value, line) if event.implicit[0] else self._clean(event.value, line)
        around = self.open[-1] if self.open else None
        if around is not None and isinstance(around.value, dict) and around.key is None:
            self._key(around, event.value, line, plain=event.implicit[0])
        else:
            if event.anchor:
                self.anchors[event.anchor] = value
            self._put(value, line)

    def _key(self, around: _Open, key: str, line: int, *, plain: bool) -> None:
        key = self._clean(key, line)
        if key == "<<" and plain:
            raise self._refused(line, "Merging with << is not taken; write the fields out.")
        around.key, around.repeats = key, key in around.value
        if not around.repeats:
            self.lines[(*around.path, key)] = line

    def _begin(self, value: Any, anchor: str | None, line: int) -> None:
        if len(self.open) >= MOST_DEPTH:
            raise self._refused(line, f"This lies more than {MOST_DEPTH} levels deep.")
        around = self.open[-1] if self.open else None
        if around is not None and isinstance(around.value, dict) and around.key is None:
            raise self._refused(line, "A key is a word, not a list or a mapping.")
        path = self._put(value, line)
        self.open.append(_Open(value, path, anchor=anchor))

    def _put(self, value: Any, line: int) -> Path:
        """Put a value where it belongs and return its path."""
        self._count(line)
        if not self.open:
            self.result = value
            return ()
        around = self.open[-1]
        if isinstance(around.value, list):
            around.value.append(value)
            path = (*around.path, len(around.value) - 1)
            self.lines[path] = line
            return path
        if around.key is None:
            raise self._refused(line, "A key is a word; an alias cannot stand for it.")
        path = (*around.path, around.key)
        if around.repeats:
            self.repeated.setdefault(path, []).append((line, value))
        else:
            around.value[around.key] = value
        around.key = None
        return path

    def _copied(self, value: Any, line: int) -> Any:
        """Return a copy of what an alias stands for; each value in it counts."""
        self._count(line)
        if isinstance(value, dict):
            return {key: self._copied(one, line) for key, one in value.items()}
        return [self._copied(one, line) for one in value] if isinstance(value, list) else value

    def _count(self, line: int) -> None:
        self.values += 1
        if self.values > MOST_VALUES:
            raise self._refused(line, f"The file holds more than {MOST_VALUES:,} values.")

    def _resolved(self, text: str, line: int) -> Any:
        """Return what a plain word means."""
        if text in NULL:
            return None
        if text in TRUE or text in FALSE:
            return text in TRUE
        if len(text) > LONGEST_NUMBER and FRACTION.fullmatch(text[:10_000]):
            raise self._refused(line, "This number is too long; put it in quotes if it is a text.")
        if WHOLE.fullmatch(text):
            return int(text)
        if FRACTION.fullmatch(text):
            return float(text) if abs(float(text)) < 1e300 else text
        return self._clean(text, line)

    def _clean(self, text: str, line: int) -> str:
        """Return a text that every database can store."""
        if "\0" in text:
            raise self._refused(line, "The character NUL is not allowed.")
        return text

    def _refused(self, line: int, sentence: str) -> Refused:
        return Refused([Problem(self.file, line, "", sentence)])


def _as_yaml(text: str) -> str:
    """Return JSON as YAML takes it: no tabs, which JSON has as blanks only, and no characters in two halves."""

    def joined(found: re.Match[str]) -> str:
        high, low = int(found[2], 16), int(found[3], 16)
        return found[1] + chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))

    return PAIR.sub(joined, text.replace("\t", "  "))
