"""Take documents apart into entries: what is declared, where it stands, and that nothing is declared twice. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

from jobtypes.compliance.oscal import spelled
from jobtypes.foreign import ForeignFile, Translation, Untranslatable
from schedules.files.problems import Path, Problem, Refused, nearest
from schedules.files.reading import Document

MAPS = (
    *("connections", "channels", "calendars", "tag_limits", "templates"),
    *("catalogs", "systems", "environments"),
)
SECTIONS = (*MAPS, "import_projects", "schedules")
TOP = (*SECTIONS, "source")
LONGEST_SOURCE = 500
Translator = Callable[[ForeignFile], Translation | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a file declares. `values` are its fields as they are written, without its name."""

    section: str
    name: str
    values: dict[str, Any]
    document: Document
    path: Path
    origins: Mapping[Path, Path]
    was: str = ""
    source: str = ""  # of its file, if that names one
    environment: str = ""  # of a schedule

    @property
    def place(self) -> str:
        """Return the file and line where it stands."""
        return f"{self.document.file}:{self.line}"

    @property
    def line(self) -> int:
        """Return the line where it begins, from 1."""
        return self.document.line(_original(self.path, self.origins))

    def problem(self, inner: Path, sentence: str, hint: str = "") -> Problem:
        """Return what is wrong at a path within it."""
        return self.document.problem(_original((*self.path, *inner), self.origins), sentence, hint)


@dataclass(frozen=True, slots=True)
class Declared:
    """All entries by section, in the order of the files, and the sources that the files name."""

    entries: dict[str, list[Entry]]
    sources: list[str] = field(default_factory=list)


def declared(documents: Iterable[Document], translators: Sequence[Translator], environment: str) -> Declared:
    """Return what the documents declare; raises Refused.

    `translators` read files of other programs; `environment` is where schedules live that name none.
    """
    taking = _Taking(translators, environment)
    for document in documents:
        taking.take(document)
    if taking.problems:
        raise Refused(taking.problems)
    return Declared(taking.entries, taking.sources)


class _Taking:
    def __init__(self, translators: Sequence[Translator], environment: str) -> None:
        self.translators = translators
        self.environment = environment
        self.entries: dict[str, list[Entry]] = {section: [] for section in SECTIONS}
        self.sources: list[str] = []
        self.problems: list[Problem] = []
        self.seen: dict[tuple[str, str, str], Entry] = {}

    def take(self, document: Document) -> None:
        values, origins, taken = document.values, {}, set[Path]()
        if not values.keys() <= set(TOP):
            try:
                translation = self._translated(document)
            except Untranslatable as wrong:
                self.problems += [
                    document.problem(one.path, one.sentence, nearest(one.path[-1], one.known) if one.known else "")
                    for one in wrong.faults
                ]
                return
            if translation is not None:
                values, origins, taken = translation.sections, dict(translation.origins), set(translation.taken)
        for path, again in document.repeated.items():
            if path not in taken:
                first = document.line(path)
                self.problems += [
                    Problem(document.file, line, str(path[-1]), f"This key stands here again, as in line {first}.")
                    for line, _value in again
                ]
        for name in values.keys() - set(TOP):
            self.problems.append(document.problem((name,), "There is no such section.", nearest(name, TOP)))
        source = self._source(document, values.get("source"))
        for section in SECTIONS:
            for name, path, own in self._listed(document, section, values.get(section), origins):
                self._enter(section, name, own, document=document, path=path, origins=origins, source=source)

    def _translated(self, document: Document) -> Translation | None:
        repeated = {path: [value for _line, value in again] for path, again in document.repeated.items()}
        file = ForeignFile(PurePath(document.file).stem, document.values, repeated)
        found = (translate(file) for translate in self.translators)
        return next((translation for translation in found if translation is not None), None)

    def _source(self, document: Document, source: Any) -> str:
        if source is None:
            return ""
        if not isinstance(source, str) or not 1 <= len(source) <= LONGEST_SOURCE or not source.isprintable():
            self.problems.append(document.problem(("source",), "Write a name for where these come from."))
            return ""
        if source not in self.sources:
            self.sources.append(source)
        return source

    def _listed(
        self, document: Document, section: str, value: Any, origins: Mapping[Path, Path]
    ) -> Iterable[tuple[Any, Path, Any]]:
        """Return name, path and fields of each entry of a section."""
        if value is None:
            return
        if section in MAPS and isinstance(value, dict):
            yield from ((name, (section, name), own) for name, own in value.items())
        elif section not in MAPS and isinstance(value, list):
            for position, own in enumerate(value):
                name = own.get("name") if isinstance(own, dict) else None
                yield name, (section, position), own
        else:
            form = "a mapping of names to fields" if section in MAPS else "a list"
            self.problems.append(document.problem((section,), f"Write {form}."))

    def _enter(self, section: str, name: Any, values: Any, **place: Any) -> None:
        entry = Entry(section, str(name), values if isinstance(values, dict) else {}, **place)
        if section == "tag_limits" and isinstance(values, int):
            entry = Entry(section, str(name), {"max_running": values}, **place)
        elif section == "catalogs":
            fields = {"path": values} if isinstance(values, str) else dict(values) if isinstance(values, dict) else {}
            entry = Entry(section, spelled(str(name)), fields, **place)
        elif section == "environments" and (values is None or isinstance(values, dict)):
            entry = Entry(section, str(name), values or {}, **place)
        elif not isinstance(values, dict):
            self.problems.append(entry.problem((), "Write its fields."))
            return
        elif section in MAPS and "name" in values:
            self.problems.append(entry.problem(("name",), "Its name stands before the colon; leave this out."))
            return
        elif section == "import_projects":
            entry = self._project(entry, values)
        elif section == "schedules":
            entry = self._schedule(entry, values)
        key = (section, entry.environment, entry.name)
        if key in self.seen:
            first = self.seen[key]
            self.problems.append(
                entry.problem((), f"{entry.name} is declared twice, first in {first.place}; keep one.")
            )
            return
        self.seen[key] = entry
        self.entries[section].append(entry)

    def _project(self, entry: Entry, values: dict[str, Any]) -> Entry:
        if not isinstance(values.get("name"), str) or not values["name"]:
            self.problems.append(entry.problem(("name",), "A project needs a name; put it in quotes if need be."))
        return replace(entry, values={key: value for key, value in values.items() if key != "name"})

    def _schedule(self, entry: Entry, values: dict[str, Any]) -> Entry:
        name, was = values.get("name"), values.get("was")
        if not isinstance(name, str) or not name:
            self.problems.append(entry.problem(("name",), "A schedule needs a name; put it in quotes if need be."))
        if was is not None and (not isinstance(was, str) or not was):
            self.problems.append(entry.problem(("was",), "Write the name that it had before."))
        own = values.get("environment")
        return Entry(
            "schedules",
            str(name),
            {key: value for key, value in values.items() if key not in {"name", "was"}},
            entry.document,
            entry.path,
            entry.origins,
            was=str(was or ""),
            source=entry.source,
            environment=own if isinstance(own, str) and own else self.environment,
        )


def _original(path: Path, origins: Mapping[Path, Path]) -> Path:
    """Return where the value at `path` stands in the file itself."""
    for length in range(len(path), 0, -1):
        if path[:length] in origins:
            return (*origins[path[:length]], *path[length:])
    return path
