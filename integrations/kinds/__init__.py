"""The kinds of connection: how each reads what a person wrote, and how it is tried. One module per kind."""

from integrations.kinds import http, nats, sftp, sql
from integrations.kinds.base import Kind, Refused

KINDS: dict[str, Kind] = {"sql": sql, "http": http, "nats": nats, "sftp": sftp}


def kind(name: str) -> Kind:
    """Return the kind of that name; raises Refused if there is none."""
    if name not in KINDS:
        raise Refused("kind", f"There is no kind {name!r} of connection. Known: {', '.join(KINDS)}.")
    return KINDS[name]
