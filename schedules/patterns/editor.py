"""The workshop's form for a template: real fields for what most have, JSON for the rest, a row for each parameter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from jobtypes import registry
from jobtypes.forms import JSONField
from schedules.fields import TagsField
from schedules.models import Schedule, Template

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Template]
else:
    ModelForm = forms.ModelForm

SPARE = 3  # empty rows for parameters
TEXTS = ("cron_expression", "interval_seconds", "timezone")
NAMED = ("job_type", "params", "schedule_type", *TEXTS, "tags")
TYPES = [(word, word) for word in ("string", "integer", "number", "boolean", "choice")]
MONO = {"class": "mono", "spellcheck": "false"}


class ParameterForm(forms.Form):
    """One parameter; a row without a name does not count."""

    name = forms.CharField(required=False, max_length=64, label=_("Name"))
    type = forms.ChoiceField(choices=TYPES, initial="string", label=_("Type"))
    required = forms.BooleanField(required=False, label=_("Required"))
    default = forms.CharField(required=False, max_length=1000, label=_("Default"))
    pattern = forms.CharField(required=False, max_length=200, label=_("Pattern"))
    min = forms.FloatField(required=False, label=_("Min"))
    max = forms.FloatField(required=False, label=_("Max"))
    choices = forms.CharField(required=False, label=_("Choices"), help_text=_("Parted by commas."))
    description = forms.CharField(required=False, max_length=500, label=_("Description"))

    def parameter(self) -> dict[str, Any]:
        """Return the parameter as JSON; a default that cannot be of its type stays as typed, to be refused."""
        typed = self.cleaned_data
        found = {name: value for name, value in typed.items() if value not in ("", None, False)}
        if typed["choices"]:
            found["choices"] = [word.strip() for word in typed["choices"].split(",") if word.strip()]
        for name in ("min", "max"):
            if name in found and found[name].is_integer():
                found[name] = int(found[name])
        if typed["default"] and typed["type"] in {"integer", "number", "boolean"}:
            found["default"] = _typed(typed["default"])
        return found


ParameterRows = forms.formset_factory(ParameterForm, extra=SPARE, max_num=60, absolute_max=60)


class TemplateForm(ModelForm):
    """A template; what has no field of its own here is written as JSON under the other fields."""

    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    job_type = forms.ChoiceField(label=_("Job type"), choices=lambda: registry.choices())
    params = JSONField(
        required=False, label=_("Its parameters"), widget=forms.Textarea(attrs={"rows": 8, "class": "widget-json"})
    )
    schedule_type = forms.ChoiceField(label=_("Timing"), choices=[("", "–"), *Schedule.Kind.choices], required=False)
    cron_expression = forms.CharField(
        required=False, max_length=1000, label=_("Cron"), widget=forms.TextInput(attrs=MONO)
    )
    interval_seconds = forms.CharField(required=False, max_length=200, label=_("Seconds between fires"))
    timezone = forms.CharField(required=False, max_length=200, label=_("Time zone"))
    tags = TagsField(required=False, label=_("Tags"), help_text=_("Parted by commas."))
    rest = JSONField(
        required=False,
        label=_("Other fields"),
        widget=forms.Textarea(attrs={"rows": 5, "class": "widget-json", "placeholder": '{"priority": 7}'}),
        help_text=_("Any other field of a schedule, as the API names it."),
    )
    reason = forms.CharField(
        label=_("Why"), required=False, max_length=500, help_text=_("Kept with this version, for those who ask.")
    )

    class Meta:
        model = Template
        fields = ("name", "description", "environment")
        widgets = {"description": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        kept = self.instance.definition
        shown = {name: kept[name] for name in NAMED if name in kept}
        rest = {name: value for name, value in kept.items() if name not in NAMED}
        self.initial = {"seen_version": self.instance.version, **shown, **self.initial}
        for name, value in (("params", kept.get("params")), ("rest", rest)):
            self.initial[name] = json.dumps(value, indent=2, ensure_ascii=False) if value else ""
        rows = [_row(one) for one in self.instance.parameters]
        self.rows = ParameterRows(self.data if self.is_bound else None, prefix="parameters", initial=rows)

    def clean(self) -> dict[str, Any]:
        super().clean()
        rest = self.cleaned_data.get("rest") or {}
        if not isinstance(rest, dict):
            self.add_error("rest", _("Write a JSON object in braces."))
            rest = {}
        elif twice := sorted(rest.keys() & set(NAMED)):
            self.add_error("rest", _("%s has a field of its own above.") % ", ".join(twice))
        named = {name: self.cleaned_data.get(name) for name in NAMED}
        if (seconds := named["interval_seconds"]) and seconds.isdecimal():
            named["interval_seconds"] = int(seconds)
        self.instance.definition = {**{name: value for name, value in named.items() if value}, **rest}
        if self.rows.is_valid():
            named_rows = [row for row in self.rows if row.cleaned_data.get("name")]
            self.instance.parameters = [row.parameter() for row in named_rows]
        else:
            self.add_error(None, _("Look at the parameters: one of them cannot be read."))
        if self.instance.pk and self.cleaned_data.get("seen_version") != self.instance.version:
            self._report_conflict()
        return self.cleaned_data

    def add_error(self, field: str | None, error: Any) -> None:
        """Put each refusal at the field where it was typed, those of parameters above all with their place."""
        if not (isinstance(error, ValidationError) and hasattr(error, "error_dict")):
            super().add_error(field, error)
            return
        for name, refusals in error.error_dict.items():
            own = name.removeprefix("definition.")
            for refusal in refusals:
                for sentence in refusal.messages:
                    self._say(name, own if own in self.fields else None, sentence)

    def _say(self, name: str, field: str | None, sentence: str) -> None:
        kind, _dot, rest = name.partition(".")
        if field is not None or name == "__all__":
            super().add_error(field, sentence)
        elif kind == "definition":
            super().add_error("rest", f"{rest}: {sentence}")
        else:
            number, _dot, part = rest.partition(".")
            place = f"{int(number) + 1}{', ' + part if part else ''}" if number.isdecimal() else name
            super().add_error(None, _("Parameter %(place)s: %(why)s") % {"place": place, "why": sentence})

    def _report_conflict(self) -> None:
        """Refuse to overwrite what somebody else saved meanwhile; saving once more, having read this, is allowed."""
        self.add_error(
            None,
            _(
                "This template was changed while you edited it: it is at version %d now. Nothing was saved. To put "
                "yours in its place, save again."
            )
            % self.instance.version,
        )
        self.data = cast(QueryDict, self.data).copy()
        self.data["seen_version"] = str(self.instance.version)


def _row(one: dict[str, Any]) -> dict[str, Any]:
    """Return a stored parameter as the fields of its row show it."""
    default = one.get("default")
    text = default if isinstance(default, str) else "" if default is None else json.dumps(default)
    return {**one, "default": text, "choices": ", ".join(one.get("choices", ()))}


def _typed(text: str) -> Any:
    """Return the number or truth value in a text; the text itself if it is none."""
    try:
        return json.loads(text.strip().lower(), parse_constant=lambda word: word)
    except ValueError:
        return text
