"""Files under LOCAL_FILES_ROOT: nothing outside of it is opened, whatever a name says and whoever lays links. Pure.

A name is resolved, and the result is then walked component by component from the root's own descriptor without
following any link, so that nothing changes between the check and the opening. What was opened is read through that
descriptor, so that the bytes that were checked are the bytes that are loaded.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from jobtypes.csv_import.config import ImportConfig
from jobtypes.csv_import.found import (
    ARCHIVE,
    FAILED,
    MOST_BYTES,
    Finding,
    FoundFile,
    Listed,
    RefusedFile,
    SourceFailed,
    name_for,
    name_refusal,
    shown_name,
    sort_out,
    too_large,
)
from jobtypes.csv_import.plan import FileRefused

ABSENT = "There is no such regular file under LOCAL_FILES_ROOT. Nothing was loaded from it."
NO_FOLDER = "There is no such folder under LOCAL_FILES_ROOT. No file was touched; create it or correct local_dir."
NO_TABLE = "No pattern of the project matches this name, so it belongs to no table. Nothing was loaded from it."
DESCRIPTORS = Path("/proc/self/fd")
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
Mark = tuple[int, int, int, int]  # of a file that stays as it is: device, inode, size, moment of its last change


class LocalFinding(Finding):
    """Files of this machine. `place` of each is its path from the root on."""

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._root = Path(os.path.realpath(root))
        self._clock = clock
        self._open: dict[str, tuple[int, Mark]] = {}

    def ask(self, config: ImportConfig, names: Sequence[str], given_root: Path) -> None:
        """Take exactly these files, in this order: relative to the root, or absolute below it."""
        files, refused = [], []
        for name in names:
            shown = shown_name(name)
            try:
                place = self._place(name, given_root)
                with self._opened(place) as (_, found):
                    size = found.st_size
            except (OSError, ValueError):
                refused.append(RefusedFile(shown, "FileNotFound", ABSENT))
                continue
            base = place.rpartition("/")[2]
            plan = config.rule_for(base)
            if sentence := name_refusal(base):
                refused.append(RefusedFile(shown, "UnsafeName", sentence))
            elif plan is None:
                refused.append(RefusedFile(shown, "NoMatchingTable", NO_TABLE))
            elif size > MOST_BYTES:
                refused.append(too_large(shown, size))
            else:
                files.append(FoundFile(base, size, place, plan, place))
        self.files, self.refused = tuple(files), tuple(refused)

    def look(self, config: ImportConfig, folder: str, given_root: Path) -> None:
        """List a folder; raises SourceFailed if there is none."""
        try:
            where = self._place(folder, given_root)
            with self._folder(where) as descriptor, os.scandir(descriptor) as inside:
                now = self._clock()
                entries = [found for one in inside if (found := _listed(one, now)) is not None]
        except (OSError, ValueError):
            raise SourceFailed("FolderNotFound", f"{shown_name(folder)}: {NO_FOLDER}", retry=False) from None
        before = f"{where}/" if where != "." else ""
        files, self.refused, self.waiting = sort_out(config, entries, now=now, origin=lambda name: before + name)
        self.files = tuple(FoundFile(one.name, one.size, one.origin, one.plan, one.origin) for one in files)

    def fetch(self, file: FoundFile) -> Path:
        """Return a path that leads to the very file that was checked, even if another one takes its name."""
        if file.place not in self._open:
            try:
                with self._opened(file.place) as (descriptor, found):
                    if found.st_size > MOST_BYTES:
                        refusal = too_large(file.name, found.st_size)
                        raise FileRefused(refusal.error_type, refusal.error)
                    self._open[file.place] = os.dup(descriptor), _mark(found)
            except (OSError, ValueError):
                raise FileRefused("FileNotFound", ABSENT) from None
        own = DESCRIPTORS / str(self._open[file.place][0])
        return own if own.exists() else self._root / file.place

    def drop(self, file: FoundFile) -> None:
        if file.place in self._open:
            os.close(self._open.pop(file.place)[0])

    def close(self) -> None:
        for descriptor, _ in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def settle(self, file: FoundFile, ok: bool) -> str:
        """Move or delete it as its project says."""
        act = file.plan.after_success
        mark = self._open[file.place][1] if file.place in self._open else None
        self.drop(file)
        if mark is None or act == "keep" or (act == "delete" and not ok):
            return ""
        folder, _, base = file.place.rpartition("/")
        try:
            with self._folder(folder) as here:
                if _mark(os.stat(base, dir_fd=here, follow_symlinks=False)) != mark:
                    return f"{file.name} changed after it was read; it stays where it is for the next run."
                if act == "delete":
                    os.unlink(base, dir_fd=here)
                else:
                    self._move(base, here, ARCHIVE if ok else FAILED)
        except OSError as wrong:
            done = "deleted" if act == "delete" else f"moved to {ARCHIVE if ok else FAILED}/"
            return (
                f"{file.name} could not be {done}: {wrong.strerror}. It stays where it is; what was loaded stays too."
            )
        return ""

    def _move(self, base: str, here: int, where: str) -> None:
        with suppress(FileExistsError):  # and if that is no folder, opening it says so
            os.mkdir(where, 0o770, dir_fd=here)
        there = os.open(where, FOLDER, dir_fd=here)
        try:
            free = name_for(base, lambda name: _is_there(name, there), at=self._clock())
            os.rename(base, free, src_dir_fd=here, dst_dir_fd=there)
        finally:
            os.close(there)

    def _place(self, name: str, given_root: Path) -> str:
        """Return the path from the root on that a name means, links resolved; raises ValueError outside the root."""
        if not name or "\0" in name:
            raise ValueError
        path = Path(name)
        if path.is_absolute() and path.is_relative_to(given_root):
            path = path.relative_to(given_root)
        return Path(os.path.realpath(self._root / path)).relative_to(self._root).as_posix()

    @contextmanager
    def _folder(self, place: str) -> Iterator[int]:
        """Open a folder under the root component by component, no link followed; raises OSError."""
        with ExitStack() as opened:
            descriptor = os.open(self._root, FOLDER)
            opened.callback(os.close, descriptor)
            for part in Path(place).parts:
                descriptor = os.open(part, FOLDER, dir_fd=descriptor)
                opened.callback(os.close, descriptor)
            yield descriptor

    @contextmanager
    def _opened(self, place: str) -> Iterator[tuple[int, os.stat_result]]:
        """Open a regular file under the root; raises OSError or ValueError for whatever else is there."""
        folder, _, base = place.rpartition("/")
        with self._folder(folder) as here:
            if not stat.S_ISREG(os.stat(base, dir_fd=here, follow_symlinks=False).st_mode):
                raise ValueError  # before it is opened: a device may do something then
            descriptor = os.open(base, FILE, dir_fd=here)
            try:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode):
                    raise ValueError
                yield descriptor, found
            finally:
                os.close(descriptor)


def _listed(entry: os.DirEntry[str], now: float) -> Listed | None:
    """Return an entry that is a regular file, None for any other and for one that has just gone."""
    try:
        found = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    # A moment ahead was set by whoever wrote the file; when the entry itself changed, this machine says.
    return Listed(entry.name, found.st_size, found.st_mtime if found.st_mtime <= now else found.st_ctime)


def _mark(found: os.stat_result) -> Mark:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _is_there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
