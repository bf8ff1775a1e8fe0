"""What comes back from a query on another database."""

from dataclasses import dataclass
from typing import Any


class QueryFailed(Exception):
    """The database refused the connection or the query; the message is the database's own and may hold secrets."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a query answered: names of columns as the database spells them, and rows of Python values."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
