"""The CSV files that the demo imports: the shop's exports, which grow, and what partners send. Knows no Django.

The shop's exports are written anew each minute. The partners' files are written once, so that a visitor may mend what
is wrong with them: one has rows that are too short, one uses another delimiter than its project says.
"""

from __future__ import annotations

import csv
import os
import random
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

from jobruns.demo.business import TEAS

SHOP, PARTNERS = "exports", "partners"  # folders under LOCAL_FILES_ROOT
DAY = timedelta(days=1)
DEPOTS = ["Riga", "Hamburg", "Kochi", "Hobart", "Yokohama"]
ORDERS = """
SELECT rowid, placed_at, customer, country, tea, printf('%.2f', cents / 100.0) FROM orders
WHERE placed_at >= ? ORDER BY rowid
"""
PARTNERS_FILES = {
    "couriers.csv": """id,name,country,phone
1,Baltic Sledge,LV,+371 6700 0000
2,Elbe Runners,DE,+49 40 000 00
3,"Monsoon Express, Kochi",IN,NA
4,Southern Cross Parcels,AU,
""",
    "reviews.csv": """id,tea,stars,said
1,Hill Assam,5,"Strong.
Like the rain here."
2,Smoked Pine,4,A bonfire in a cup
3,White Peony,2
4,Roasted Twig
5,Mountain Oolong,5,"Again, please"
6,Hill Assam,3,Too strong,too late
""",
    "price_list.csv": """id;tea;euros
1;Hill Assam;3.60
2;Smoked Pine;5.10
3;White Peony;8.90
""",
}


def write(root: Path, shop: Path, now: datetime) -> None:
    """Write the shop's exports as they stand at `now` below `root`, and what of the partners' files is missing.

    The first export of the orders lacks a column that all later ones have.
    """
    for folder in (SHOP, PARTNERS):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name, text in PARTNERS_FILES.items():
        if not (root / PARTNERS / name).exists():
            _replace(root / PARTNERS / name, text.encode())
    orders = root / SHOP / "TeaShop_orders.csv"
    with closing(sqlite3.connect(f"{shop.as_uri()}?mode=ro", uri=True, timeout=10)) as database:
        rows = database.execute(ORDERS, [f"{now - DAY:%Y-%m-%d %H:%M:%S}"]).fetchall()
    head = ["order_no", "placed_at", "customer", "country", "tea", "euros"]
    if orders.exists():
        head, rows = [*head, "voucher"], [(*row, "SPRING" if row[0] % 17 == 0 else "") for row in rows]
    _replace(orders, _csv(head, rows).encode())
    _replace(root / SHOP / "stock_count.csv", _stock(now).encode("cp1252"))


def _stock(now: datetime) -> str:
    """Return what the depots counted: semicolons, German names, a line before the header, now and then nonsense."""
    chance = random.Random(f"stock {now:%Y-%m-%dT%H:%M}")  # noqa: S311 - sample data
    rows: list[list[object]] = []
    for depot in DEPOTS:
        steady = random.Random(f"{depot} {now:%Y-%m-%dT%H}")  # noqa: S311 - changes by the hour
        rows += [[depot, tea, f"{steady.uniform(4, 160):.1f}", f"{now:%d.%m.%Y}"] for tea in TEAS]
    sold = chance.choice(rows)
    sold[2] = f"{chance.uniform(1, 90):.1f}"
    chance.choice(rows)[2] = "siehe Liste"
    if now.minute % 3 == 0:
        del chance.choice(rows)[3:]
    return f"Bestände, gezählt um {now:%H:%M}\n" + _csv(["Lager", "Sorte", "Bestand kg", "gezählt am"], rows, ";")


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",") -> str:
    text = StringIO()
    csv.writer(text, delimiter=delimiter).writerows([head, *rows])
    return text.getvalue()


def _replace(file: Path, content: bytes) -> None:
    """Write the file whole, so that an import never sees half of it."""
    part = file.with_suffix(".part")
    part.write_bytes(content)
    os.replace(part, file)
