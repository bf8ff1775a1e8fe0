"""A database of the storm's own, and the environment that leads there. Knows no Django."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """Make an empty database where DATABASE_URL leads, or a SQLite file in `folder`, and remove it in the end."""
    given = os.environ.get("DATABASE_URL", "")
    if not given.startswith("postgres"):
        yield f"sqlite:///{folder}/storm.sqlite3"
        return
    name = f"carillon_storm_{secrets.token_hex(4)}"
    with psycopg.connect(given, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield urlunsplit(urlsplit(given)._replace(path=f"/{name}"))
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def surroundings(folder: Path, url: str) -> dict[str, str]:
    """Return what both Django here and gunicorn need to be told."""
    return {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "tests.security.storm.settings",
        "LOCAL_FILES_ROOT": str(folder),
        "LOG_LEVEL": "ERROR",
    }
