"""A PostgreSQL database to import into, a folder of files, and projects that lead from one to the other."""

import os
import time
from itertools import count

import psycopg

from integrations.models import Connection
from jobtypes.models import ImportProject
from tests.services import POSTGRESQL, need

NUMBERS = count(1)
LONG_AGO = 3_600


class World:
    """Files are written under `root`/in and are an hour old, so that nobody takes them for half written."""

    def __init__(self, root, database):
        self.root, self.database = root, database
        self.url = f"{POSTGRESQL}/{database}"
        (root / "in").mkdir(exist_ok=True)

    def write(self, name, text, *, encoding="utf-8", age=LONG_AGO):
        path = self.root / "in" / name
        path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
        os.utime(path, (time.time() - age,) * 2)
        return path

    def ask(self, statement):
        with psycopg.connect(self.url, autocommit=True) as server:
            cursor = server.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def project(self, name="customer_project", **fields):
        if not Connection.objects.filter(name="warehouse").exists():
            Connection(name="warehouse", kind="sql", address=self.url).store(by="tester")
        config = fields.pop("config", {"defaults": {"primary_key": "id"}, "local_dir": "in"})
        project = ImportProject(name=name, connection="warehouse", config=config, **fields)
        project.store(by="tester")
        return project


def database():
    """Yield the name of an empty database of its own, dropped afterwards."""
    need("PostgreSQL", 5432)
    name = f"carillon_imports_{os.getpid()}_{next(NUMBERS)}"
    with psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        yield name
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
