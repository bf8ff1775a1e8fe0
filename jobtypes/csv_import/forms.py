"""The workshop's form for an import project: its connections to choose, its configuration as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.rest import strict_json
from jobtypes.csv_import.models import ImportProject
from jobtypes.forms import ConnectionChoice

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[ImportProject]
else:
    ModelForm = forms.ModelForm

CODE = {"rows": 24, "class": "mono", "spellcheck": "false"}


class ConfigField(forms.CharField):
    """A JSON object that every database takes."""

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            found = strict_json.loads(text.encode())
        except strict_json.NotJSON as refused:
            raise ValidationError(str(refused)) from None
        if not isinstance(found, dict):
            raise ValidationError(_("Write a JSON object."))
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial) != data)


class ImportProjectForm(ModelForm):
    """A project; what is wrong in its configuration is said under it, each sentence with its key."""

    config = ConfigField(
        label=_("Configuration"),
        widget=forms.Textarea(attrs=CODE),
        max_length=1_000_000,
        help_text=_("Which file belongs to which table, and how it is read."),
    )

    class Meta:
        model = ImportProject
        fields = ["name", "description", "environment", "connection", "source", "config"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, kind in (("connection", "sql"), ("source", "sftp")):
            column: models.Field[Any, Any] = ImportProject._meta.get_field(name)  # type: ignore[assignment]
            self.fields[name] = ConnectionChoice(
                kind,
                label=str(column.verbose_name).capitalize(),
                help_text=column.help_text,
                required=not column.blank,
                initial=getattr(self.instance, name),
            )
