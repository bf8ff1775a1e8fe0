"""What the kinds of channel have in common: their settings, what is told, and how telling can fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Protocol

from django.conf import settings
from pydantic import BaseModel, ConfigDict, ValidationError

from integrations import http, references
from integrations.addresses import Forbidden
from integrations.kinds.base import Refused, Unusable
from integrations.secrets import MASK

SECONDS = 30.0  # that one attempt may take


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be told, before it takes the form of a channel.

    `title` names what it is about, `status` is one word for how it is (ALERT, OK, FAILED …), `text` is the sentences,
    `facts` are pairs of a label and a value; `body` is the JSON that a webhook gets, `words` may be named in a
    subject. It holds no secret: it is stored and shown.
    """

    event: str
    title: str
    status: str
    text: str = ""
    is_bad: bool = True
    facts: tuple[tuple[str, str], ...] = ()
    context: tuple[tuple[str, str], ...] = ()
    link: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return asdict(self)

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> Message:
        """Return what `as_json` gave."""
        pairs = {name: tuple((label, value) for label, value in stored[name]) for name in ("facts", "context")}
        return cls(**{**stored, **pairs})


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stays the same over all attempts at one delivery (`webhook_id`), and when this one is made (Unix time)."""

    webhook_id: str
    at: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """That the other side took it: the status of its answer, None where there is none, and what it said."""

    status: int | None
    said: str = ""


class NotDelivered(Exception):
    """The other side did not take it. `retry` tells whether trying again may help, `retry_after` is in seconds."""

    def __init__(
        self, sentence: str, *, retry: bool = True, retry_after: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(sentence)
        self.retry, self.retry_after, self.status = retry, retry_after, status


class Settings(BaseModel):
    """What a person sets of a channel. `secret` fields are stored encrypted and never read back.

    When `destination` changes, the secrets must be written again: else they could be sent to a stranger.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    secret: ClassVar[frozenset[str]] = frozenset()
    destination: ClassVar[str] = ""
    made_here: ClassVar[frozenset[str]] = frozenset()  # secrets that are made if nobody gives one

    def missing(self) -> dict[str, str]:
        """Return fresh values for what is made here and was not given."""
        return {}

    def split(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what may be shown, and the secrets; empty secrets are left out."""
        values = self.model_dump()
        secrets = {name: values.pop(name) for name in sorted(self.secret)}
        return values, {name: value for name, value in secrets.items() if value}

    def opened(self) -> Settings:
        """Return the settings as they are used: references of addresses and headers replaced. Raises Unusable."""
        return self


class Kind(Protocol):
    """One kind of channel; a module of this package is one."""

    label: str
    Settings: type[Settings]

    def check(self, settings: Any) -> None:
        """Refuse what pydantic cannot see, such as an address that may not be called. Raises Refused."""
        ...

    def send(self, settings: Any, message: Message, envelope: Envelope) -> Receipt:
        """Tell it once. Raises NotDelivered, and Unusable where something is missing on this side."""
        ...


def link(path: str) -> str:
    """Return the address of a page for people, empty where SITE_URL is not set."""
    return f"{settings.SITE_URL}/{path}" if settings.SITE_URL else ""


def read(
    kind: Kind, given: Mapping[str, Any], before: tuple[Mapping[str, Any], Mapping[str, Any]] | None
) -> Settings:
    """Return the settings that a person wrote; `***` keeps a secret of `before`, the stored (shown, secrets).

    Raises Refused naming the field.
    """
    shown, secrets = before or ({}, {})
    values, kept = {}, False
    for name, value in given.items():
        values[name] = _unmasked(name, value, secrets) if name in kind.Settings.secret else value
        kept = kept or values[name] != value
    place = kind.Settings.destination
    if kept and place and place not in kind.Settings.secret and shown.get(place) != values.get(place):
        raise Refused(place, f"The {place} changed, so the secrets must be written again.")
    try:
        chosen = kind.Settings(**values)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_context=False)[0]
        where = str(first["loc"][0]) if first["loc"] else "settings"
        raise Refused(where, first["msg"].removeprefix("Value error, ")) from None
    for text in texts(chosen.model_dump()):
        if sentence := references.refusal(text):
            raise Refused(place or "settings", sentence)
    kind.check(chosen)
    return chosen


def masked(secrets: Mapping[str, Any]) -> dict[str, Any]:
    """Return the secrets as they may be shown: `***` for each, names of headers kept."""
    return {
        name: dict.fromkeys(value, MASK) if isinstance(value, Mapping) else MASK for name, value in secrets.items()
    }


def check_url(field: str, url: str) -> None:
    """Refuse an address that may not be called; one with a reference is checked when it is used."""
    if references.names(url):
        return
    try:
        http.check_url(url)
    except Forbidden as refused:
        raise Refused(field, str(refused)) from None


def expand(text: str) -> str:
    """Return `text` with references replaced; raises Unusable."""
    try:
        return references.expand(text)
    except references.Unset as missing:
        raise Unusable(str(missing)) from None


def _unmasked(name: str, value: Any, secrets: Mapping[str, Any]) -> Any:
    stored = secrets.get(name)
    if isinstance(value, Mapping):
        inside = stored if isinstance(stored, Mapping) else {}
        return {key: _unmasked(key, one, inside) for key, one in value.items()}
    if value != MASK:
        return value
    if stored is None:
        raise Refused(name, f"{MASK} keeps a stored value, but {name} has none; write the value.")
    return stored


def texts(value: Any) -> list[str]:
    """Return every text within settings."""
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else []
    return [text for one in inside for text in texts(one)]
