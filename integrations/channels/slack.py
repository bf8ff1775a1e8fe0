"""Slack, and whoever speaks like it: an incoming webhook that answers `ok`."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

from django.conf import settings as configured
from pydantic import AliasChoices, Field

from integrations import http, references
from integrations.addresses import Forbidden, literal, parse_target, read_allowlist
from integrations.channels import base, webhook
from integrations.channels.base import Envelope, Message, NotDelivered, Receipt
from integrations.kinds.base import Refused

label = "Slack"
HOME = "https://hooks.slack.com/"
BAD, GOOD = "#d00000", "#36a64f"
LONGEST = 2_900  # characters of one block of text
MOST_FIELDS = 10  # of one block


class Settings(base.Settings):
    """The address is the secret: who knows it can write."""

    secret: ClassVar[frozenset[str]] = frozenset({"webhook_url"})
    destination: ClassVar[str] = "webhook_url"

    webhook_url: str = Field(max_length=2000, validation_alias=AliasChoices("webhook_url", "webhook"))
    channel: str = Field("", max_length=100)
    username: str = Field("", max_length=100)

    def opened(self) -> Settings:
        """Return the settings with references replaced; raises Unusable."""
        return self.model_copy(update={"webhook_url": base.expand(self.webhook_url)})


def check(settings: Settings) -> None:
    """Take Slack's own address, and a host that OUTBOUND_ALLOWLIST names."""
    _check_home(settings.webhook_url)
    if not settings.webhook_url.startswith(HOME):
        base.check_url("webhook_url", settings.webhook_url)


def send(settings: Settings, message: Message, envelope: Envelope) -> Receipt:
    """Post the message; the answer must be `ok`. Raises NotDelivered."""
    opened = settings.opened()
    try:
        _check_home(opened.webhook_url)
    except Refused as refused:
        raise NotDelivered(str(refused), retry=False) from None
    content = json.dumps(payload(opened, message)).encode()
    answer = webhook.exchange(
        http.Request("POST", opened.webhook_url, {"Content-Type": "application/json"}, {}, content, base.SECONDS)
    )
    if not 200 <= answer.status < 300:
        raise webhook.refusal(answer)
    said = answer.text.strip()
    if said != "ok":
        raise NotDelivered(f"Slack answered {said[:200]!r} instead of 'ok'.", status=answer.status)
    return Receipt(answer.status, said)


def payload(settings: Settings, message: Message) -> dict[str, Any]:
    """Return what Slack is sent: a header, the facts, the context, in red or green."""
    headline = f"{message.status}: {message.title}"
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": message.title[:150]}},
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*{escape(message.status)}* {_text(message)}"}},
    ]
    facts = [_field(label, value) for label, value in message.facts]
    for start in range(0, len(facts), MOST_FIELDS):
        blocks.append({"type": "section", "fields": facts[start : start + MOST_FIELDS]})
    if message.context:
        told = " · ".join(f"{escape(label)}: {escape(value)}" for label, value in message.context)
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": told[:LONGEST]}]})
    if message.link:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": f"<{message.link}|Open in Carillon>"}})
    sent: dict[str, Any] = {
        "text": escape(headline),
        "attachments": [{"color": BAD if message.is_bad else GOOD, "blocks": blocks}],
    }
    return sent | {name: value for name in ("channel", "username") if (value := getattr(settings, name))}


def escape(text: str) -> str:
    """Return `text` so that Slack shows it as it is: no mention, no link, no mark-up begins in it."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([*_~`])", "\\1\u200b", plain)


def _text(message: Message) -> str:
    return escape(message.text)[:LONGEST]


def _field(label: str, value: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": f"*{escape(label)}*\n{escape(value)}"[:1_900]}


def _check_home(url: str) -> None:
    if url.startswith(HOME) or references.names(url):
        return
    try:
        target = parse_target(url)
    except Forbidden as refused:
        raise Refused("webhook_url", str(refused)) from None
    allowed = read_allowlist(configured.OUTBOUND_ALLOWLIST)
    if not any(entry.opens(target.host, literal(target.host), target.port) for entry in allowed):
        raise Refused("webhook_url", f"It must begin with {HOME}, or its host must be on OUTBOUND_ALLOWLIST.")
