"""NATS servers: an address, and a password or token that stays secret."""

import re

from integrations import messaging, references
from integrations.kinds import base
from integrations.kinds.base import Refused, Report, Secrets, Stored, Unusable
from integrations.secrets import MASK

TRY_SECONDS = 10.0
ADDRESS = re.compile(
    r"(?P<scheme>nats|tls)://((?P<user>[^:/@?#]*)(:(?P<password>[^/@?#]*))?@)?(?P<server>[^/@?#\s]+)/?"
)
SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?")
HINT = "Write nats://host:4222 or tls://host:4222, with user:password@ or token@ before the host where it needs one."


def accept(address: str, offered: Secrets | None, stored: Stored | None) -> Stored:
    """Return the address with `***` for its secret, and the secret. `{"password": …}` may be offered apart."""
    address = address.strip().rstrip("/")
    if sentence := references.refusal(address):
        raise Refused("address", sentence)
    if references.is_whole(address):
        return Stored(address, {})  # read and checked when it is used
    shown, secret = _split(address)
    if offered and "password" in offered:
        secret = str(offered["password"])
        shown = _with_mask(shown)
    secret = base.password(secret, shown, stored)
    return Stored(shown, {"password": secret} if secret else {})


def masked(secrets: Secrets) -> Secrets:
    """Return nothing: the address itself shows `***` where there is a secret."""
    return {}


def server(address: str, values: Secrets) -> messaging.Server:
    """Return where to connect and as whom, references replaced; raises Unusable."""
    try:
        found = _read(references.expand(address))
        secret = references.expand(values.get("password", ""))
    except (references.Unset, Refused) as wrong:
        raise Unusable(str(wrong)) from None
    user = found["user"] if found["password"] else ""
    secret = secret or found["password"] or found["user"] or ""
    return messaging.Server(f"{found['scheme']}://{found['server']}", user, secret)


def secret_values(address: str, values: Secrets) -> list[str]:
    """Return the password or token, as stored and as used."""
    found = [values["password"]] if "password" in values else []
    try:
        opened = server(address, values)
    except Unusable:
        return found
    return [*found, *([opened.secret] if opened.secret else [])]


def try_out(address: str, values: Secrets) -> Report:
    """Connect once, and ask whether the server keeps messages."""
    try:
        said = messaging.greet(server(address, values), seconds=TRY_SECONDS)
    except messaging.NotSent as wrong:
        raise Unusable(str(wrong)) from None
    lasting = () if said.jetstream else ("It has no JetStream, so it cannot acknowledge that a command was kept.",)
    return Report(f"NATS {said.version} answered in {said.seconds:.2f} s.", lasting)


def _split(address: str) -> tuple[str, str]:
    """Return the address with its secret masked, and the secret: a password, or a token where no password is."""
    if references.names(address) and address.startswith(("nats://", "tls://")) and "@" not in address:
        return address, ""  # read and checked when it is used
    found = _read(address)
    before, server = f"{found['scheme']}://", found["server"]
    if found["password"]:
        return f"{before}{found['user']}:{MASK}@{server}", found["password"]
    if found["user"]:
        return f"{before}{MASK}@{server}", found["user"]
    return f"{before}{server}", ""


def _read(address: str) -> re.Match[str]:
    """Return the parts of an address; raises Refused."""
    found = ADDRESS.fullmatch(address)
    place = SERVER.fullmatch(found["server"]) if found else None
    if found is None or place is None or int(place["port"] or 4222) not in range(1, 65_536):
        raise Refused("address", HINT)
    return found


def _with_mask(shown: str) -> str:
    """Return the address with the mask where its secret stands, for one that was given apart: a token if nobody is
    named."""
    if MASK in shown:
        return shown
    return shown.replace("://", f"://{MASK}@", 1)
