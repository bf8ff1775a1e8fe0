"""The file var/carillon.env: a demo's keys and addresses, made once and kept. Knows no Django."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
from pathlib import Path

from cryptography.fernet import Fernet

ALLOWED_COMMANDS: dict[str, dict[str, object]] = {"demoorders": {}, "clearsessions": {}}
WILDCARDS = {"0.0.0.0", "::"}  # noqa: S104 - recognised, not bound
LINE = re.compile(r"([A-Z_0-9]+)=(['\"]?)(.*)\2")


def prepare(file: Path, *, host: str, port: int, warehouse: str = "") -> None:
    """Write what a demo needs into `file`; where it exists already, only add what is missing, host and port too.

    `warehouse` is the address of the database that imports fill, empty if there is none. Whatever a person changed
    stays. Only the owner may read the file.
    """
    lines = file.read_text().splitlines() if file.exists() else ["# Written by `make demo`; set variables win.", ""]
    there = {found[1]: found[3] for line in lines if (found := LINE.fullmatch(line.strip()))}
    wanted = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "CARILLON_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "SECURE_SSL_REDIRECT": "false",
        "SESSION_COOKIE_SECURE": "false",
        "CSRF_COOKIE_SECURE": "false",
        "MANAGEMENT_COMMAND_ALLOWLIST": json.dumps(ALLOWED_COMMANDS),
        "CSV_IMPORT_MIN_INTERVAL_SECONDS": "60",  # so that a visitor sees imports happen
        **there,
        "WAREHOUSE_URL": warehouse,
        "ALLOWED_HOSTS": _with(there.get("ALLOWED_HOSTS", "localhost,127.0.0.1"), *_names(host)),
        "OUTBOUND_ALLOWLIST": _with(there.get("OUTBOUND_ALLOWLIST", ""), f"{bracketed(reachable(host))}:{port}"),
    }
    changed = {name: value for name, value in wanted.items() if there.get(name) != value}
    if changed:
        kept = [line for line in lines if not ((found := LINE.fullmatch(line.strip())) and found[1] in changed)]
        _write(file, [*kept, *(f"{name}='{value}'" for name, value in changed.items())])


def reachable(host: str) -> str:
    """Return the address by which a server that listens on `host` is reached from this machine."""
    return "127.0.0.1" if host in WILDCARDS else host


def bracketed(host: str) -> str:
    """Return `host` as it stands before a port."""
    return f"[{host}]" if ":" in host else host


def _names(host: str) -> list[str]:
    return [socket.gethostname(), bracketed(host)] if host in WILDCARDS else [bracketed(host)]


def _with(listed: str, *words: str) -> str:
    """Return a comma-separated list with `words` in it, each once."""
    return ",".join(dict.fromkeys(word.strip() for word in [*listed.split(","), *words] if word.strip()))


def _write(file: Path, lines: list[str]) -> None:
    """Replace the file whole, so that a reader never sees half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text("\n".join(lines) + "\n")
    os.replace(fresh, file)
