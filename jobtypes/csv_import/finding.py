"""Find the files of one run, hand them out one by one, and put them away afterwards. Pure.

    with find(project.config, root=settings.LOCAL_FILES_ROOT, local_files=…) as finding:
        for file in finding.files:
            path = finding.fetch(file)         # FileRefused: this one cannot be had; SourceFailed: no further one can
            …                                  # load it
            trouble = finding.settle(file, ok) # after the commit; `drop` instead where it will be tried again

`finding.refused` are files that fail without being read, `finding.waiting` names that the next run will find.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from integrations import sftp
from jobtypes.csv_import.config import ImportConfig
from jobtypes.csv_import.found import Finding, FoundFile, RefusedFile, SourceFailed
from jobtypes.csv_import.local import LocalFinding
from jobtypes.csv_import.remote import RemoteFinding

__all__ = ["Finding", "FoundFile", "RefusedFile", "SourceFailed", "find"]

NO_SOURCE = "The project names neither a folder, local_dir, nor a source, and the run no files. Nothing was done."


@contextmanager
def find(
    config: ImportConfig,
    *,
    root: Path,
    local_files: Sequence[str] = (),
    server: sftp.Server | None = None,
    go_on: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.time,
) -> Iterator[Finding]:
    """Find the files of a run: those of `local_files`, else of the project's `local_dir`, else of the SFTP `server`.

    `root` is LOCAL_FILES_ROOT. `go_on()` is asked during downloads and may raise to stop. Raises SourceFailed when
    the place cannot be looked into.
    """
    local, remote = LocalFinding(root, clock=clock), None
    try:
        if local_files:
            local.ask(config, local_files, root)
        elif config.local_dir is not None:
            local.look(config, config.local_dir, root)
        elif server is not None:
            remote = RemoteFinding(server, go_on=go_on, clock=clock)
            remote.look(config)
        else:
            raise SourceFailed("NoSource", NO_SOURCE, retry=False)
        yield remote or local
    finally:
        local.close()
        if remote is not None:
            remote.close()
