"""What the kinds of connection have in common."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from integrations import references
from integrations.secrets import MASK

Secrets = dict[str, Any]


class Refused(Exception):
    """What was written cannot be a connection; `field` is `kind`, `address`, or the name of a secret."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Unusable(Exception):
    """The connection cannot be used now; the message says why and what to do, and holds no secret.

    `facts` are for programs, beside the sentence.
    """

    def __init__(self, message: str, facts: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.facts = facts or {}


@dataclass(frozen=True, slots=True)
class Report:
    """What trying a connection showed: one sentence, and warnings that a person should weigh before using it.

    `risks` are warnings too, so grave that the workshop saves such a connection only at a tick. `facts` are for
    programs.
    """

    sentence: str
    warnings: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


class Stored(NamedTuple):
    """What the database holds of a connection: the address as shown, and the secrets."""

    address: str
    secrets: Secrets


class Kind(Protocol):
    """One kind of connection; a module of this package is one."""

    def accept(self, address: str, offered: Secrets | None, stored: Stored | None) -> Stored:
        """Return what to store of what a person wrote; `***` keeps a stored secret. Raises Refused."""
        ...

    def masked(self, secrets: Secrets) -> Secrets:
        """Return the secrets as the API shows them: names with `***`."""
        ...

    def secret_values(self, address: str, secrets: Secrets) -> list[str]:
        """Return every text that must appear nowhere: what is stored and what its references stand for."""
        ...

    def try_out(self, address: str, secrets: Secrets) -> Report:
        """Reach the other system once. Raises Unusable."""
        ...


def password(given: str, shown: str, stored: Stored | None) -> str:
    """Return the password that is meant: the stored one for `***`, as long as the address `shown` is the stored one.

    Raises Refused, also for a reference to a secret of Carillon itself.
    """
    if given == MASK:
        if stored is None or "password" not in stored.secrets:
            raise Refused("address", f"{MASK} keeps a stored password, but there is none; write it.")
        if stored.address != shown:
            raise Refused("address", "The address changed, so the password must be written again.")
        given = str(stored.secrets["password"])
    if sentence := references.refusal(given):
        raise Refused("address", sentence)
    return given
