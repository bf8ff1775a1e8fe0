"""What must be right before anything leaves this machine."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from integrations.addresses import read_allowlist

SETTINGS = "settings"  # the tag of checks that a scheduler makes at its start, too


@register(SETTINGS)
def the_allowlist_is_readable(app_configs: Sequence[Any] | None, **_options: Any) -> list[CheckMessage]:
    """Return an error if an entry of OUTBOUND_ALLOWLIST is no host, address or network."""
    try:
        read_allowlist(settings.OUTBOUND_ALLOWLIST)
    except ValueError as wrong:
        return [Error(f"OUTBOUND_ALLOWLIST: {wrong}", id="integrations.E001")]
    return []
