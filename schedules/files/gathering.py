"""Find the files of a path and read their texts: one file, or a folder with all below it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from schedules.files import reading
from schedules.files.problems import Problem, Refused
from schedules.files.reading import Document

ENDINGS = {".yaml", ".yml", ".json"}
MOST_FILES = 1_000
MOST_BYTES = 16 * 1024 * 1024  # of all files together


@dataclass(frozen=True, slots=True)
class Gathered:
    """The texts of a path's files, by the names that problems use; `digest` changes when any of them does."""

    path: Path
    texts: dict[str, str]

    @property
    def digest(self) -> str:
        """Return the SHA-256 of all names and texts."""
        return hashlib.sha256(repr(sorted(self.texts.items())).encode("utf-8", "surrogatepass")).hexdigest()

    def documents(self) -> list[Document]:
        """Return what the files say; raises Refused with what is wrong in each."""
        found, problems = [], []
        for name, text in self.texts.items():
            try:
                found.append(reading.read(text, name))
            except Refused as refused:
                problems += refused.problems
        if problems:
            raise Refused(problems)
        return found


def gather(path: Path) -> Gathered:
    """Return the texts of a file, or of the .yaml, .yml and .json files of a folder; raises Refused.

    Names that begin with a dot are left out, as Kubernetes' `..data` and editors' drafts are.
    """
    files = below(path) if path.is_dir() else [path]
    if not files:
        raise _refused(path, "There is no .yaml, .yml or .json file in this folder.")
    if len(files) > MOST_FILES:
        raise _refused(path, f"There are more than {MOST_FILES:,} files in this folder.")
    texts: dict[str, str] = {}
    for file in files:
        texts[_shown(file)] = _text(file)
        if sum(map(len, texts.values())) > MOST_BYTES:
            raise _refused(path, f"The files hold more than {MOST_BYTES // 1024**2} MiB together.")
    return Gathered(path, texts)


def below(folder: Path) -> list[Path]:
    """Return the files of a folder that are read, those of folders below it too; hardly more than may be."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(place) / name
            for name in sorted(names)
            if not name.startswith(".") and Path(name).suffix.lower() in ENDINGS
        ]
        if len(found) > MOST_FILES:
            break
    return found


def absolute(path: str) -> Path:
    """Return the path from the root on; links in it stay, so that one may be swapped."""
    return Path(os.path.abspath(path))


def _text(file: Path) -> str:
    try:
        if not file.is_file():
            raise _refused(file, "There is no such file." if not file.exists() else "This is no regular file.")
        with file.open("rb") as opened:
            raw = opened.read(reading.MOST_BYTES + 1)
    except OSError as broken:
        raise _refused(file, f"It cannot be read: {broken.strerror or broken}.") from None
    if len(raw) > reading.MOST_BYTES:
        raise _refused(file, f"A file may have at most {reading.MOST_BYTES // 1024**2} MiB.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        line = raw.count(b"\n", 0, broken.start) + 1
        raise Refused([Problem(_shown(file), line, "", "This is no UTF-8.")]) from None


def _shown(file: Path) -> str:
    """Return a file's name as a person here would write it."""
    relative = os.path.relpath(file)
    return str(file) if relative.startswith("..") else relative


def _refused(path: Path, sentence: str) -> Refused:
    return Refused([Problem(_shown(path), 0, "", sentence)])
