"""What comes back from a query on another database."""

from dataclasses import dataclass
from typing import Any, NamedTuple


class QueryFailed(Exception):
    """The database refused the connection or the query; the message is the database's own and may hold secrets."""


class Seen(NamedTuple):
    """What a look at a database showed: a sentence on who answered, and what to weigh of its role.

    `risks` are sentences on a role that reaches beyond tables; `warnings` are about less.
    """

    sentence: str
    warnings: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """What a query answered: names of columns as the database spells them, and rows of Python values."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
