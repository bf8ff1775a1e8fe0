"""Encrypt what must stay secret: JSON under Fernet keys of CARILLON_ENCRYPTION_KEYS."""

import base64
import hashlib
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


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
    return values


def _keys() -> MultiFernet:
    keys = settings.ENCRYPTION_KEYS or [_development_key()]
    return MultiFernet([Fernet(key) for key in keys])


def _development_key() -> str:
    """Return a key made from SECRET_KEY; settings allow it in DEBUG mode only."""
    return base64.urlsafe_b64encode(hashlib.sha256(settings.SECRET_KEY.encode()).digest()).decode()
