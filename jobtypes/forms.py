"""Turn a job type's configuration into real form fields, and what was typed into parameters.

The fields come from the configuration's JSON schema, the one that the API shows, so form and API cannot disagree.
"""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.apps import apps
from django.core.exceptions import ValidationError
from django.utils.html import escape
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from integrations.fields import PairsField, TextField
from integrations.limited import OffersToVisitor
from integrations.models import Connection
from jobtypes.base import Config, JSONObject

PREFIX = "params__"
ABSENT = object()
EMPTY: tuple[Any, ...] = (None, "", [], {})


class LinesField(TextField):
    """A list of texts, one a line; empty lines do not count."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(str(item) for item in value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> Any:
        return [line.strip() for line in super().clean(value).split("\n") if line.strip()]


class NumberField(forms.FloatField):
    """A number; a whole one stays whole, as a program would send it."""

    def clean(self, value: Any) -> Any:
        number = super().clean(value)
        return int(number) if number is not None and number.is_integer() else number


class NamedChoice(OffersToVisitor):
    """One of some rows by its name; one that is gone stays chosen. `where` tells where rows are added."""

    def __init__(self, rows: Any, *, where: Any, **options: Any) -> None:
        self.rows, self.where = rows, where
        super().__init__(**options, choices=self._names)

    def offer_to(self, visitor: Any) -> None:
        """Offer the rows that this user may see."""
        self.rows = self.rows.visible_to(visitor)
        self.choices = self._names

    def _names(self) -> list[tuple[str, Any]]:
        found = list(self.rows.order_by("name").values_list("name", flat=True))
        gone = [self.initial] if self.initial and self.initial not in found else []
        first = _("Choose one") if found else _("There is none yet; add one under %(where)s") % {"where": self.where}
        return [("", first), *((name, name) for name in found), *((name, name) for name in gone)]


class ConnectionChoice(NamedChoice):
    """A connection of one kind."""

    def __init__(self, kind: str, **options: Any) -> None:
        super().__init__(Connection.objects.of_kind(kind), where=_("Connections"), **options)


class JSONField(forms.CharField):
    """Any JSON; empty means none at all."""

    def __init__(self, *, initial: Any = None, **options: Any) -> None:
        text = None if initial is None else json.dumps(initial, indent=2, ensure_ascii=False)
        super().__init__(initial=text, **options)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return json.loads(text, parse_constant=_no_constant)
        except json.JSONDecodeError as refused:
            raise ValidationError(
                _("This is not JSON: line %(line)d, character %(column)d: %(why)s."),
                params={"line": refused.lineno, "column": refused.colno, "why": refused.msg.lower()},
            ) from None
        except (ValueError, RecursionError):
            raise ValidationError(
                _("This is not JSON that can be kept: write finite numbers, nested less deeply.")
            ) from None


def form_fields(config: type[Config], params: JSONObject) -> dict[str, forms.Field]:
    """Return {`params__<name>`: form field} for every parameter of `config`, filled in from the stored `params`."""
    schema = config.model_json_schema()
    required = schema.get("required", [])
    fields: dict[str, forms.Field] = {}
    for name, described in schema.get("properties", {}).items():
        shape = _plain(described, schema.get("$defs", {}))
        initial = params.get(name, shape.get("default"))
        fields[PREFIX + name] = _field(shape, name=name, required=name in required, initial=initial)
    return fields


def typed_params(config: type[Config], cleaned: JSONObject, stored: JSONObject) -> JSONObject:
    """Return the parameters that were typed, leaving out what is empty or as proposed, unless it was stored so."""
    params: JSONObject = {}
    for name, described in config.model_json_schema().get("properties", {}).items():
        value, before = cleaned.get(PREFIX + name), stored.get(name, ABSENT)
        empty = value in EMPTY
        if value == before or (empty and before in EMPTY):
            params[name] = before
        elif not empty and (value != described.get("default", ABSENT) or before is not ABSENT):
            params[name] = value
    return params


def field_of(dotted: str) -> str:
    """Return the form field in which a parameter named with dots (`headers.0.name`) is typed."""
    return PREFIX + dotted.split(".")[0]


def _field(shape: JSONObject, *, name: str, required: bool, initial: Any) -> forms.Field:
    """Return the form field for one property of the schema."""
    common: dict[str, Any] = {
        "label": shape.get("title") or name.replace("_", " ").capitalize(),
        "help_text": escape(shape.get("description", "")),
        "required": required and shape.get("type") != "boolean",
        "initial": initial,
    }
    if kind := shape.get("connection"):
        return ConnectionChoice(kind, **common)
    if rows := shape.get("one_of"):
        model: Any = apps.get_model(rows)
        return NamedChoice(model.objects.all(), where=capfirst(model._meta.verbose_name_plural), **common)
    if "enum" in shape or "const" in shape:
        return _choice_field(shape.get("enum", [shape.get("const")]), common)
    widget = shape.get("widget") or _widget_of(shape)
    if widget in TEXT_AREAS:
        field, rows, hint = TEXT_AREAS[widget]
        attrs = {"rows": rows, "class": f"widget-{widget}", "spellcheck": "false", "placeholder": hint}
        return field(**common, widget=forms.Textarea(attrs))
    match shape.get("type"):
        case "boolean":
            return forms.BooleanField(**common)
        case "integer":
            return forms.IntegerField(**common, **_limits(shape))
        case "number":
            return NumberField(**common, **_limits(shape))
    return TextField(**common, min_length=shape.get("minLength"), max_length=shape.get("maxLength"))


def _widget_of(shape: JSONObject) -> str:
    """Return the text area that a shape without a hint needs, or "" where one line does."""
    match shape.get("type"):
        case "array":
            return "lines" if shape.get("items", {}).get("type") == "string" else "json"
        case "object":
            extra = shape.get("additionalProperties")
            return "pairs" if isinstance(extra, dict) and extra.get("type") == "string" else "json"
        case "string" | "integer" | "number" | "boolean":
            return ""
    return "json"


def _choice_field(values: list[Any], common: dict[str, Any]) -> forms.Field:
    choices = [(value, str(value)) for value in values if value is not None]
    if not common["required"] and common["initial"] is None:
        choices.insert(0, ("", "–"))
    by_text = {str(value): value for value in values}
    return forms.TypedChoiceField(**common, choices=choices, coerce=by_text.__getitem__, empty_value=None)


def _limits(shape: JSONObject) -> dict[str, Any]:
    """Return the inclusive limits of a number; an exclusive one is checked by the configuration itself."""
    return {"min_value": shape.get("minimum"), "max_value": shape.get("maximum")}


def _plain(shape: JSONObject, definitions: JSONObject) -> JSONObject:
    """Return `shape` with its reference followed and `or null` left out."""
    own = {key: value for key, value in shape.items() if key not in {"$ref", "anyOf", "allOf"}}
    if reference := shape.get("$ref"):
        return {**_plain(definitions[reference.rpartition("/")[2]], definitions), **own}
    choices = [choice for choice in shape.get("anyOf") or shape.get("allOf") or [] if choice.get("type") != "null"]
    if len(choices) == 1:
        return {**_plain(choices[0], definitions), **own}
    return own


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON.")


TEXT_AREAS: dict[str, tuple[type[forms.CharField], int, Any]] = {  # field, rows, what an empty one shows
    "code": (TextField, 8, ""),
    "text": (TextField, 3, ""),
    "lines": (LinesField, 4, _("one a line")),
    "pairs": (PairsField, 4, _("name: value")),
    "json": (JSONField, 6, "{ }"),
}
