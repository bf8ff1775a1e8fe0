"""Read the configuration of a project, and say what is wrong with it in sentences that name the key."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from jobtypes.csv_import.config import ImportConfig
from jobtypes.sentences import errors_of

KEYS = tuple(field.alias or name for name, field in ImportConfig.model_fields.items())


class Unreadable(Exception):
    """The configuration is refused; `errors` maps keys, inner ones with dots, to sentences."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("; ".join(f"{name}: {' '.join(texts)}" for name, texts in errors.items()))
        self.errors = errors

    @property
    def sentences(self) -> list[str]:
        """Return the errors as a flat list, each beginning with its key."""
        return [f"{name}: {text}" if name else text for name, texts in self.errors.items() for text in texts]


def read(values: Any) -> ImportConfig:
    """Return the configuration; raises Unreadable."""
    try:
        return ImportConfig.model_validate(values)
    except ValidationError as refused:
        raise Unreadable(errors_of(refused)) from None
