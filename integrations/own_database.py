"""Recognise the database that Carillon itself lives in: no job may read it."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

LOCAL = "this machine"
IDENTITY = "SELECT system_identifier::text || '/' || current_database() FROM pg_control_system()"


def is_meant(location: URL, path: Path | None) -> bool:
    """Tell whether `location` (for SQLite: the file `path`, links resolved) leads to Carillon's own database."""
    own: dict[str, Any] = settings.DATABASES["default"]
    if own["ENGINE"].endswith("sqlite3"):
        return path is not None and _same_file(path, Path(str(own["NAME"])))
    if location.get_backend_name() != "postgresql":
        return False
    hosts = _option(location, "host") or location.host or ""
    port = int(_option(location, "port") or location.port or 5432)
    database = location.database or location.username or ""
    own_port = int(own.get("PORT") or 5432)
    own_host = own.get("HOST") or own.get("OPTIONS", {}).get("host", "")
    return (database, port) == (str(own["NAME"]), own_port) and bool(_machines(hosts) & _machines(own_host))


def identity() -> str:
    """Return what names Carillon's own PostgreSQL database for certain, on whichever way it is reached.

    Empty on SQLite, and where the server does not tell.
    """
    if connection.vendor != "postgresql":
        return ""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(IDENTITY)
            return str(cursor.fetchone()[0])
    except DatabaseError:
        return ""


def _same_file(path: Path, own: Path) -> bool:
    own = own.resolve()
    return path == own or (path.exists() and own.exists() and path.samefile(own))


def _option(location: URL, name: str) -> str:
    value = location.query.get(name, "")
    return value if isinstance(value, str) else ",".join(value)


def _machines(hosts: str) -> set[str]:
    """Return the addresses of a comma-separated list of hosts; sockets and loopback count as this machine."""
    found: set[str] = set()
    for host in hosts.split(","):
        if not host or host.startswith(("/", "@")):
            found.add(host or LOCAL)
            continue
        found.add(host.lower())
        try:
            addresses = {str(answer[4][0]) for answer in socket.getaddrinfo(host, None)}
        except OSError:
            continue
        found |= addresses
        if any(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in addresses):
            found.add(LOCAL)
    return found
