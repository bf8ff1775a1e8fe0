"""Load files into tables of a PostgreSQL database: each file, or each rebuilt table, in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg.conninfo import make_conninfo

from integrations import own_database, watchdog
from jobtypes.csv_import.loading.meter import Meter, Progress
from jobtypes.csv_import.loading.session import Session
from jobtypes.csv_import.loading.tally import Tally
from jobtypes.csv_import.loading.unit import Unit
from jobtypes.csv_import.loading.views import Refreshed, refresh_views
from jobtypes.csv_import.outcome import FileResult
from jobtypes.csv_import.plan import FilePlan

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

__all__ = ["Refreshed", "conninfo", "load_file", "load_rebuild", "refresh_views"]


def conninfo(location: URL) -> str:
    """Return an opened connection's address as the functions here take it; it holds the password."""
    options = {name: value if isinstance(value, str) else ",".join(value) for name, value in location.query.items()}
    known = {
        "host": location.host,
        "port": location.port,
        "user": location.username,
        "password": location.password,
        "dbname": location.database,
    }
    return make_conninfo("", **{name: value for name, value in known.items() if value}, **options)


def load_file(
    target: str,
    plan: FilePlan,
    path: Path,
    *,
    progress: Progress = lambda done, total, text: None,
    cancelled: Callable[[], bool] = lambda: False,
    seconds: float = float("inf"),
    dry_run: bool = False,
) -> FileResult:
    """Load one file and return how it went; whatever kept it from being loaded is in the result, the table untouched.

    `target` is what `conninfo` returns. `progress` and `cancelled` are called from the caller's thread, `progress`
    every two seconds. A trial (`dry_run`) does it all, rolls back and tells the first changes. Raises
    watchdog.Stopped and watchdog.TookTooLong; the statement was ended on the server then, the table is untouched.
    """
    return load_rebuild(
        target, [(plan, path)], progress=progress, cancelled=cancelled, seconds=seconds, dry_run=dry_run
    )[0]


def load_rebuild(
    target: str,
    files: Sequence[tuple[FilePlan, Path]],
    *,
    progress: Progress = lambda done, total, text: None,
    cancelled: Callable[[], bool] = lambda: False,
    seconds: float = float("inf"),
    dry_run: bool = False,
) -> list[FileResult]:
    """Load the files of one table that is rebuilt, all or none; return how each went. Else as `load_file`."""
    session = Session(target, own=own_database.identity(), seconds=seconds)
    meter = Meter(progress, cancelled)
    unit = Unit(session, meter, [Tally(plan, path) for plan, path in files], dry_run=dry_run)
    try:
        return watchdog.watched(
            unit.load, seconds=seconds, stopped=meter.look, interrupt=session.interrupt, sever=session.sever
        )
    except (watchdog.Stopped, watchdog.TookTooLong):
        if not unit.done:
            raise
        return unit.done  # it was too late to stop: the rows were committed
