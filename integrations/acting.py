"""Who acts, by which way, and why: set once at each way in, read where something is written down. Knows no model."""

from __future__ import annotations

import getpass
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Acting:
    """The one who acts. `user` may be lazy; where it is somebody who is signed in, it wins over `name`.

    `source` is the way in, `on_behalf_of` an untrusted note, `bulk_id` what ties many changes together.
    """

    name: str = ""
    source: str = ""
    user: Any = None
    reason: str = ""
    on_behalf_of: str = ""
    bulk_id: str = ""

    @property
    def actor(self) -> tuple[str, int | None]:
        """Return the name and the id of the user who acts; without one the name as it was told."""
        if self.user is not None and self.user.is_authenticated:
            return self.user.get_username(), self.user.pk
        return self.name, None

    @property
    def note(self) -> str:
        """Return `on_behalf_of` as a text that can be stored and shown: what cannot be printed is a blank."""
        return "".join(one if one.isprintable() else " " for one in self.on_behalf_of)


NOBODY = Acting()
_now: ContextVar[Acting] = ContextVar("acting", default=NOBODY)


def current() -> Acting:
    """Return who acts now; an empty one where nobody said."""
    return _now.get()


@contextmanager
def acting(name: str, *, source: str, user: Any = None, reason: str = "", on_behalf_of: str = "") -> Iterator[Acting]:
    """Let what is changed within be the act of `name`, or of `user`, by the way of `source`."""
    with _as(Acting(name, source, user, reason, on_behalf_of)) as one:
        yield one


@contextmanager
def together() -> Iterator[str]:
    """Tie all changes within to one another and return the id that they share; the outermost one counts."""
    known = current().bulk_id or uuid.uuid4().hex
    with _as(replace(current(), bulk_id=known)):
        yield known


@contextmanager
def because(reason: str) -> Iterator[None]:
    """Give what is changed within this reason, unless it is empty or the change has one of its own."""
    with _as(replace(current(), reason=reason or current().reason)):
        yield


def system_user() -> str:
    """Return who runs this process, as the operating system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "command line"


@contextmanager
def _as(one: Acting) -> Iterator[Acting]:
    token = _now.set(one)
    try:
        yield one
    finally:
        _now.reset(token)
