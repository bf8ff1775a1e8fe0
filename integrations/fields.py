"""Form fields for text that programs read, line ends as they send them, and what forms with secrets share."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext_lazy as _


class TextField(forms.CharField):
    """Text with the line ends that programs send: browsers send CR LF."""

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class PairsField(TextField):
    """A mapping of texts, one `name: value` a line."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(f"{name}: {text}" for name, text in value.items()) if isinstance(value, dict) else value

    def clean(self, value: Any) -> Any:
        pairs: dict[str, str] = {}
        for number, line in enumerate(super().clean(value).split("\n"), start=1):
            name, colon, text = line.partition(":")
            if not line.strip():
                continue
            if not colon or not name.strip():
                raise ValidationError(
                    _("Line %(number)d: write a name, a colon and a value, such as Accept: text/csv."),
                    params={"number": number},
                )
            if name.strip() in pairs:
                raise ValidationError(
                    _("Line %(number)d: %(name)s stands here twice; keep one."),
                    params={"number": number, "name": name.strip()},
                )
            pairs[name.strip()] = text.strip()
        return pairs


class RefusalsAtTheirFields(forms.BaseForm):
    """Mix into a form: what the model refuses of a setting is shown where it was typed."""

    def add_error(self, field: str | None, error: Any) -> None:
        """Add an error, a general one of the model's at the field that its code names."""
        if not (isinstance(error, ValidationError) and hasattr(error, "error_dict")):
            super().add_error(field, error)
            return
        for name, refusals in error.error_dict.items():
            for refusal in refusals:
                where = refusal.code if name == NON_FIELD_ERRORS and refusal.code in self.fields else name
                super().add_error(where if where in self.fields else None, refusal)
