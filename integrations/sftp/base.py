"""What the parts of the SFTP client share. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from integrations.naming import on_one_line

CONNECT_SECONDS = 15.0
IDLE_SECONDS = 60.0

Problem = Literal[
    "not_installed", "unreachable", "unconfirmed", "host_key", "login", "refused", "lost", "too_large", "no_room"
]


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect, and as whom: with a private key, whose passphrase the password is, or the password alone.

    `host_key` is the fingerprint that must be shown, SHA256:…, empty while nobody has confirmed one. `folder` is
    where the files are.
    """

    host: str
    port: int = 22
    user: str = ""
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    host_key: str = ""
    folder: str = "/"

    @property
    def place(self) -> str:
        """Return host and port as they are written in addresses."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a folder. `modified` is in seconds since 1970 by the server's clock, None if it does not say."""

    name: str
    size: int
    modified: float | None
    is_file: bool


class NotDone(Exception):
    """The server could not be reached, or did not do what was asked; the text is a sentence without any secret.

    `host_key` is the fingerprint that it showed, if that is what was wrong.
    """

    def __init__(self, problem: Problem, sentence: str, host_key: str = "") -> None:
        super().__init__(sentence)
        self.problem = problem
        self.host_key = host_key

    @property
    def is_passing(self) -> bool:
        """Tell whether it may go better by itself a little later."""
        return self.problem in {"unreachable", "lost", "no_room"}


def why(wrong: BaseException) -> str:
    """Return what an exception says, in one line without a full stop."""
    text = (wrong.strerror if isinstance(wrong, OSError) else "") or str(wrong)
    return on_one_line(text).strip(" .")[:200] or type(wrong).__name__
