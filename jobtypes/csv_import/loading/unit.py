"""Load one file, or all files of one table that is rebuilt, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import psycopg

from jobtypes.csv_import.loading import merge, repeated
from jobtypes.csv_import.loading.checks import check
from jobtypes.csv_import.loading.failures import UNTOUCHED, LoadFailed, understood
from jobtypes.csv_import.loading.meter import Meter
from jobtypes.csv_import.loading.session import Connection, Session
from jobtypes.csv_import.loading.staged import Staged, analyse
from jobtypes.csv_import.loading.staging import stage
from jobtypes.csv_import.loading.tally import Tally
from jobtypes.csv_import.loading.target import Table, prepare
from jobtypes.csv_import.outcome import FileResult
from jobtypes.csv_import.plan import FileRefused

UNKNOWN = (
    "The connection to the database broke while the rows were committed, so it is not known whether they are there. "
    "Loading the file again is safe."
)


class Unit:
    """Files that are loaded together or not at all; they have one table and, if several, rebuild it."""

    def __init__(self, session: Session, meter: Meter, tallies: Sequence[Tally], *, dry_run: bool) -> None:
        self.session = session
        self.meter = meter
        self.tallies = tallies
        self.dry_run = dry_run
        self.current = tallies[0]
        self.is_committing = False
        self.done: list[FileResult] = []  # as soon as it is committed

    def load(self) -> list[FileResult]:
        """Return how each file went; the rows were committed before that. Raises GivenUp."""
        try:
            with self.session.connection() as connection:
                self._in_transaction(connection)
        except LoadFailed as why:
            return self._failed(why)
        except FileRefused as refused:
            return self._failed(LoadFailed(refused.error_type, str(refused)))
        except OSError as gone:
            return self._failed(
                LoadFailed("FileUnreadable", f"The file cannot be read: {gone.strerror}. {UNTOUCHED}")
            )
        except psycopg.Error as refused:
            if self.is_committing and self.session.was_cut:
                return self._failed(LoadFailed("ConnectionLost", UNKNOWN, retryable=True, lost=True))
            self.session.go_on()
            return self._failed(
                understood(
                    refused, self.current.table_name, connected=self.session.connected, closed=self.session.was_cut
                )
            )
        return self.done

    def _in_transaction(self, connection: Connection) -> None:
        plan = self.current.plan
        self.session.limit(connection, plan.datestyle)
        staged = []
        for number, tally in enumerate(self.tallies):
            self.current = tally
            staged.append(stage(self.session, connection, self.meter, number, tally))
        self.meter.say(f"waiting for other imports into {self.current.table_name}")
        self.session.lock(connection, plan.schema, plan.table)
        table = self._prepare(connection, staged)
        for file in staged:
            self._check(connection, file, table)
        self._write(connection, staged, table)
        self.session.go_on()
        if self.dry_run:
            connection.rollback()
        else:
            self.is_committing = True
            connection.commit()
            self.is_committing = False
        self.done = [tally.loaded() for tally in self.tallies]

    def _prepare(self, connection: Connection, files: Sequence[Staged]) -> Table:
        """Return the table as all files need it."""
        is_new = False
        for file in files:
            self.current = file.tally
            self.meter.say(f"preparing {file.tally.table_name}")
            table, file.tally.columns_added = prepare(connection, file.tally.plan, file.header)
            is_new = is_new or table.is_new
        return replace(table, is_new=is_new)

    def _check(self, connection: Connection, file: Staged, table: Table) -> None:
        self.current = file.tally
        self.meter.say(f"checking {file.tally.plan.filename}")
        if file.tally.rows_read > file.tally.rejected:
            check(self.session, connection, file, table)
        file.tally.check_limit()
        analyse(connection, file, table)

    def _write(self, connection: Connection, files: Sequence[Staged], table: Table) -> None:
        """Merge the one file, or rebuild the table from all."""
        self.session.go_on()
        self.meter.say(f"writing to {table.schema}.{table.name}")
        if self.dry_run:
            for file in files:
                file.tally.changes = merge.changes(connection, file, table)
        is_empty = False
        if files[0].tally.plan.rebuild_table:
            for earlier, later in combinations(files, 2):
                self.current = later.tally
                repeated.settle_between(connection, earlier, later, table)
                later.tally.check_limit()
            merge.check_not_empty(files, table)
            is_empty = merge.empty(connection, files, table)
        for file in files:
            self.current = file.tally
            (merge.fill if is_empty else merge.merge)(connection, file, table)

    def _failed(self, why: LoadFailed) -> list[FileResult]:
        """Return that the file at hand failed for this reason, and the others of its table with it."""
        name = self.current.plan.filename
        shared = LoadFailed(
            why.error_type if why.lost or why.retryable else "RebuildFailed",
            f"{name} failed, and the files of {self.current.table_name} are loaded all together or not at all. "
            f"{UNTOUCHED}",
            retryable=why.retryable,
            lost=why.lost,
        )
        return [tally.failed(why if tally is self.current else shared) for tally in self.tallies]
