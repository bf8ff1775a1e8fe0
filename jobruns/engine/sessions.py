"""The database sessions of a process that fires: kept open, and bounded where they could hold up all others.

A scheduler may freeze between two statements: its virtual machine is paused, its host is gone. What it has locked at
that moment, the turn to claim above all, would stay locked for as long as its session lives.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connection

KEPT = 60  # seconds that a thread keeps its connection
FROZEN = 5.0  # seconds between two statements of a transaction, after which PostgreSQL ends the session
UNREACHABLE = 10  # seconds without any answer of the network, after which a connection counts as lost


def prepare() -> None:
    """Set up the sessions that this process opens from now on; its child processes are not concerned.

    Nothing bounds how long a statement takes: one that needs its time would be cancelled again and again.
    """
    # Each look would else open a connection of its own; a dropped one is noticed by its health check.
    connection.settings_dict["CONN_MAX_AGE"] = KEPT
    if connection.vendor == "postgresql":
        connection.settings_dict["OPTIONS"] = bounded(connection.settings_dict["OPTIONS"])


def bounded(options: dict[str, Any]) -> dict[str, Any]:
    """Return `options` for PostgreSQL with our limits; what DATABASE_URL says itself goes first.

    A transaction waits for a lock no longer than a quarter of the lease, so that leases are renewed in between.
    """
    limits = {
        "idle_in_transaction_session_timeout": FROZEN,
        "lock_timeout": min(FROZEN, settings.LOCK_TIMEOUT_SECONDS / 4),
    }
    ours = " ".join(f"-c {name}={int(seconds * 1000)}" for name, seconds in limits.items())
    return {
        "connect_timeout": UNREACHABLE,
        "tcp_user_timeout": UNREACHABLE * 1000,
        "keepalives_idle": UNREACHABLE,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        **options,
        "options": f"{ours} {options.get('options', '')}".strip(),
    }
