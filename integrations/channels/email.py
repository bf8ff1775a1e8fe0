"""E-mail through the server of EMAIL_URL or SMTP_HOST, as text and HTML."""

from __future__ import annotations

import re
import smtplib
from email.utils import formataddr, getaddresses, parseaddr
from html import escape
from typing import ClassVar

from django.conf import settings as configured
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.validators import validate_email
from pydantic import Field, field_validator

from integrations.channels import base
from integrations.channels.base import Envelope, Message, NotDelivered, Receipt
from integrations.kinds.base import Unusable

label = "E-mail"
USUAL_SUBJECT = "[Carillon] {status}: {alert_name}"
WORD = re.compile(r"\{([a-z_]+)\}")
WORDS = ("alert_name", "status", "actual_value", "threshold")  # that a subject may name
LOGIN_REFUSED = {530, 534, 535, 538}  # a person mends these; what waits is sent then
BAD, GOOD = "#d00000", "#36a64f"


class Settings(base.Settings):
    """A subject may name {alert_name}, {status}, {actual_value} and {threshold}; other words in braces stay."""

    secret: ClassVar[frozenset[str]] = frozenset()

    recipients: tuple[str, ...] = Field(min_length=1, max_length=50)
    subject: str = Field("", max_length=500)

    @field_validator("recipients", mode="after")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            try:
                validate_email(parseaddr(address)[1])
                one = address.isprintable() and len(getaddresses([address])) == 1
            except ValidationError:
                one = False
            if not one:
                raise ValueError(f"{address!r} is no e-mail address.")
        return value

    @field_validator("subject")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("A subject is one line without control characters.")
        return value


def check(settings: Settings) -> None:
    """Refuse nothing: whether a server is set is known only where it is sent."""


def send(settings: Settings, message: Message, envelope: Envelope) -> Receipt:
    """Hand the mail to the server; raises NotDelivered, and Unusable where no server is set."""
    server = configured.EMAIL
    if not server["EMAIL_HOST"]:
        raise Unusable("No mail server is set: set EMAIL_URL or SMTP_HOST where the scheduler runs.")
    sender = configured.EMAIL_FROM
    mail = EmailMultiAlternatives(
        subject=subject(settings, message),
        body=as_text(message),
        from_email=sender,
        to=[formataddr(parseaddr(address)) for address in settings.recipients],
        headers={"Message-ID": f"<{envelope.webhook_id}@{parseaddr(sender)[1].rpartition('@')[2] or 'carillon'}>"},
        connection=get_connection(
            "django.core.mail.backends.smtp.EmailBackend",
            host=server["EMAIL_HOST"],
            port=server["EMAIL_PORT"],
            username=server["EMAIL_HOST_USER"],
            password=server["EMAIL_HOST_PASSWORD"],
            use_tls=server.get("EMAIL_USE_TLS", False),
            use_ssl=server.get("EMAIL_USE_SSL", False),
            timeout=base.SECONDS,
        ),
    )
    mail.attach_alternative(as_html(message), "text/html")
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as refused:
        codes = [code for code, _ in refused.recipients.values()]
        told = ", ".join(f"{address} ({code})" for address, (code, _) in refused.recipients.items())
        raise NotDelivered(f"The mail server refused {told}.", retry=min(codes, default=400) < 500) from None
    except smtplib.SMTPResponseException as refused:
        code, said = refused.smtp_code, refused.smtp_error
        text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        retry = code < 500 or code in LOGIN_REFUSED
        raise NotDelivered(f"The mail server answered {code}: {text[:500]}", retry=retry, status=code) from None
    except (smtplib.SMTPException, OSError) as broken:
        raise NotDelivered(f"The mail server {server['EMAIL_HOST']} cannot be used: {broken}.") from None
    return Receipt(250, "Accepted by the mail server.")


def subject(settings: Settings, message: Message) -> str:
    """Return the subject, its words replaced once: what they bring is not looked at again."""
    known = {"alert_name": message.title, "status": message.status, **message.words}
    text = settings.subject or USUAL_SUBJECT
    filled = WORD.sub(lambda found: str(known.get(found[1], found[0])), text)
    return " ".join("".join(one if one.isprintable() else " " for one in filled).split())[:500]


def unknown_words(text: str) -> list[str]:
    """Return the words in braces that a subject knows nothing of; they stay as they are."""
    return [word for word in WORD.findall(text) if word not in WORDS]


def as_text(message: Message) -> str:
    """Return the mail as plain text."""
    lines = [f"{message.title}: {message.status}", "", message.text, ""]
    lines += [f"{name}: {value}" for name, value in message.facts]
    if message.context:
        lines += ["", *[f"{name}: {value}" for name, value in message.context]]
    if message.link:
        lines += ["", message.link]
    return "\n".join(lines).strip() + "\n"


def as_html(message: Message) -> str:
    """Return the mail as HTML; every value is escaped."""
    colour = BAD if message.is_bad else GOOD
    rows = "".join(
        f"<tr><td style='padding:2px 12px 2px 0;color:#555'>{escape(name)}</td><td>{escape(value)}</td></tr>"
        for name, value in (*message.facts, *message.context)
    )
    link = f"<p><a href='{escape(message.link)}'>Open in Carillon</a></p>" if message.link else ""
    return (
        f"<div style='font-family:sans-serif'><h2 style='border-left:6px solid {colour};padding-left:10px'>"
        f"{escape(message.title)}: {escape(message.status)}</h2><p>{escape(message.text)}</p>"
        f"<table>{rows}</table>{link}</div>"
    )
