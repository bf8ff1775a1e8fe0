"""Databases of three makes with one table, `orders`, that a test may read through Carillon and look at directly."""

import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import psycopg
import pymysql

from tests.services import MARIADB, POSTGRESQL, need

NUMBERS = count(1)
TABLE = "CREATE TABLE orders (id INTEGER PRIMARY KEY, state VARCHAR(20), amount NUMERIC(12, 2))"
ROWS = "INSERT INTO orders VALUES (1, 'paid', 10.50), (2, 'pending', 20), (3, 'pending', NULL)"
SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    "SELECT 'OK' AS status, count(*) FROM n",
    "postgresql": "SELECT 'OK' AS status, pg_sleep(600)",
    "mariadb": "SELECT 'OK' AS status, SLEEP(600)",
}


@dataclass
class Database:
    make: str
    url: str
    ask: Callable[[str], list[Any]]  # directly, with every right

    @property
    def fingerprint(self) -> list[Any]:
        return self.ask("SELECT id, state, amount FROM orders ORDER BY id")


def own_name():
    """Return a name that no other database of this test run has."""
    return f"carillon_reading_{os.getpid()}_{next(NUMBERS)}"


def sqlite_in(folder):
    path = folder / "shop.sqlite3"

    def ask(sql):
        connection = sqlite3.connect(path)
        try:
            with connection:
                return connection.execute(sql).fetchall()
        finally:
            connection.close()

    ask(TABLE)
    ask(ROWS)
    yield Database("sqlite", "sqlite:///shop.sqlite3", ask)


def postgresql():
    name = own_name()
    need("PostgreSQL", 5432)
    with psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE template0")

        def ask(sql):
            with psycopg.connect(f"{POSTGRESQL}/{name}", autocommit=True) as connection:
                cursor = connection.execute(sql)
                return cursor.fetchall() if cursor.description else []

        ask(TABLE)
        ask(ROWS)
        yield Database("postgresql", f"{POSTGRESQL}/{name}", ask)
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def mariadb():
    name = own_name()
    need("MariaDB", 3306)

    def ask(sql, database=name):
        server = pymysql.connect(host="127.0.0.1", user="root", database=database, autocommit=True)
        with server as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    ask(f"CREATE DATABASE {name}", None)
    ask(TABLE)
    ask(ROWS)
    yield Database("mariadb", f"{MARIADB}/{name}", ask)
    ask(f"DROP DATABASE {name}", None)
