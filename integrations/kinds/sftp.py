"""SFTP servers: an address with the host key that was confirmed, and a password or private key that stay secret.

The address is `sftp://user@host:22/path?host_key=SHA256:…`; API, files and forms also take and show it in parts.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from integrations import references, sftp, watchdog
from integrations.addresses import Forbidden, canonical_host
from integrations.kinds.base import Refused, Report, Secrets, Stored, Unusable
from integrations.secrets import MASK

TRY_SECONDS = 45.0
LONGEST = 2_000  # characters of an address
LONGEST_KEY = 20_000
ADDRESS = re.compile(
    r"sftp://(?P<username>[^:/@?#]*)(:(?P<password>[^/@?#]*))?@(?P<host>\[[^]/@?#]*\]|[^:/@?#\[\]]+)"
    r"(:(?P<port>[0-9]{1,5}))?(?P<remote_path>/[^?#]*)?(\?host_key=(?P<host_key>[^&#]*))?"
)
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}(?![A-Za-z0-9+/])")
BARE_FINGERPRINT = re.compile(r"[A-Za-z0-9+/]{43}=?")
PUBLIC_KEY = re.compile(r"(?:ssh-|ecdsa-)[a-z0-9@.-]+ (?P<key>AAAA[A-Za-z0-9+/]+={0,2})")
SECRETS = ("password", "private_key")
PARTS = ("host", "port", "username", "host_key", "remote_path")
Destination = tuple[str | int, ...]
HINT = "Write sftp://user@host:22/folder, or give host, username and remote_path apart."
SAFE = "/${}:,;=+!*()'"  # what a path or reference may hold unquoted


@dataclass(frozen=True, slots=True)
class Parts:
    """An address in parts, unquoted; `password` is empty, `***`, or as a person wrote it."""

    host: str = ""
    port: int = 22
    username: str = ""
    host_key: str = ""
    remote_path: str = "/"
    password: str = ""

    def address(self) -> str:
        """Return it whole; raises Refused if that is longer than an address may be."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        password = f":{self.password}" if self.password else ""
        key = f"?host_key={self.host_key}" if self.host_key else ""
        path = quote(self.remote_path, safe=SAFE)
        whole = f"sftp://{quote(self.username, safe='${}')}{password}@{host}:{self.port}{path}{key}"
        if len(whole) > LONGEST:
            raise Refused("remote_path", f"The whole address is longer than {LONGEST:,} characters.")
        return whole


def accept(address: str, offered: Secrets | None, stored: Stored | None) -> Stored:
    """Return the address with `***` for its password, and the secrets.

    `{"password": …, "private_key": …}` may be offered apart; what is left out of it stays, as long as the address
    leads to the same server and user. A private key has the password as its passphrase.
    """
    address = address.strip()
    if sentence := references.refusal(address):
        raise Refused("address", sentence)
    is_whole = references.is_whole(address)  # then it is read and checked when it is used
    parts = Parts() if is_whole else _checked(_read(address))
    stays = is_whole and stored is not None and stored.address == address and _has(stored, "password")
    given = {
        "private_key": MASK if _has(stored, "private_key") else "",
        "password": MASK if stays else unquote(parts.password),
    }
    own = {
        name: _meant(name, str((offered or {}).get(name, given[name])), _destination(address, parts), stored)
        for name in SECRETS
    }
    own["private_key"] = own["private_key"].strip()
    if len(own["private_key"]) > LONGEST_KEY:
        raise Refused("private_key", f"A private key has at most {LONGEST_KEY:,} characters.")
    shown = address if is_whole else replace(parts, password=MASK if own["password"] else "").address()
    return Stored(shown, {name: value for name, value in own.items() if value})


def masked(secrets: Secrets) -> Secrets:
    """Return `***` for each secret that there is."""
    return dict.fromkeys(secrets, MASK)


def shown(address: str) -> dict[str, Any]:
    """Return the parts of an address as the API shows them; none of one that the environment holds."""
    if references.is_whole(address):
        return {}
    parts = _read(address)
    return {name: getattr(parts, name) for name in PARTS}


def composed(given: Mapping[str, Any], before: str = "") -> str:
    """Return the address that parts of it mean, over `given["address"]`, or over the one `before`.

    Parts that are as they were before change nothing. Raises Refused by the part's name.
    """
    address = str(given.get("address", before)).strip()
    named = {name: given[name] for name in PARTS if name in given}
    if references.is_whole(address):
        if named:
            raise Refused(next(iter(named)), f"{address} holds the whole address; write this within it.")
        return address
    parts = _read(address) if address else Parts()
    was = shown(before) if before else {}
    for name, value in named.items():
        if value == was.get(name):
            continue
        if "address" in given and address != before and getattr(parts, name) not in {getattr(Parts(), name), value}:
            raise Refused(name, "The address says something else; send one of them.")
        parts = replace(parts, **{name: value})
    for name in ("host", "username"):
        if not getattr(parts, name):
            raise Refused(name, "A connection of kind sftp needs this.")
    return _checked(parts).address()


