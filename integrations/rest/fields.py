"""Fields and a base for serializers: unknown names are refused, moments are read in a zone and have bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from integrations import access

FIRST_YEAR, LAST_YEAR = 1900, 2199
SPACE_FOR_PLUS = re.compile(r"(?<=\d) (?=\d\d:\d\d$)")
MOST_ERRORS = 50  # said at once
HINT = "Write a moment such as 2026-11-27T06:00:00+02:00, in the years 1900 to 2199."


class NoMoment(ValueError):
    """The text is no moment; the message says what to write."""


def moment(text: str) -> datetime:
    """Return the moment in `text`, naive if it names no offset; raises NoMoment.

    A blank before the offset is taken as the plus that it was before it came through a query string.
    """
    try:
        found = parse_datetime(SPACE_FOR_PLUS.sub("+", text) if "T" in text else text)
    except ValueError:
        found = None
    if found is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise NoMoment(HINT)
    return found


class MomentField(serializers.DateTimeField):
    """A moment; one without an offset stays naive, for the serializer to read it in the object's zone."""

    def to_internal_value(self, value: Any) -> datetime:
        """Return the moment; raises ValidationError."""
        if not isinstance(value, str):
            raise ValidationError(HINT)
        try:
            return moment(value)
        except NoMoment as refused:
            raise ValidationError(str(refused)) from None


class StrictFields(serializers.Serializer[Any]):
    """Mix into a serializer: a name that it does not know is an error under that name.

    `aliases` maps other names that are read to the field's own; `kept_by_us` are fields of the answer that may be
    sent back and are not read.
    """

    aliases: Mapping[str, str] = {}
    kept_by_us: frozenset[str] = frozenset()

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated values; raises ValidationError by field."""
        if not isinstance(data, Mapping):
            raise ValidationError({"non_field_errors": ["Send a JSON object."]})
        errors: dict[str, list[str]] = {}
        known: dict[str, Any] = {}
        for name, value in data.items():
            own = self.aliases.get(name, name)
            field = self.fields.get(own)
            if own in known:
                errors[name] = [f"This is another name of {own}; send one of them."]
            elif field is not None and not field.read_only:
                known[own] = value
                if sentence := _too_long(field, value):
                    errors[name] = [sentence]
                    known.pop(own)
            elif own not in self.kept_by_us:
                errors[name] = ["There is no such field."]
            if len(errors) >= MOST_ERRORS:
                raise ValidationError(errors)
        try:
            found = super().to_internal_value(known)
        except ValidationError as refused:
            raise ValidationError({**_as_dict(refused.detail), **errors}) from None
        if errors:
            raise ValidationError(errors)
        return found


class Placed(StrictFields):
    """Mix into the serializer of what belongs to an environment: a caller puts it only where he may."""

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse an environment that is not the caller's, "" being all of them; raises ValidationError."""
        values = super().validate(values)
        if self.instance is None or "environment" in values:
            field = self.Meta.model._meta.get_field("environment")  # type: ignore[attr-defined]
            place = values.get("environment")
            if sentence := access.elsewhere(self.context["request"].user, place or field.get_default()):
                raise ValidationError({"environment": [sentence]})
        return values


class OneOfVisible(serializers.RelatedField[Any, Any, Any]):
    """Mix into a field that names another row: what the caller may not see does not exist."""

    def get_queryset(self) -> Any:
        """Return the rows that may be named."""
        rows: Any = super().get_queryset()
        return rows.visible_to(self.context["request"].user)


def _too_long(field: Any, value: Any) -> str:
    """Return why a text or a list is too long, before anything looks at its every member; empty if it is not."""
    most = getattr(field, "max_length", None)
    if most is None or not isinstance(value, str | list) or len(value) <= most:
        return ""
    return f"At most {most} {'characters' if isinstance(value, str) else 'of them'}; these are {len(value)}."


def _as_dict(detail: Any) -> dict[str, Any]:
    return detail if isinstance(detail, dict) else {"non_field_errors": detail}
