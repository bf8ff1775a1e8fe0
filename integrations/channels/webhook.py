"""Webhooks: a JSON message to an address, signed as Standard Webhooks says (standardwebhooks.com, v1)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from http.client import responses
from secrets import token_bytes
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from integrations import headers as header_rules
from integrations import http, watchdog
from integrations.addresses import Forbidden
from integrations.channels import base
from integrations.channels.base import Envelope, Message, NotDelivered, Receipt
from integrations.kinds.base import Unusable

label = "Webhook"
PREFIX = "whsec_"
RETRIED = {408, 425, 429}
KEPT = 2_048  # characters of an answer
OWN = {"webhook-id", "webhook-timestamp", "webhook-signature"}


class Settings(base.Settings):
    """`headers` are secret, and so is what every message is signed with."""

    secret: ClassVar[frozenset[str]] = frozenset({"headers", "signing_secret"})
    destination: ClassVar[str] = "url"
    made_here: ClassVar[frozenset[str]] = frozenset({"signing_secret"})

    url: str = Field(max_length=2000)
    method: Literal["POST", "GET", "PUT", "PATCH"] = "POST"
    headers: dict[str, str] = Field(default_factory=dict)
    signing_secret: str = Field("", max_length=200)

    @field_validator("headers")
    @classmethod
    def _sendable(cls, value: dict[str, str]) -> dict[str, str]:
        sentences = header_rules.refusals(value, secret=True)
        sentences += [f"{name} carries the signature; leave it out." for name in value if name.lower() in OWN]
        if sentences:
            raise ValueError(" ".join(sentences))
        return value

    @field_validator("signing_secret")
    @classmethod
    def _signable(cls, value: str) -> str:
        if value and "${" not in value and not key_of(value):
            raise ValueError(f"Write {PREFIX} and then 24 to 64 bytes in base64.")
        return value

    def missing(self) -> dict[str, str]:
        """Return a fresh signing secret where none was given."""
        return {} if self.signing_secret else {"signing_secret": new_secret()}

    def opened(self) -> Settings:
        """Return the settings with references replaced; raises Unusable."""
        headers = {name: base.expand(value) for name, value in self.headers.items()}
        if sentences := header_rules.refusals(headers, secret=True):
            raise Unusable(" ".join(sentences))
        return self.model_copy(
            update={
                "url": base.expand(self.url),
                "headers": headers,
                "signing_secret": base.expand(self.signing_secret),
            }
        )


def check(settings: Settings) -> None:
    """Refuse an address that may not be called."""
    base.check_url("url", settings.url)


def send(settings: Settings, message: Message, envelope: Envelope) -> Receipt:
    """Post the message's JSON; any 2xx is a receipt. Raises NotDelivered."""
    opened = settings.opened()
    return post(
        opened.url,
        message.body,
        envelope,
        method=opened.method,
        secret_headers=opened.headers,
        signing_secret=opened.signing_secret,
    )


def post(
    url: str,
    body: dict[str, Any],
    envelope: Envelope,
    *,
    method: str = "POST",
    secret_headers: dict[str, str] | None = None,
    signing_secret: str = "",
) -> Receipt:
    """Send `body` as JSON (none with GET), signed where there is a secret; raises NotDelivered for all but 2xx."""
    content = b"" if method == "GET" else json.dumps(body, ensure_ascii=False).encode()
    named = {"Content-Type": "application/json"} if content else {}
    named |= {"webhook-id": envelope.webhook_id, "webhook-timestamp": str(envelope.at)}
    if signing_secret:
        named["webhook-signature"] = signature(signing_secret, envelope, content)
    request = http.Request(
        method, url, named, secret_headers or {}, content or None, base.SECONDS, max_bytes=KEPT * 4
    )
    answer = exchange(request)
    if not 200 <= answer.status < 300:
        raise refusal(answer)
    return Receipt(answer.status, answer.text[:KEPT])


def exchange(request: http.Request) -> http.Answer:
    """Send a request and return the answer, whatever its status; raises NotDelivered where none came."""
    try:
        return http.send(request)
    except Forbidden as refused:
        raise NotDelivered(str(refused), retry=False) from None
    except http.Unreachable as broken:
        raise NotDelivered(str(broken)) from None
    except watchdog.TookTooLong:
        raise NotDelivered(f"No answer within {request.seconds:g} s.") from None


def refusal(answer: http.Answer) -> NotDelivered:
    """Return what an answer that is no receipt means: 408, 425, 429 and 5xx may be tried again."""
    said = f"It answered {answer.status} {responses.get(answer.status, '')}".strip()
    return NotDelivered(
        f"{said}: {answer.text[:KEPT].strip()}" if answer.body else f"{said}.",
        retry=answer.status in RETRIED or answer.status >= 500 or answer.status < 400,
        retry_after=answer.retry_after,
        status=answer.status,
    )


def signature(secret: str, envelope: Envelope, content: bytes) -> str:
    """Return the value of `webhook-signature`: v1 and the HMAC-SHA256 of id, time and content, in base64."""
    signed = f"{envelope.webhook_id}.{envelope.at}.".encode() + content
    digest = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def new_secret() -> str:
    """Return a fresh signing secret of 256 random bits."""
    return PREFIX + base64.b64encode(token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """Return the bytes of a signing secret, empty if it is none."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return key if secret.startswith(PREFIX) and 24 <= len(key) <= 64 else b""