def server(address: str, values: Secrets) -> sftp.Server:
    """Return where to connect and as whom, references replaced; raises Unusable."""
    try:
        opened = references.expand(address)
        parts = _checked(_read(opened))
        inline = "" if parts.password == MASK else unquote(parts.password)
        password = references.expand(str(values.get("password", ""))) or inline
        key = references.expand(str(values.get("private_key", "")))
    except (references.Unset, Refused) as wrong:
        raise Unusable(str(wrong)) from None
    return sftp.Server(parts.host, parts.port, parts.username, password, key, parts.host_key, parts.remote_path)


def secret_values(address: str, values: Secrets) -> list[str]:
    """Return password and private key, as stored and as used."""
    found = [str(value) for value in values.values()]
    try:
        opened = server(address, values)
    except Unusable:
        return found
    return [*found, *(secret for secret in (opened.password, opened.private_key) if secret)]


def try_out(address: str, values: Secrets) -> Report:
    """Sign in once and count the files; while no host key is confirmed, ask for it and send nothing."""
    there = server(address, values)
    began = time.monotonic()

    def count() -> int:
        with sftp.session(there) as session:
            return sum(1 for entry in session.entries(there.folder) if entry.is_file)

    try:
        files = watchdog.watched(
            count,
            seconds=TRY_SECONDS,
            stopped=lambda: False,
            interrupt=lambda: None,
            sever=lambda: None,
            grace_seconds=0,
        )
    except sftp.NotDone as wrong:
        raise Unusable(str(wrong), {"host_key": wrong.host_key} if wrong.host_key else {}) from None
    except watchdog.TookTooLong:
        raise Unusable(f"{there.place} did not answer within {TRY_SECONDS:g} s.") from None
    seconds = time.monotonic() - began
    sentence = f"{there.place} showed the confirmed host key and answered in {seconds:.2f} s. {there.folder} holds "
    what = f"{files:,} files." if files != 1 else "1 file."
    return Report(sentence + what, facts={"file_count": files, "host_key": there.host_key})


def _meant(name: str, value: str, destination: Destination, stored: Stored | None) -> str:
    """Return the secret that is meant: the stored one for `***`, if it goes to the same server and user."""
    what = name.replace("_", " ")
    if value == MASK:
        if stored is None or not _has(stored, name):
            raise Refused(name, f"{MASK} keeps a stored {what}, but there is none; write it.")
        if _destination(stored.address) != destination:
            raise Refused(name, f"Host, port or user changed, so the {what} must be written again.")
        value = str(stored.secrets[name])
    if sentence := references.refusal(value):
        raise Refused(name, sentence)
    return value


def _destination(address: str, parts: Parts | None = None) -> Destination:
    """Return what must stay the same for a stored secret to be kept."""
    if references.is_whole(address):
        return (address,)
    parts = parts or _read(address)
    return parts.host, parts.port, parts.username


def _has(stored: Stored | None, name: str) -> bool:
    return stored is not None and name in stored.secrets


def _read(address: str) -> Parts:
    """Return the parts of an address; raises Refused."""
    found = ADDRESS.fullmatch(address)
    if found is None:
        raise Refused("address", HINT)
    return Parts(
        host=found["host"].strip("[]"),
        port=int(found["port"] or 22),
        username=unquote(found["username"]),
        host_key=unquote(found["host_key"] or ""),
        remote_path=unquote(found["remote_path"] or "/"),
        password=found["password"] or "",
    )


def _checked(parts: Parts) -> Parts:
    """Return the parts as they are stored; raises Refused by the part's name. References are checked when used."""
    if not 1 <= parts.port <= 65_535:
        raise Refused("port", "A port lies between 1 and 65535.")
    if not parts.username:
        raise Refused("username", "A connection of kind sftp needs a user name.")
    for name in ("username", "remote_path"):
        if not getattr(parts, name).isprintable():
            raise Refused(name, "Control characters are not allowed.")
    if not parts.remote_path.startswith("/"):
        parts = replace(parts, remote_path=f"/{parts.remote_path}")
    try:
        host = parts.host if references.names(parts.host) else canonical_host(parts.host)
    except Forbidden as refused:
        raise Refused("host", str(refused)) from None
    return replace(parts, host=host, host_key=_fingerprint(parts.host_key))


def _fingerprint(text: str) -> str:
    """Return the fingerprint in what a person pasted: itself, a line of ssh-keygen, or a public key."""
    if not text.strip() or references.is_whole(text):
        return text.strip()
    if BARE_FINGERPRINT.fullmatch(text.strip()):
        text = f"SHA256:{text.strip()}"
    if found := FINGERPRINT.search(text):
        return found[0]
    if found := PUBLIC_KEY.search(text):
        with suppress(binascii.Error):
            return sftp.fingerprint(base64.b64decode(found["key"], validate=True))
    raise Refused("host_key", "Write the fingerprint as `ssh-keygen -l` shows it: SHA256: and 43 characters.")
