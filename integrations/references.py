"""Values kept in the environment: `${NAME}` is stored as written and read when it is used."""

import os
import re

from integrations.secrets import note

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
WHOLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
OWN = re.compile(r"SECRET_KEY|DATABASE_URL|EMAIL_URL|CELERY_BROKER_URL|NATS_URL|CARILLON_.*|SMTP_PASSWORD")


class Unset(Exception):
    """The environment does not have what a reference names; the message names the variable."""


def names(text: str) -> list[str]:
    """Return the variables that `text` refers to."""
    return REFERENCE.findall(text)


def is_whole(text: str) -> bool:
    """Tell whether `text` is one reference and nothing else."""
    return WHOLE.fullmatch(text) is not None


def refusal(text: str) -> str:
    """Return why a reference in `text` is not allowed: Carillon's own secrets do not leave it. Empty if all are."""
    for name in names(text):
        if OWN.fullmatch(name):
            return f"${{{name}}} is a secret of Carillon itself and cannot be referred to."
    return ""


def expand(text: str) -> str:
    """Return `text` with every reference replaced; raises Unset naming the first variable that is not there."""
    if sentence := refusal(text):
        raise Unset(sentence)
    return REFERENCE.sub(_value, text)


def _value(match: re.Match[str]) -> str:
    name = match.group(1)
    if name not in os.environ:
        raise Unset(f"The environment variable {name} is not set where this runs; set it and start again.")
    note(os.environ[name])
    return os.environ[name]
