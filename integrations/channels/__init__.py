"""The kinds of channel: how each tells a message. One module per kind."""

from __future__ import annotations

from typing import cast

from integrations.channels import apprise, email, slack, webhook
from integrations.channels.base import Envelope, Kind, Message, NotDelivered, Receipt, link
from integrations.kinds.base import Refused

__all__ = ["KINDS", "Envelope", "Kind", "Message", "NotDelivered", "Receipt", "kind", "link"]

KINDS: dict[str, Kind] = {
    name: cast(Kind, module)
    for name, module in {"email": email, "slack": slack, "webhook": webhook, "apprise": apprise}.items()
}


def kind(name: str) -> Kind:
    """Return the kind of that name; raises Refused if there is none."""
    if name not in KINDS:
        raise Refused("kind", f"There is no kind {name!r} of channel. Known: {', '.join(KINDS)}.")
    return KINDS[name]
