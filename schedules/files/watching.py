"""Take files over whenever they change: the last state of a burst, however the files are saved or swapped."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog
import watchfiles
from django.db import Error, close_old_connections, connection

from integrations.boundary import contained
from schedules.files import gathering
from schedules.files.models import RefusedFile
from schedules.files.plan import Plan
from schedules.files.problems import Problem, Refused
from schedules.files.sync import source_of, sync

log = structlog.get_logger(__name__)

QUIET = 200  # milliseconds without a change that end a burst
LONGEST_BURST = 1_000  # milliseconds after which the state so far is taken over
LOOK = 1_000  # milliseconds between looks where nothing is announced, as on network drives
SETTLE = 0.5  # seconds that a refused file gets: its writer may be half-way
AGAIN = 60.0  # seconds until a refused file is tried again: what it refers to may be there by then
RETRY = 2.0  # seconds to wait after a database error
Mark = tuple[tuple[str, int, int, int], ...]


class Watcher:
    """Watches one file, or a folder, in a thread of its own or in the caller's.

    A file that is refused, or away, leaves what it said before in force; that is logged, and a RefusedFile tells
    everybody. Any number of processes may watch the same files: their syncs take turns.
    """

    def __init__(
        self,
        path: Path,
        *,
        environment: str = "",
        prune: bool = False,
        on_plan: Callable[[Plan], None] = lambda plan: None,
        on_refused: Callable[[Refused], None] = lambda refused: None,
    ) -> None:
        self.path, self.environment, self.prune = path, environment, prune
        self.on_plan, self.on_refused = on_plan, on_refused
        self.source = source_of(path, environment)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, name=f"watch {path.name}", daemon=True)
        self.mark: Mark | None = None
        self.taken = ""  # the digest of what was looked at last
        self.tried_at: datetime | None = None  # when it was refused last

    def start(self) -> None:
        """Start watching in a thread."""
        self.thread.start()

    def stop(self) -> None:
        """End after the sync under way."""
        self.stopping.set()
        if self.thread.is_alive():
            self.thread.join(5)

    def run(self) -> None:
        """Watch until `stopping` is set."""
        self._look(announced=True)
        while not self.stopping.is_set():
            folder = self.path if self.path.is_dir() else self.path.parent
            try:
                for changes in watchfiles.watch(
                    folder,
                    watch_filter=None,
                    debounce=LONGEST_BURST,
                    step=QUIET,
                    rust_timeout=LOOK,
                    yield_on_timeout=True,
                    stop_event=self.stopping,
                    raise_interrupt=False,
                    recursive=self.path.is_dir(),
                ):
                    self._look(announced=bool(changes))
            except OSError:  # the folder is away, or the system watches no more: looking goes on
                self._look(announced=False)
                self.stopping.wait(LOOK / 1_000)
        self._leave()

    def _leave(self) -> None:
        """Take back what was told of refused files: who still watches them tells it again within a minute."""
        with suppress(Error):
            if self.tried_at is not None:
                RefusedFile.objects.accept(self.source)
        connection.close()

    def _look(self, *, announced: bool) -> None:
        """Take the files over if they are other than before."""
        mark = _mark(self.path)
        is_due = self.tried_at is not None and (_now() - self.tried_at).total_seconds() >= AGAIN
        if not announced and not is_due and mark == self.mark:
            return
        self.mark = mark
        try:
            close_old_connections()
            self._take_over(is_due=is_due)
        except Error as error:
            log.info("watched files wait, database away", source=self.source, error=str(error).strip())
            connection.close()
            self.mark, self.taken = None, ""
            self.stopping.wait(RETRY)

    def _take_over(self, *, is_due: bool) -> None:
        refused: Refused | None = None
        for _ in range(2):
            crashes: list[Exception] = []
            try:
                # Whatever a file does to us, it must not end the process that fires.
                with contained(crashes.append, let=(Refused, Error)):
                    gathered = gathering.gather(self.path)
                    if gathered.digest == self.taken and not is_due:
                        return
                    plan = sync(gathered, environment=self.environment, prune=self.prune, tells_fires=False)
                    self.taken, self.tried_at = gathered.digest, None
                    self._tell(plan)
                    return
            except Refused as found:
                refused = found
            for crash in crashes:
                log.error("taking files over crashed", source=self.source, exc_info=crash)
                refused = Refused([Problem(str(self.path), 0, "", f"It crashed: {type(crash).__name__}: {crash}")])
            if self.stopping.wait(SETTLE):
                return
        if refused is not None:
            self._refuse(refused)

    def _tell(self, plan: Plan) -> None:
        RefusedFile.objects.accept(self.source)
        if plan.changes_something:
            log.info("files taken over", source=self.source, **plan.counts)
        for warning in plan.warnings:
            log.warning("files taken over, with a warning", source=self.source, warning=warning)
        self.on_plan(plan)

    def _refuse(self, refused: Refused) -> None:
        self.tried_at = _now()
        self.mark = _mark(self.path)
        try:
            self.taken = gathering.gather(self.path).digest
        except Refused:
            self.taken = ""
        if RefusedFile.objects.refuse(self.source, refused.problems, self.tried_at):
            problems = [str(problem) for problem in refused.problems[:20]]
            log.warning("files refused, what they said before stays in force", source=self.source, problems=problems)
        self.on_refused(refused)


def _mark(path: Path) -> Mark:
    """Return what tells, without reading them, whether files were written or swapped."""
    found = []
    for file in gathering.below(path) if path.is_dir() else [path]:
        try:
            told = os.stat(file)
        except OSError:
            continue
        found.append((str(file), told.st_ino, told.st_size, told.st_mtime_ns))
    return tuple(found)


def _now() -> datetime:
    return datetime.now(UTC)
