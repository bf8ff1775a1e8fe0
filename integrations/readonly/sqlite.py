"""Read from an SQLite file: opened read only, and an authorizer that knows nothing but reading."""

import sqlite3
from urllib.parse import quote

from sqlalchemy import create_engine
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool

from integrations.readonly.answer import Seen
from integrations.readonly.reader import Reader

ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
FORBIDDEN_FUNCTIONS = {"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"}
STEPS = 10_000  # of SQLite's machine between two looks at the clock
LONGEST = 2_097_152  # bytes of one value


class SQLiteReader(Reader):
    def engine(self) -> Engine:
        address = f"file:{quote(self.location.database or '')}?mode=ro"

        def connect() -> sqlite3.Connection:
            return sqlite3.connect(address, uri=True, timeout=5, check_same_thread=False)

        return create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)

    def guard(self, connection: Connection) -> None:
        self.raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        self.raw.set_progress_handler(self.given_up.is_set, STEPS)
        self.raw.set_authorizer(_authorize)

    def look(self, connection: Connection) -> Seen:
        version, tables = self.ask(
            connection, "SELECT sqlite_version(), count(*) FROM sqlite_schema WHERE type = 'table'", max_rows=1
        ).rows[0]
        return Seen(f"SQLite {version} opened the file; it has {tables} tables.")


def _authorize(
    action: int, first: str | None, second: str | None, _database: str | None, _trigger: str | None
) -> int:
    if action in ALLOWED or (action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in FORBIDDEN_FUNCTIONS):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY
