"""Everything that the library Apprise can reach, by its address; needs the extra `notify`."""

from __future__ import annotations

import importlib.util
import re
from typing import Any, ClassVar

from django.conf import settings
from pydantic import Field, field_validator

from integrations.addresses import literal, read_allowlist
from integrations.channels import base
from integrations.channels.base import Envelope, Message, NotDelivered, Receipt
from integrations.channels.email import as_text
from integrations.kinds.base import Refused, Unusable

label = "Apprise"
HOME = re.compile(r"https://[a-z0-9.-]+(/|$)")
MISSING = "Apprise is not installed where this runs; install Carillon with the extra `notify`."


class Settings(base.Settings):
    """The address is the secret, such as `tgram://token/chat` or `pover://user@token`."""

    secret: ClassVar[frozenset[str]] = frozenset({"address"})
    destination: ClassVar[str] = "address"

    address: str = Field(max_length=2000)

    @field_validator("address")
    @classmethod
    def _has_scheme(cls, value: str) -> str:
        scheme = value.partition("://")[0].lower()
        if "${" in value:
            return value
        if not scheme.isalnum() or "://" not in value:
            raise ValueError("Write an address that Apprise knows, such as tgram://token/chat.")
        return value


def check(values: Settings) -> None:
    """Refuse what leads to an address that nobody guards, and what Apprise cannot read."""
    if "${" not in values.address and _installed():
        _open(values.address)


def send(values: Settings, message: Message, envelope: Envelope) -> Receipt:
    """Tell it through Apprise, which says no more than whether it went well."""
    address = base.expand(values.address)
    if not _installed():
        raise Unusable(MISSING)
    try:
        target = _open(address)
    except Refused as refused:
        raise NotDelivered(str(refused), retry=False) from None
    import apprise

    tone = apprise.NotifyType.FAILURE if message.is_bad else apprise.NotifyType.SUCCESS
    if not target.notify(title=f"{message.status}: {message.title}", body=as_text(message), notify_type=tone):
        raise NotDelivered("Apprise could not deliver it; the scheduler's log may say why.")
    return Receipt(None, "Accepted.")


def _installed() -> bool:
    return importlib.util.find_spec("apprise") is not None


def _open(address: str) -> Any:
    """Return Apprise's object for an address; raises Refused unless it leads to a service's one known home or to a
    host that OUTBOUND_ALLOWLIST opens, since Apprise itself calls whatever it is told."""
    import apprise

    target = apprise.Apprise()
    if not target.add(address):
        raise Refused("address", "Apprise cannot read this address.")
    [server] = target
    home = getattr(type(server), "notify_url", None)
    if isinstance(home, str) and HOME.match(home):
        return target
    host, port = str(getattr(server, "host", "") or "").lower(), getattr(server, "port", None)
    opened = read_allowlist(settings.OUTBOUND_ALLOWLIST)
    if not any(entry.opens(host, literal(host), port or entry.port or 0) for entry in opened):
        raise Refused("address", "It leads to a host of your own; list that host in OUTBOUND_ALLOWLIST.")
    return target
