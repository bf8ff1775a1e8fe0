"""SQL databases, reached by a SQLAlchemy address; the password is kept apart from it."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from integrations import own_database, readonly, references, secrets, watchdog
from integrations.kinds import base
from integrations.kinds.base import Refused, Report, Secrets, Stored, Unusable

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

TRY_SECONDS = 15.0
PASSWORD = re.compile(r"(?P<before>[^:/@]+://[^:/@]*):(?P<password>[^@/]*)@(?P<after>.*)")
DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "sqlite": "sqlite+pysqlite",
}
OPTIONS = {
    "postgresql": {"host", "port", "sslmode", "sslrootcert", "connect_timeout", "application_name", "gssencmode"},
    "mysql": {"charset", "unix_socket", "ssl_ca", "ssl_verify_cert", "ssl_verify_identity", "connect_timeout"},
    "sqlite": set[str](),
}
SECRET_OPTION = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)


def accept(address: str, offered: Secrets | None, stored: Stored | None) -> Stored:
    """Return the address with `***` for its password, and the password. `{"password": …}` may be offered apart.

    `{"file": path}` may be offered by whoever sits at this machine: that SQLite file may lie outside the root.
    """
    address = address.strip()
    if sentence := references.refusal(address):
        raise Refused("address", sentence)
    if references.is_whole(address):
        return Stored(address, {})  # read and checked when it is used
    shown, password = _split(address)
    if offered and "password" in offered:
        password = str(offered["password"])
        shown = _with_mask(shown)
    kept = stored.secrets.get("file", "") if stored and stored.address == shown else ""
    approved = str((offered or {}).get("file", kept))
    _check(shown, approved)
    hidden = {"password": base.password(password, shown, stored), "file": approved}
    return Stored(shown, {name: value for name, value in hidden.items() if value})


def masked(secrets: Secrets) -> Secrets:
    """Return nothing: the address itself shows `***` where there is a password."""
    return {}


def leads_to_postgresql(address: str) -> bool:
    """Tell whether an address is one of PostgreSQL, or may be: the environment may hold the whole of it."""
    scheme = address.strip().partition("://")[0]
    return references.is_whole(address.strip()) or DRIVERS.get(scheme, scheme).startswith("postgresql")


def url(address: str, values: Secrets) -> URL:
    """Return the address to open, references replaced, password included; raises Unusable."""
    try:
        result = _parse(references.expand(address))
        if "password" in values:
            result = result.set(password=references.expand(values["password"]))
        _check_options(result)
        _check_place(result, values.get("file", ""))
    except (references.Unset, Refused) as wrong:
        raise Unusable(str(wrong)) from None
    if result.get_backend_name() == "sqlite":
        path = local_file(result, values.get("file", ""))
        if not path.exists():
            raise Unusable(f"There is no database file {result.database}; it is not made here.")
        result = result.set(database=str(path))
    return result


def secret_values(address: str, values: Secrets) -> list[str]:
    """Return the password, as stored and as used, and the whole address where a reference holds it."""
    found = [values["password"]] if "password" in values else []
    try:
        opened = url(address, values)
    except Unusable:
        return found
    whole = opened.render_as_string(hide_password=False)
    return [*found, *([opened.password, whole] if opened.password else [])]


def try_out(address: str, values: Secrets) -> Report:
    """Open the database once, read only, and look at what the role may do."""
    return _look(address, values, seconds=TRY_SECONDS, grace_seconds=5.0)


def risks(address: str, values: Secrets, *, seconds: float) -> tuple[str, ...]:
    """Return what the role may do beyond tables, nothing if the database does not tell within `seconds`."""
    try:
        return _look(address, values, seconds=seconds, grace_seconds=0.0).risks
    except Unusable:
        return ()


def _look(address: str, values: Secrets, *, seconds: float, grace_seconds: float) -> Report:
    opened = url(address, values)
    try:
        seen = readonly.examine(opened, seconds=seconds, grace_seconds=grace_seconds)
    except readonly.QueryFailed as wrong:
        raise Unusable(secrets.scrub(str(wrong), secret_values(address, values))) from None
    except watchdog.TookTooLong:
        raise Unusable(f"The database did not answer within {seconds:g} s.") from None
    return Report(seen.sentence, seen.warnings, seen.risks)


def from_here(address: str, folder: Path) -> tuple[str, Path | None]:
    """Return the address with a relative SQLite path meant from `folder`, and that file without links, None if none.

    For whoever sits at this machine: LOCAL_FILES_ROOT does not count.
    """
    scheme, separator, name = address.strip().partition(":///")
    is_file = separator and DRIVERS.get(scheme, scheme).startswith("sqlite")
    if not is_file or not name or name == ":memory:" or "\0" in name or references.names(address):
        return address, None
    path = folder / name.partition("?")[0]
    return f"{scheme}:///{folder / name}", path.resolve()


def is_under_root(stored: Stored, file: Path) -> bool:
    """Tell whether a stored address leads to this SQLite file by its place under LOCAL_FILES_ROOT."""
    return not stored.secrets.get("file") and from_here(stored.address, Path(settings.LOCAL_FILES_ROOT))[1] == file


def local_file(location: URL, approved: str = "") -> Path:
    """Return the SQLite file as an absolute path without links; raises Refused unless it lies under the root.

    A relative path is meant from LOCAL_FILES_ROOT; the file `approved` may lie anywhere. The answer for what lies
    outside never tells whether it exists.
    """
    root = Path(settings.LOCAL_FILES_ROOT).resolve()
    name = location.database or ""
    if not name or name == ":memory:" or name.startswith("file:") or "\0" in name:
        raise Refused("address", "Name a file: sqlite:///sales.sqlite3 lies directly under LOCAL_FILES_ROOT.")
    path = (root / name).resolve()
    if str(path) != approved and (not path.is_relative_to(root) or path == root):
        raise Refused("address", "An SQLite file must lie under LOCAL_FILES_ROOT.")
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        raise Refused("address", "This is no regular file.")
    return path


def _split(address: str) -> tuple[str, str]:
    """Return the address with the password masked, and the password as meant."""
    if (found := PASSWORD.fullmatch(address)) is None:
        return address, ""
    if "@" in found["after"].partition("/")[0].partition("?")[0]:
        raise Refused("address", "Write an @ in the password as %40.")
    if not found["password"]:
        return f"{found['before']}@{found['after']}", ""
    return f"{found['before']}:{secrets.MASK}@{found['after']}", _parse(address).password or ""


def _with_mask(shown: str) -> str:
    """Return the address with the mask behind its user name, for a password that was given apart."""
    if f":{secrets.MASK}@" in shown:
        return shown
    before, at, after = shown.partition("@")
    if not at:
        raise Refused("address", "A password needs a user name: postgresql://user@host/database.")
    return f"{before}:{secrets.MASK}@{after}"


def _check(shown: str, approved: str) -> None:
    location = _parse(shown)
    _check_options(location)
    if references.names(shown):
        return  # its place is checked when it is used
    _check_place(location, approved)


def _check_place(location: URL, approved: str) -> None:
    path = local_file(location, approved) if location.get_backend_name() == "sqlite" else None
    if own_database.is_meant(location, path):
        raise Refused("address", "This is Carillon's own database; a connection may not lead there.")


def _check_options(location: URL) -> None:
    """Passwords hide in no option; of the databases that Carillon knows only harmless options are taken."""
    allowed = OPTIONS.get("mysql" if location.get_backend_name() == "mariadb" else location.get_backend_name())
    for name in location.query:
        if allowed is not None and name not in allowed:
            known = ", ".join(sorted(allowed)) or "none"
            raise Refused("address", f"The option {name!r} is not taken. Possible: {known}.")
        if SECRET_OPTION.search(name):
            raise Refused("address", f"The option {name!r} would show a secret; write it as the password.")


def _parse(address: str) -> URL:
    # Loaded on first use, as in `readonly`: a process that only fires does without these 15 MB.
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        location = make_url(address)
        location = location.set(drivername=DRIVERS.get(location.drivername, location.drivername))
        location.get_dialect().import_dbapi()
    except (ArgumentError, ValueError):
        raise Refused(
            "address", "This is no database address; write postgresql://user:password@host/database."
        ) from None
    except (NoSuchModuleError, ImportError):
        scheme = address.partition(":")[0]
        raise Refused(
            "address", f"The driver for {scheme}:// is not installed. Install it, or choose another."
        ) from None
    return location
