"""Encrypt what must stay secret: JSON under Fernet keys of CARILLON_ENCRYPTION_KEYS."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

MASK = "***"
SHORTEST = 4  # shorter values would blot out ordinary words
SHORTEST_ANYWHERE = 8  # the same, where a text is not known to be about the secret
MOST_OPENED = 2_000
OPENED: dict[str, None] = {}  # every form of what this process has opened, the newest last; never written anywhere


class Undecryptable(Exception):
    """None of the configured keys fits; the secret was written under a key that is no longer listed."""


def encrypt(values: dict[str, Any]) -> str:
    """Return `values` as text that only the configured keys can read; the first key encrypts."""
    return _keys().encrypt(json.dumps(values).encode()).decode()


def decrypt(text: str) -> dict[str, Any]:
    """Return what `encrypt` was given; raises Undecryptable when no key fits."""
    try:
        values: dict[str, Any] = json.loads(_keys().decrypt(text.encode()))
    except InvalidToken:
        raise Undecryptable(
            "A stored secret cannot be read with CARILLON_ENCRYPTION_KEYS. Add the key it was written under."
        ) from None
    note(values)
    return values


def note(value: Any) -> None:
    """Remember every text within `value` as a secret that was opened in this process, for `hide`."""
    if isinstance(value, str):
        for form in _forms(value):
            if len(form) >= SHORTEST_ANYWHERE:
                OPENED.pop(form, None)
                OPENED[form] = None
        for form in list(OPENED)[:-MOST_OPENED]:
            OPENED.pop(form, None)
    elif isinstance(value, dict):
        for inner in value.values():
            note(inner)


def hide(text: str) -> str:
    """Return `text`, such as a traceback, with every secret that this process has opened replaced by `***`."""
    for form in sorted(OPENED, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def scrub(text: str, values: Iterable[str]) -> str:
    """Return `text` with every one of the secret `values` replaced by `***`, in each form that it may be sent in."""
    forms = {form for value in values for form in _forms(value) if len(form) >= SHORTEST}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _forms(value: str) -> set[str]:
    """Return the value itself, quoted for addresses and JSON, and the parts of an Authorization header or address."""
    parts = {value}
    if value.startswith(("https://", "http://")):
        path = value.partition("://")[2].partition("/")[2]
        parts |= {path, path.rpartition("/")[2]} - {""}
    scheme, _, rest = value.partition(" ")
    if scheme.lower() in {"basic", "bearer", "token", "apikey"}:
        parts.add(rest)
    if scheme.lower() == "basic":
        try:
            plain = base64.b64decode(rest, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            plain = ""
        parts |= {plain, plain.partition(":")[2]}
    quoted = {form for part in parts for form in (quote(part, safe=""), quote_plus(part), json.dumps(part)[1:-1])}
    return parts | quoted


def _keys() -> MultiFernet:
    keys = settings.ENCRYPTION_KEYS or [_development_key()]
    return MultiFernet([Fernet(key) for key in keys])


def _development_key() -> str:
    """Return a key made from SECRET_KEY; settings allow it in DEBUG mode only."""
    return base64.urlsafe_b64encode(hashlib.sha256(settings.SECRET_KEY.encode()).digest()).decode()
