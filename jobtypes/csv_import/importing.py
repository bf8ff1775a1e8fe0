"""Import the files of one run: find them, load each, hand out each result as its file ends, put the files away.

Knows no run and no row of Carillon's own: what becomes of a result is said by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from jobtypes.csv_import.config import ImportConfig
from jobtypes.csv_import.found import Finding, FoundFile, SourceFailed
from jobtypes.csv_import.outcome import FileResult
from jobtypes.csv_import.plan import FilePlan, FileRefused
from jobtypes.csv_import.report import Report

Table = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Loader:
    """What the files of one run are loaded with.

    `one(plan, path)` loads a file, `rebuild([(plan, path)])` fills a table with these files and nothing else, `views`
    refreshes what reads the tables that were loaded and returns what came of it. `before(plan, path)` returns the
    result of a file that is not loaded again, None for any other.
    """

    one: Callable[[FilePlan, Path], FileResult]
    rebuild: Callable[[Sequence[tuple[FilePlan, Path]]], Sequence[FileResult]]
    views: Callable[[Sequence[Table]], dict[str, object]]
    before: Callable[[FilePlan, Path], FileResult | None]


@dataclass(slots=True)
class Import:
    """One run over the files of `finding`. `ended(result, plan)` is told of each file; `go_on()` raises to stop.

    With `trial` files stay where they are.
    """

    config: ImportConfig
    finding: Finding
    loader: Loader
    ended: Callable[[FileResult, FilePlan | None], None]
    go_on: Callable[[], None]
    trial: bool = False
    results: list[FileResult] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lost: str = ""  # why no further file is tried

    def report(self) -> Report:
        """Return what is known so far."""
        return Report(tuple(self.results), tuple(self.notes))

    def work(self) -> Report:
        """Import all files; what `go_on` raises ends it between two of them."""
        for refused in self.finding.refused:
            self._end(_failed(refused.name, refused.error_type, refused.error))
        for unit in _units(self.finding.files):
            self.go_on()
            if self.lost:
                for file in unit:
                    self._put_back(file, "NotTried", f"Not tried: {self.lost}", retryable=True)
            elif unit[0].plan.rebuild_table:
                self._rebuild(unit)
            else:
                self._load(unit[0])
        loaded = {(one.plan.schema, one.plan.table) for one in self._loaded()}
        wanted = loaded and self.config.refresh_materialized_views and not self.trial
        views = self.loader.views(sorted(loaded)) if wanted else {}
        return replace(self.report(), views=views)

    def _load(self, file: FoundFile) -> None:
        if (path := self._fetched(file)) is None:
            return
        self._settle(file, self.loader.before(file.plan, path) or self.loader.one(file.plan, path))

    def _rebuild(self, unit: Sequence[FoundFile]) -> None:
        """Load the files of one table together, or none of them."""
        if missing := self._missing(unit[0].plan):
            for file in unit:
                self._put_back(file, *missing[:2], retryable=missing[2])
            return
        paths: list[tuple[FilePlan, Path]] = []
        for file in unit:
            if (path := self._fetched(file)) is None:
                others = [one for one in unit if one is not file]
                for other in others:
                    self._put_back(other, "IncompleteRebuild", f"{file.name} {INCOMPLETE}", retryable=bool(self.lost))
                return
            paths.append((file.plan, path))
        before = [self.loader.before(plan, path) for plan, path in paths]
        known = [one for one in before if one is not None]
        results = known if len(known) == len(unit) else self.loader.rebuild(paths)
        for file, result in zip(unit, results, strict=True):
            self._settle(file, result)

    def _missing(self, plan: FilePlan) -> tuple[str, str, bool] | None:
        """Return why a table cannot be rebuilt: a file of its own is refused, or still being written."""
        for refused in self.finding.refused:
            if self._is_of(plan, refused.name):
                return "IncompleteRebuild", f"{refused.name} {INCOMPLETE}", False
        for name in self.finding.waiting:
            if self._is_of(plan, name):
                return "StillWritten", f"{name} is still being written. {UNTOUCHED}", True
        return None

    def _is_of(self, plan: FilePlan, name: str) -> bool:
        other = self.config.rule_for(name.rpartition("/")[2])
        return other is not None and (other.schema, other.table) == (plan.schema, plan.table)

    def _fetched(self, file: FoundFile) -> Path | None:
        try:
            return self.finding.fetch(file)
        except FileRefused as refused:
            self._put_back(file, refused.error_type, str(refused))
        except SourceFailed as failed:
            self.lost = str(failed)
            self._put_back(file, failed.error_type, str(failed), retryable=failed.retry)
        return None

    def _settle(self, file: FoundFile, result: FileResult) -> None:
        if result.connection_lost:
            self.lost = "the connection to the database was lost before."
        if result.retryable or self.trial:
            self._end(result, file.plan)
            self.finding.drop(file)
            return
        self._end(result, file.plan)
        if sentence := self.finding.settle(file, result.status != "failed"):
            self.notes.append(sentence)

    def _put_back(self, file: FoundFile, error_type: str, error: str, *, retryable: bool = False) -> None:
        self.finding.drop(file)
        failed = _failed(file.name, error_type, error)
        table = f"{file.plan.schema}.{file.plan.table}"
        self._end(replace(failed, table_name=table, retryable=retryable), file.plan)

    def _end(self, result: FileResult, plan: FilePlan | None = None) -> None:
        self.results.append(result)
        self.ended(result, plan)

    def _loaded(self) -> Iterator[FoundFile]:
        done = {(one.filename, one.table_name) for one in self.results if one.status == "loaded"}
        for file in self.finding.files:
            if (file.name, f"{file.plan.schema}.{file.plan.table}") in done:
                yield file


INCOMPLETE = "could not be had, and the files of a rebuilt table are loaded together. The table is as it was."
UNTOUCHED = "The files of a rebuilt table are loaded together; the table is as it was."


def _units(files: Iterable[FoundFile]) -> Iterator[list[FoundFile]]:
    """Yield files one by one, those of one rebuilt table together at the place of the first."""
    together: dict[Table, list[FoundFile]] = {}
    order: list[list[FoundFile]] = []
    for file in files:
        key = (file.plan.schema, file.plan.table)
        if not file.plan.rebuild_table:
            order.append([file])
        elif key in together:
            together[key].append(file)
        else:
            together[key] = [file]
            order.append(together[key])
    yield from order


def _failed(name: str, error_type: str, error: str) -> FileResult:
    return FileResult(filename=name, status="failed", error_type=error_type, error=error)
