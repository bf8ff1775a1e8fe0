"""Files on an SFTP server: listed first, then copied here one by one, as they are asked for. Pure.

A copy is a file without a name, which only this process can read and which is gone when it ends, however it ends. The
names that the server gives choose nothing here.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, cast

from integrations import sftp
from jobtypes.csv_import.config import ImportConfig
from jobtypes.csv_import.found import (
    ARCHIVE,
    FAILED,
    MOST_BYTES,
    SETTLED_SECONDS,
    Finding,
    FoundFile,
    Listed,
    SourceFailed,
    name_for,
    sort_out,
)
from jobtypes.csv_import.plan import FileRefused

DESCRIPTORS = Path("/proc/self/fd")
ERROR_TYPES: dict[str, str] = {
    "not_installed": "SftpNotInstalled",
    "unconfirmed": "HostKeyNotConfirmed",
    "host_key": "HostKeyMismatch",
    "login": "SftpLoginFailed",
    "refused": "SftpRefused",
    "too_large": "FileTooLarge",
    "no_room": "NoRoom",
}
CHANGED = "It changed while it was fetched: somebody still writes it. Nothing was loaded from it; the next run tries."


class RemoteFinding(Finding):
    """Files of one folder of a server. `place` of each is its path there.

    `go_on()` is asked during downloads and may raise to stop. `pause(seconds)` waits.
    """

    def __init__(
        self,
        server: sftp.Server,
        *,
        go_on: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._server = server
        self._go_on, self._clock, self._pause = go_on, clock, pause
        self._session: sftp.Session | None = None
        self._copies: dict[str, BinaryIO] = {}
        self._seen: dict[str, Listed] = {}

    def look(self, config: ImportConfig) -> None:
        """List the folder; raises SourceFailed."""
        try:
            entries = self._listed()
            now = self._clock()
            ahead = {one.name for one in entries if one.modified is not None and one.modified > now}
            if any(config.rule_for(name) for name in ahead):
                entries = self._looked_again(entries, ahead)
        except sftp.NotDone as wrong:
            raise _failed(wrong) from None
        files, self.refused, self.waiting = sort_out(config, entries, now=now, origin=self._origin)
        self.files = tuple(FoundFile(one.name, one.size, one.origin, one.plan, self._path(one.name)) for one in files)
        self._seen = {self._path(one.name): one for one in entries}

    def fetch(self, file: FoundFile) -> Path:
        """Return a path to a copy of the file."""
        if file.place not in self._copies:
            with ExitStack() as unfinished:
                copy = self._new_copy()
                unfinished.callback(copy.close)
                self._fill(copy, file)
                unfinished.pop_all()
            self._copies[file.place] = copy
        copy = self._copies[file.place]
        own = DESCRIPTORS / str(copy.fileno())
        return own if own.exists() else Path(str(copy.name))

    def _fill(self, copy: BinaryIO, file: FoundFile) -> None:
        """Download the file, once more if the server ended the connection; raises FileRefused, SourceFailed."""
        try:
            try:
                self._download(file, copy)
            except sftp.NotDone as wrong:
                if wrong.problem != "lost":
                    raise
                copy.seek(0)
                copy.truncate()
                self._download(file, copy)  # servers end connections that were idle while a file was loaded
        except sftp.NotDone as wrong:
            if wrong.problem in {"refused", "too_large"}:
                raise FileRefused(ERROR_TYPES[wrong.problem], f"{wrong} Nothing was loaded from it.") from None
            raise _failed(wrong) from None

    def drop(self, file: FoundFile) -> None:
        if file.place in self._copies:
            self._copies.pop(file.place).close()

    def close(self) -> None:
        for copy in self._copies.values():
            copy.close()
        self._copies.clear()
        if self._session is not None:
            self._session.close()

    def settle(self, file: FoundFile, ok: bool) -> str:
        """Move or delete it on the server as its project says."""
        act = file.plan.after_success
        was_fetched = file.place in self._copies
        self.drop(file)
        if not was_fetched or act == "keep" or (act == "delete" and not ok):
            return ""
        where = ARCHIVE if ok else FAILED
        try:
            session = self._connected()
            if _mark(session.entry(file.place)) != _mark(self._seen[file.place]):
                return f"{file.name} changed after it was read; it stays where it is for the next run."
            if act == "delete":
                session.delete(file.place)
            else:
                self._move(session, file, self._path(where))
        except sftp.NotDone as wrong:
            done = "deleted" if act == "delete" else f"moved to {where}/"
            return f"{file.name} could not be {done}: {wrong} It stays where it is; what was loaded stays too."
        return ""

    def _move(self, session: sftp.Session, file: FoundFile, folder: str) -> None:
        if not session.exists(folder):
            session.make_folder(folder)
        free = name_for(file.name, lambda name: session.exists(f"{folder}/{name}"), at=self._clock())
        session.move(file.place, f"{folder}/{free}")

    def _listed(self) -> list[Listed]:
        return [
            Listed(one.name, one.size, one.modified)
            for one in self._connected().entries(self._server.folder)
            if one.is_file
        ]

    def _looked_again(self, entries: list[Listed], ahead: set[str]) -> list[Listed]:
        """Return the entries, those dated ahead of this machine's clock by whether they change as one looks.

        The server's clock may be another one, so that such a date does not tell how old the file is.
        """
        before = {one.name: one for one in entries}
        self._pause(SETTLED_SECONDS)
        now = self._clock()
        return [
            one if one.name not in ahead or before.get(one.name) == one else Listed(one.name, one.size, now)
            for one in self._listed()
        ]

    def _download(self, file: FoundFile, copy: BinaryIO) -> None:
        """Copy a file and see that it was not written meanwhile; raises NotDone and FileRefused."""
        room = MOST_BYTES - sum(os.fstat(one.fileno()).st_size for one in self._copies.values())
        session = self._connected()
        size = session.download(file.place, copy, most=max(0, room), going_on=lambda done: self._go_on())
        if size != file.size or _mark(session.entry(file.place)) != _mark(self._seen[file.place]):
            raise FileRefused("StillWritten", CHANGED)

    def _connected(self) -> sftp.Session:
        if self._session is None or not self._session.is_alive:
            self._session = sftp.connect(self._server)
        return self._session

    def _new_copy(self) -> BinaryIO:
        try:
            # Where there is no /proc, only a name leads to a file: that one goes when the process ends in order.
            return cast(BinaryIO, tempfile.TemporaryFile() if DESCRIPTORS.exists() else tempfile.NamedTemporaryFile())
        except OSError as wrong:
            why = f"Nothing can be stored in the folder of TMPDIR: {wrong.strerror}. No further file was fetched."
            raise SourceFailed("NoRoom", why, retry=True) from None

    def _path(self, name: str) -> str:
        return f"{self._server.folder.rstrip('/')}/{name}"

    def _origin(self, name: str) -> str:
        return f"{self._server.place}{self._path(name)}"


def _mark(entry: Listed | sftp.Entry) -> tuple[int, float | None]:
    return entry.size, entry.modified


def _failed(wrong: sftp.NotDone) -> SourceFailed:
    return SourceFailed(ERROR_TYPES.get(wrong.problem, "SftpUnreachable"), str(wrong), retry=wrong.is_passing)
