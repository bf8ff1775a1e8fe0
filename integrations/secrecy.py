"""Hide what must not be shown again in parameters and results: pure functions over JSON."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "hidden, kept as a secret"
SECRET_NAME = re.compile(
    r"passw|secret|token|authori[sz]ation|api[-_]?key|credential|cookie|private[-_]?key", re.IGNORECASE
)
USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")


def masked(value: Any, name: str = "", *, hidden: str = HIDDEN) -> Any:
    """Return `value` with every member of a secret name, and every user part of an address, hidden."""
    if name and SECRET_NAME.search(name) and value not in (None, "", [], {}):
        return hidden
    if isinstance(value, dict):
        return {key: masked(one, str(key), hidden=hidden) for key, one in value.items()}
    if isinstance(value, list):
        return [masked(one, hidden=hidden) for one in value]
    return USER_INFO.sub("", value) if isinstance(value, str) else value
