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

from jobtypes.csv_import.config import ImportConfig
from jobtypes.csv_import.found import Finding, FoundFile, RefusedFile, SourceFailed
from jobtypes.csv_import.local import LocalFinding

__all__ = ["Finding", "FoundFile", "RefusedFile", "SourceFailed", "find"]


@contextmanager
def find(
    config: ImportConfig,
    *,
    root: Path,
    local_files: Sequence[str] = (),
    clock: Callable[[], float] = time.time,
) -> Iterator[Finding]:
    """Find the files of a run: those of `local_files`, else those of the project's `local_dir`.

    `root` is LOCAL_FILES_ROOT. Raises SourceFailed when the place cannot be looked into.
    """
    finding = LocalFinding(root, clock=clock)
    try:
        if local_files:
            finding.ask(config, local_files, root)
        elif config.local_dir is not None:
            finding.look(config, config.local_dir, root)
        else:
            raise SourceFailed("NoSource", "The project names no place where its files are.", retry=False)
        yield finding
    finally:
        finding.close()
