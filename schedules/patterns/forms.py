"""Forms for templates: one field for each parameter of whoever fills one in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.html import escape
from django.utils.translation import gettext_lazy as _

from jobtypes.forms import NumberField
from schedules.patterns.parameters import LONGEST, Parameter

PREFIX = "parameters."


class ParametersForm(forms.Form):
    """A field for each parameter, named as the API names its errors."""

    def __init__(self, asks: Iterable[Parameter], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for one in asks:
            self.fields[PREFIX + one.name] = field_of(one)

    def parameters(self) -> dict[str, Any]:
        """Return the values that were typed, what was left empty left out."""
        typed = {name.removeprefix(PREFIX): value for name, value in self.cleaned_data.items() if PREFIX in name}
        return {name: value for name, value in typed.items() if value not in ("", None)}

    def show(self, errors: dict[str, list[str]]) -> None:
        """Put each sentence beside its field; what has none here is said above all of them, with its name."""
        for name, sentences in errors.items():
            for sentence in sentences:
                here = name in self.fields
                self.add_error(name if here else None, sentence if here or not name else f"{name}: {sentence}")


class FillForm(ParametersForm):
    """The name of the schedule to make, and the parameters of its template."""

    name = forms.CharField(max_length=255, strip=False, label=_("Name of the schedule"))


class UpgradeForm(ParametersForm):
    """What is still to be said before instances can be brought to the newest version."""

    overwrite = forms.BooleanField(required=False, label=_("Also what was edited by hand"))


def field_of(one: Parameter) -> forms.Field:
    """Return the form field of a parameter."""
    common: dict[str, Any] = {
        "label": one.name.replace("_", " ").capitalize(),
        "help_text": escape(one.description),
        "required": one.required,
        "initial": one.default,
    }
    match one.type:
        case "boolean":
            words = [("", "–"), ("true", _("Yes")), ("false", _("No"))]
            common["initial"] = {True: "true", False: "false"}.get(one.default, "")
            return forms.TypedChoiceField(**common, choices=words, coerce=lambda word: word == "true")
        case "choice":
            words = [(word, word) for word in one.choices]
            return forms.ChoiceField(**common, choices=words if one.required else [("", "–"), *words])
        case "integer":
            return forms.IntegerField(**common, min_value=_whole(one.min), max_value=_whole(one.max))
        case "number":
            return NumberField(**common, min_value=one.min, max_value=one.max)
    return forms.CharField(**common, min_length=_whole(one.min), max_length=_whole(one.max) or LONGEST)


def _whole(bound: float | None) -> int | None:
    """Return a bound for the browser; the parameter itself checks what lies between whole numbers."""
    return None if bound is None else int(bound)
