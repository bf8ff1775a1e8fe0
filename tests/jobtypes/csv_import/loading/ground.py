"""A schema of a real PostgreSQL server that files are loaded into."""

import os
from contextlib import contextmanager
from itertools import count

import psycopg
from psycopg.conninfo import make_conninfo

from jobtypes.csv_import.loading import load_file, load_rebuild
from jobtypes.csv_import.plan import FilePlan
from tests.services import POSTGRESQL, need

NUMBERS = count(1)


@contextmanager
def database():
    """Make a database on Carillon's own server if that is a PostgreSQL, else on the machine's; yield its address."""
    server = os.environ["DATABASE_URL"]
    if not server.startswith("postgres"):
        need("PostgreSQL", 5432)
        server = f"{POSTGRESQL}/postgres"
    name = f"carillon_loading_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield make_conninfo(server, dbname=name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Ground:
    """Loads texts into tables of one schema, and looks at them with every right."""

    def __init__(self, target, folder):
        self.target = target
        self.folder = folder
        self.schema = f"s{next(NUMBERS)}"
        self.connection = psycopg.connect(target, autocommit=True)
        self.connection.execute(f"CREATE SCHEMA {self.schema}")
        self.connection.execute(f"SET search_path = {self.schema}")

    def close(self):
        self.connection.execute(f"DROP SCHEMA {self.schema} CASCADE")
        self.connection.close()

    def ask(self, sql, *values):
        cursor = self.connection.execute(sql, values or None)
        return cursor.fetchall() if cursor.description else []

    def path(self, content, name):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def plan(self, **fields):
        return FilePlan(
            **{"filename": "file.csv", "table": "t", "schema": self.schema, "primary_key": ("id",), **fields}
        )

    def load(self, content, *, target=None, options=None, **fields):
        plan = self.plan(**fields)
        return load_file(target or self.target, plan, self.path(content, plan.filename), **(options or {}))

    def rebuild(self, *contents, options=None, **fields):
        plans = [
            self.plan(**{"filename": f"file{number}.csv", "rebuild_table": True, **fields})
            for number in range(1, len(contents) + 1)
        ]
        files = [(plan, self.path(content, plan.filename)) for plan, content in zip(plans, contents, strict=True)]
        return load_rebuild(self.target, files, **(options or {}))

    def rows(self, table="t"):
        return self.ask(f'SELECT * FROM "{table}" ORDER BY 1, 2')


def counts(result):
    """Return what a result counted, as one tuple to compare."""
    return result.inserted, result.updated, result.skipped, result.rejected, result.duplicates


def adds_up(result):
    return result.rows_read == sum(counts(result))
