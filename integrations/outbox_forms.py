"""The workshop's form for channels: real fields for each kind. Secrets can be typed, and are never shown again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from integrations.channels import kind
from integrations.fields import PairsField, RefusalsAtTheirFields, TextField
from integrations.models import Channel
from integrations.secrets import MASK

if TYPE_CHECKING:
    ChannelBase = forms.ModelForm[Channel]
else:
    ChannelBase = forms.ModelForm

KEEPS = _("Empty: the stored one stays.")


class LinesField(TextField):
    """A list of texts, one a line."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        return [line.strip() for line in super().clean(value).split("\n") if line.strip()]


def _secret(**options: Any) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(required=False, strip=True, widget=widget, **options)


def _settings_of(name: str) -> dict[str, forms.Field]:
    """Return the fields of one kind's settings."""
    fields: dict[str, dict[str, forms.Field]] = {
        "email": {
            "recipients": LinesField(widget=forms.Textarea(attrs={"rows": 3}), help_text=_("One address a line.")),
            "subject": forms.CharField(
                required=False,
                max_length=500,
                help_text=_("May name {alert_name}, {status}, {actual_value} and {threshold}."),
            ),
        },
        "slack": {
            "webhook_url": _secret(
                label=_("Webhook address"), help_text=_("https://hooks.slack.com/services/… or ${NAME}.")
            ),
            "channel": forms.CharField(required=False, max_length=100),
            "username": forms.CharField(required=False, max_length=100),
        },
        "webhook": {
            "url": forms.CharField(label=_("Address"), max_length=2000),
            "method": forms.ChoiceField(
                choices=[(word, word) for word in ("POST", "GET", "PUT", "PATCH")], initial="POST"
            ),
            "headers": PairsField(
                required=False,
                widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "placeholder": "name: value"}),
                help_text=_("Never shown again; *** keeps a stored value."),
            ),
            "signing_secret": _secret(help_text=_("Empty: one is made and shown once; later, the stored one stays.")),
        },
        "apprise": {"address": _secret(help_text=_("Such as tgram://token/chat or pover://user@token."))},
    }
    return fields.get(name, {})


class ChannelForm(RefusalsAtTheirFields, ChannelBase):
    """A channel of one kind; `channel_form` sets it."""

    channel_kind = ""
    kind = forms.CharField(widget=forms.HiddenInput)

    class Meta:
        model = Channel
        fields = ("name", "description", "environment", "enabled")
        widgets = {"description": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["kind"] = self.instance.kind = self.channel_kind
        known = self.instance.masked if self.instance.pk else {}
        for name, field in _settings_of(self.channel_kind).items():
            self.fields[name] = field
            if not isinstance(field.widget, forms.PasswordInput):
                self.initial[name] = known.get(name, field.initial)
            elif name in known:
                field.help_text = KEEPS

    def clean(self) -> dict[str, Any]:
        super().clean()
        known = self.instance.masked if self.instance.pk else {}
        typed = {
            name: self.cleaned_data[name] for name in _settings_of(self.channel_kind) if name in self.cleaned_data
        }
        secret = kind(self.channel_kind).Settings.secret
        for name in secret & typed.keys():
            if typed[name] == "":
                typed.pop(name)
                if name in known:
                    typed[name] = MASK
        self.instance.offer(typed)
        return self.cleaned_data


def channel_form(name: str) -> type[ChannelForm]:
    """Return the form for channels of one kind."""
    return type("ChannelForm", (ChannelForm,), {"channel_kind": name})
