"""What every table of compliance refuses in its texts and lists."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db import models

from integrations.naming import has_control_characters

MOST_WORDS = 100  # members of a list of evidence types
SHA256 = r"^[0-9a-f]{64}$"


def refuse_odd_texts(row: models.Model, names: Iterable[str]) -> None:
    """Raise ValidationError by field where one of these has blanks at its ends or control characters."""
    for name in names:
        value = getattr(row, name)
        if value != value.strip() or has_control_characters(value):
            raise ValidationError({name: ["Control characters and blanks at the ends are not allowed."]})


def refuse_no_texts(field: str, value: object, *, most: int = MOST_WORDS, longest: int = 100) -> None:
    """Raise ValidationError on `field` unless `value` is a list of different texts, none of them empty."""
    if not isinstance(value, list) or len(value) > most:
        raise ValidationError({field: [f"A list of at most {most} texts."]})
    for one in value:
        if not isinstance(one, str) or not 1 <= len(one) <= longest or one != one.strip():
            raise ValidationError({field: [f"Each is a text of 1 to {longest} characters without blanks around it."]})
        if has_control_characters(one):
            raise ValidationError({field: ["Control characters are not allowed."]})
    if len(set(value)) < len(value):
        raise ValidationError({field: ["Each text once."]})


def refuse_no_object(field: str, value: object) -> None:
    """Raise ValidationError on `field` unless `value` is a JSON object."""
    if not isinstance(value, dict):
        raise ValidationError({field: ["A JSON object."]})
