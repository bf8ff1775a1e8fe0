"""The workshop's forms for connections and tokens. Secrets can be typed, and are never shown again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations import references
from integrations.fields import PairsField, RefusalsAtTheirFields
from integrations.kinds import sftp
from integrations.kinds.base import Refused
from integrations.models import ApiToken, Connection
from integrations.scopes import SCOPES

if TYPE_CHECKING:
    ConnectionBase = forms.ModelForm[Connection]
    TokenBase = forms.ModelForm[ApiToken]
else:
    ConnectionBase = TokenBase = forms.ModelForm

PEM = "-----BEGIN OPENSSH PRIVATE KEY-----"
LOOK_SECONDS = 5.0  # that saving waits for a database to tell what its role may do
EXAMPLES = {
    "sql": _("Such as postgresql://reader@db.example/shop, or sqlite:///sales.sqlite3 under LOCAL_FILES_ROOT."),
    "http": _("Such as https://api.example/v1; jobs add a path."),
    "nats": _("Such as nats://carillon@nats.example:4222, or tls://…; a token stands before the @ without a user."),
}


class ConnectionForm(RefusalsAtTheirFields, ConnectionBase):
    """A connection of one kind; `connection_form` sets it."""

    connection_kind = ""
    kind = forms.CharField(widget=forms.HiddenInput)
    password = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Empty: the stored one stays. To have none, take :*** out of the address."),
    )
    headers = PairsField(
        required=False,
        widget=forms.Textarea(
            attrs={"rows": 4, "class": "mono", "spellcheck": "false", "placeholder": "name: value"}
        ),
        help_text=_("Sent with every request and never shown again; *** keeps a stored value."),
    )

    accept_risk = forms.BooleanField(
        required=False,
        label=_("Its role may do anything, and I want it so"),
        help_text=_("Asked for where the role is a superuser of PostgreSQL, or reaches files or programs."),
    )

    class Meta:
        model = Connection
        fields: tuple[str, ...] = ("name", "address", "environment", "description")
        widgets = {"description": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        del self.fields["password" if self.connection_kind == "http" else "headers"]
        if self.connection_kind != "sql":
            del self.fields["accept_risk"]
        self.initial["kind"] = self.instance.kind = self.connection_kind
        if "address" in self.fields:
            self.fields["address"].help_text = EXAMPLES.get(self.connection_kind, "")
        if self.instance.pk and "headers" in self.fields:
            self.initial["headers"] = self.instance.masked.get("headers", {})

    def clean(self) -> dict[str, Any]:
        super().clean()
        if self.cleaned_data.get("password"):
            self.instance.offer({"password": self.cleaned_data["password"]})
        elif "headers" in self.cleaned_data:
            self.instance.offer({"headers": self.cleaned_data["headers"]})
        return self.cleaned_data

    def _post_clean(self) -> None:
        """Refuse, once the address is read, a role that reaches beyond tables, unless somebody wants it so."""
        super()._post_clean()  # type: ignore[misc]  # Django's hook after the model's own rules
        is_new_way = not self.instance.pk or {"address", "password"} & set(self.changed_data)
        if not self.errors and is_new_way and not self.cleaned_data.get("accept_risk", True):
            for risk in self.instance.risks(seconds=LOOK_SECONDS):
                self.add_error("accept_risk", _("%(risk)s To save it all the same, tick this.") % {"risk": risk})


class SftpForm(ConnectionForm):
    """A connection of kind sftp, its address in parts."""

    host = forms.CharField(max_length=253, help_text=_("Such as files.example.com."))
    port = forms.IntegerField(min_value=1, max_value=65_535, initial=22)
    username = forms.CharField(max_length=255, strip=False, label=_("User name"))
    private_key = forms.CharField(
        required=False,
        max_length=sftp.LONGEST_KEY,
        widget=forms.Textarea(
            attrs={"rows": 4, "class": "mono", "spellcheck": "false", "autocomplete": "off", "placeholder": PEM}
        ),
        help_text=_("The whole file, never shown again. Empty: the stored one stays."),
    )
    no_private_key = forms.BooleanField(
        required=False, label=_("Forget the private key"), help_text=_("From then on the password alone is used.")
    )
    host_key = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "placeholder": "SHA256:…"}),
        help_text=_(
            "The fingerprint that the server must show; nothing is sent before. Leave it empty, save, and press "
            "Test, which shows it. Compare it with what the server's owner says, then write it here."
        ),
    )
    remote_path = forms.CharField(max_length=1000, strip=False, initial="/", label=_("Folder"))

    class Meta(ConnectionForm.Meta):
        fields = ("name", "environment", "description")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["password"].help_text = _("Empty: the stored one stays. With a private key its passphrase.")
        self.before = self.instance.address
        if self.instance.pk:
            self.initial = {**self.initial, **self.instance.parts}
        for name in sftp.PARTS if references.is_whole(self.before) else ():
            self.fields[name].required = False
            self.fields[name].disabled = True
            self.fields[name].help_text = _("%(name)s holds this.") % {"name": self.before}

    def clean(self) -> dict[str, Any]:
        super().clean()
        values = self.cleaned_data
        typed = {name: values[name] for name in sftp.SECRETS if values.get(name)}
        forgotten = {"private_key": ""} if values.get("no_private_key") and "private_key" not in typed else {}
        self.instance.offer({**typed, **forgotten} or None)
        if not self.errors and not references.is_whole(self.before):
            try:
                self.instance.address = sftp.composed({name: values[name] for name in sftp.PARTS}, self.before)
            except Refused as refused:
                self.add_error(refused.field if refused.field in self.fields else None, str(refused))
        return values

    def _post_clean(self) -> None:
        """Let the model look once there is an address: without one its refusal would only say so again."""
        if not self.errors:
            super()._post_clean()


def connection_form(kind: str) -> type[ConnectionForm]:
    """Return the form for connections of one kind."""
    return type("ConnectionForm", (SftpForm if kind == "sftp" else ConnectionForm,), {"connection_kind": kind})


class TokenForm(TokenBase):
    """What a new token needs to be told."""

    scopes = forms.MultipleChoiceField(
        required=False,
        initial=list,
        choices=[(name, f"{name}: {text}") for name, text in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: all that its user may."),
    )

    expires_at = forms.DateTimeField(
        required=False,
        label=_("Expires"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=_("In UTC; refused from then on. Empty: never."),
    )

    class Meta:
        model = ApiToken
        fields = ("user", "name", "scopes", "expires_at")

    def clean_expires_at(self) -> Any:
        """Refuse a moment that has passed."""
        moment = self.cleaned_data["expires_at"]
        if moment is not None and moment <= timezone.now():
            raise ValidationError(_("This moment has passed; choose one ahead."))
        return moment
