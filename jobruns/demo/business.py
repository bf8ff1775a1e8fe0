"""The sample business: an invented tea shop's SQLite database, filled minute by minute up to now. Knows no Django.

What happened in a minute depends on that minute alone, so filling it twice gives the same rows. Now and then the
checkout is slow, cards are declined or the supplier sends no prices: enough for its alerts to have something to say.
"""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

KEPT = timedelta(days=6)
MINUTE = timedelta(minutes=1)
TABLES = """
CREATE TABLE IF NOT EXISTS orders (placed_at TEXT NOT NULL, customer TEXT NOT NULL, country TEXT NOT NULL,
    tea TEXT NOT NULL, cents INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS api_logs (called_at TEXT NOT NULL, route TEXT NOT NULL, status INTEGER NOT NULL,
    milliseconds INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS payments (made_at TEXT NOT NULL, outcome TEXT NOT NULL, cents INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS supplier_prices (quoted_at TEXT NOT NULL, tea TEXT NOT NULL, cents INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS filled (minute TEXT NOT NULL PRIMARY KEY);
CREATE INDEX IF NOT EXISTS orders_by_time ON orders (placed_at);
CREATE INDEX IF NOT EXISTS api_logs_by_time ON api_logs (called_at);
CREATE INDEX IF NOT EXISTS payments_by_time ON payments (made_at);
CREATE INDEX IF NOT EXISTS prices_by_time ON supplier_prices (quoted_at);
"""
TIMES = {"orders": "placed_at", "api_logs": "called_at", "payments": "made_at", "supplier_prices": "quoted_at"}
NAMES = ["Abel", "Brigita", "Chidi", "Dagny", "Emre", "Farah", "Goran", "Hanae", "Ines", "Janis", "Kalpana", "Liv"]
COUNTRIES = ["LV", "DE", "IN", "AU", "US", "JP"]
TEAS = {"Hill Assam": 890, "Smoked Pine": 1240, "White Peony": 2150, "Roasted Twig": 760, "Mountain Oolong": 1690}

# What goes wrong, how often (minutes between two beginnings, about) and for how long (minutes).
SPELLS = {"slow checkout": (95, 9), "declined cards": (290, 22), "silent supplier": (405, 13)}


def fill(file: Path, until: datetime) -> int:
    """Add what happened from the last filled minute to `until`, forget what is older than six days.

    Makes the file if there is none; returns the number of orders added.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    until = until.astimezone(UTC).replace(second=0, microsecond=0)
    with closing(sqlite3.connect(file, timeout=10)) as database, database:
        database.execute("PRAGMA journal_mode=WAL")
        database.executescript(TABLES)
        database.execute("BEGIN IMMEDIATE")
        (last,) = database.execute("SELECT max(minute) FROM filled").fetchone()
        oldest = until - KEPT
        minute = oldest if last is None else max(datetime.fromisoformat(last).replace(tzinfo=UTC) + MINUTE, oldest)
        orders = 0
        while minute <= until:
            orders += _happen(database, minute)
            minute += MINUTE
        _forget(database, oldest)
    return orders


def in_spell(name: str, minute: datetime) -> bool:
    """Tell whether that trouble is on in that minute."""
    every, length = SPELLS[name]
    block, place = divmod(int(minute.timestamp()) // 60, every)
    begin = random.Random(f"{name} {block}").randrange(every - length)  # noqa: S311 - sample data
    return begin <= place < begin + length


def _happen(database: sqlite3.Connection, minute: datetime) -> int:
    """Write the rows of one minute and return the number of orders."""
    chance = random.Random(f"shop {minute:%Y-%m-%dT%H:%M}")  # noqa: S311 - sample data
    orders = [(_within(minute, chance), *_order(chance)) for _ in range(chance.choice([0, 1, 1, 2, 2, 3]))]
    declined = 0.45 if in_spell("declined cards", minute) else 0.03
    payments = [(at, "declined" if chance.random() < declined else "paid", cents) for at, *_, cents in orders]
    slow = 4.5 if in_spell("slow checkout", minute) else 1.0
    calls = [
        (
            _within(minute, chance),
            route,
            500 if chance.random() < 0.01 else 200,
            int(usual * chance.uniform(0.7, 1.4)),
        )
        for route, usual in (("/teas", 45), ("/teas", 45), ("/basket", 90), ("/checkout", 210 * slow))
    ]
    database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", orders)
    database.executemany("INSERT INTO payments VALUES (?, ?, ?)", payments)
    database.executemany("INSERT INTO api_logs VALUES (?, ?, ?, ?)", calls)
    if minute.minute % 4 == 0 and not in_spell("silent supplier", minute):
        prices = [(_text(minute), tea, int(cents * chance.uniform(0.38, 0.46))) for tea, cents in TEAS.items()]
        database.executemany("INSERT INTO supplier_prices VALUES (?, ?, ?)", prices)
    database.execute("INSERT INTO filled VALUES (?)", [_text(minute)])
    return len(orders)


def _order(chance: random.Random) -> tuple[str, str, str, int]:
    tea = chance.choice(list(TEAS))
    return chance.choice(NAMES), chance.choice(COUNTRIES), tea, TEAS[tea] * chance.randint(1, 4)


def _within(minute: datetime, chance: random.Random) -> str:
    return _text(minute + timedelta(seconds=chance.randrange(60)))


def _text(moment: datetime) -> str:
    """Return a time as SQLite's own functions write it: UTC, whole seconds."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _forget(database: sqlite3.Connection, before: datetime) -> None:
    for table, column in {**TIMES, "filled": "minute"}.items():
        database.execute(f"DELETE FROM {table} WHERE {column} < ?", [_text(before)])  # noqa: S608 - our own names
