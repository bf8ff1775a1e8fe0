"""Connections and tokens as JSON. Secrets go in and never come out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as Refused
from rest_framework import serializers

from integrations.kinds import sftp, sql
from integrations.kinds.base import Refused as RefusedPart
from integrations.models import ApiToken, Connection
from integrations.rest.fields import MomentField, Placed, StrictFields
from integrations.scopes import SCOPES
from integrations.secrets import Undecryptable

SECRETS = {
    "http": ("headers",),
    "sql": ("password",),
    "nats": ("password",),
    "sftp": ("password", "private_key"),
}  # kind → the names under which its secrets are sent
ALL_SECRETS = sorted({name for names in SECRETS.values() for name in names})
MOST_HEADERS = 50
TELLING = {"database_url": "postgresql", "host": "sftp"}  # field that one kind alone has → that kind
POSTGRESQL = "postgresql"  # another word for kind sql, where the address leads to one
NO_POSTGRESQL = "A connection of kind postgresql leads to one: postgresql://user:password@host/database."


class ConnectionSerializer(Placed, serializers.ModelSerializer[Connection]):
    """A named way to another system. `***` in place of a secret keeps the stored one."""

    aliases = {"url": "address", "database_url": "address"}
    kept_by_us = frozenset(["id", "created_by", "updated_by", "created_at", "updated_at", "warnings"])

    name = serializers.CharField(max_length=255, trim_whitespace=False)
    address = serializers.CharField(
        max_length=2000,
        required=False,
        help_text="Where it leads. A password within it is taken out of sight; `${NAME}` is read when it is used. "
        "Needed, but for kind sftp, where host and username may be sent instead.",
    )
    headers = serializers.DictField(
        child=serializers.CharField(max_length=8000, trim_whitespace=False),
        required=False,
        write_only=True,
        help_text="Of kind http: secret headers, all of them. Answers show `***` for each value.",
    )
    password = serializers.CharField(
        required=False,
        write_only=True,
        max_length=2000,
        trim_whitespace=False,
        help_text="Of kinds sql, nats (without a user a token) and sftp (with a private key its passphrase).",
    )
    private_key = serializers.CharField(
        required=False,
        write_only=True,
        allow_blank=True,
        max_length=sftp.LONGEST_KEY,
        trim_whitespace=False,
        help_text="Of kind sftp: the whole file of a private key. Empty: there is none.",
    )
    host = serializers.CharField(required=False, write_only=True, max_length=253, help_text="Of kind sftp.")
    port = serializers.IntegerField(
        required=False, write_only=True, min_value=1, max_value=65_535, help_text="Of kind sftp; 22 unless sent."
    )
    username = serializers.CharField(
        required=False, write_only=True, max_length=255, trim_whitespace=False, help_text="Of kind sftp."
    )
    host_key = serializers.CharField(
        required=False,
        write_only=True,
        allow_blank=True,
        max_length=2000,
        help_text="Of kind sftp: the fingerprint that the server must show, `SHA256:…`. Nothing is sent before.",
    )
    remote_path = serializers.CharField(
        required=False,
        write_only=True,
        max_length=1000,
        trim_whitespace=False,
        help_text="Of kind sftp: the folder of the files; `/` unless sent.",
    )

    accept_risk = serializers.BooleanField(
        required=False,
        write_only=True,
        help_text="Of kind sql: the role may do anything, and that is meant; there will be no `warnings` of it.",
    )

    class Meta:
        model = Connection
        fields = [
            *["id", "name", "kind", "description", "environment", "address", "headers", "password", "accept_risk"],
            *[*sftp.PARTS, "private_key"],
            *["created_by", "updated_by", "created_at", "updated_at"],
        ]
        read_only_fields = ["id", "created_by", "updated_by", "created_at", "updated_at"]
        validators: list[Any] = []

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated values, kind postgresql as the sql that it is; raises ValidationError by field.

        Who sends no kind, as the program did that imports come from, means the one that its fields belong to.
        """
        if isinstance(data, Mapping) and not self.partial:
            data = with_kind(data)
        if not isinstance(data, Mapping) or data.get("kind") != POSTGRESQL:
            return super().to_internal_value(data)
        values = super().to_internal_value({**data, "kind": "sql"})
        if not sql.leads_to_postgresql(str(values.get("address") or getattr(self.instance, "address", ""))):
            raise serializers.ValidationError({"address": [NO_POSTGRESQL]})
        return values

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse what the kind does not have, and make an address of the parts that were sent."""
        values = super().validate(values)
        if len(values.get("headers", {})) > MOST_HEADERS:
            raise serializers.ValidationError({"headers": [f"At most {MOST_HEADERS} headers."]})
        before = str(getattr(self.instance, "kind", ""))
        kind = str(values.get("kind") or before)
        own = {*SECRETS.get(kind, ()), *(sftp.PARTS if kind == "sftp" else ())}
        wrong = [name for name in (*ALL_SECRETS, *sftp.PARTS) if name in values and name not in own]
        if wrong:
            raise serializers.ValidationError({name: [f"A connection of kind {kind} has none."] for name in wrong})
        parts = {name: values.pop(name) for name in sftp.PARTS if name in values}
        if parts:
            stood = self.instance.address if self.instance is not None and self.partial and before == kind else ""
            values["address"] = _composed({**parts, **_only(values, "address")}, stood)
        if not self.partial and "address" not in values:
            raise serializers.ValidationError({"address": ["This field is required."]})
        return values

    def to_representation(self, connection: Connection) -> dict[str, Any]:
        """Return the connection, each secret as `***`."""
        shown = {**super().to_representation(connection), **connection.parts}
        try:
            return {**shown, **connection.masked}
        except Undecryptable:
            return shown

    def create(self, values: dict[str, Any]) -> Connection:
        """Store a new connection; raises Django's ValidationError."""
        return self.update(Connection(), values)

    def update(self, connection: Connection, values: dict[str, Any]) -> Connection:
        """Store what changed; raises Django's ValidationError."""
        values.pop("accept_risk", None)
        offered = {name: values.pop(name) for name in ALL_SECRETS if name in values}
        for name, value in values.items():
            setattr(connection, name, value)
        connection.offer(offered or None)
        try:
            connection.store(by=self.context["request"].user.get_username())
        except Refused as refused:
            raise _by_secret(refused) from None
        return connection


class SavedConnectionSerializer(ConnectionSerializer):
    """A connection just saved, with what a look at its server showed."""

    warnings = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="Sentences on a PostgreSQL role that is a superuser, or reaches files or programs of its server.",
    )

    class Meta(ConnectionSerializer.Meta):
        fields = [*ConnectionSerializer.Meta.fields, "warnings"]


class TestedSerializer(serializers.Serializer[Any]):
    """What trying a connection showed."""

    ok = serializers.BooleanField()
    sentence = serializers.CharField()
    warnings = serializers.ListField(child=serializers.CharField())
    file_count = serializers.IntegerField(required=False, help_text="Of kind sftp: how many files its folder holds.")
    host_key = serializers.CharField(
        required=False, help_text="Of kind sftp: the fingerprint that the server shows, for a person to confirm."
    )


class TokenSerializer(StrictFields, serializers.ModelSerializer[ApiToken]):
    """A token as it is listed: its text is shown once, when it is issued."""

    kept_by_us = frozenset(["id", "user", "prefix", "created_at", "last_used_at", "revoked_at"])

    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(list(SCOPES)),
        required=False,
        max_length=len(SCOPES),
        help_text="What it is for, within the user's rights; all of them if empty.",
    )
    user = serializers.CharField(source="user.username", read_only=True)
    expires_at = MomentField(required=False, allow_null=True, help_text="Never if empty; without an offset in UTC.")

    class Meta:
        model = ApiToken
        fields = ["id", "name", "scopes", "user", "prefix", "created_at", "expires_at", "last_used_at", "revoked_at"]
        read_only_fields = ["id", "prefix", "created_at", "last_used_at", "revoked_at"]


class IssuedSerializer(TokenSerializer):
    """A token just issued, with its text."""

    token = serializers.CharField(read_only=True, help_text="Shown now and never again.")

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "token"]


def with_kind(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a connection with the kind that one of them belongs to, where they name none."""
    meant = [kind for name, kind in TELLING.items() if name in values]
    return {"kind": meant[0], **values} if meant else values


def _composed(given: dict[str, Any], before: str) -> str:
    """Return the address that its parts mean; raises DRF's ValidationError by part."""
    try:
        return sftp.composed(given, before)
    except RefusedPart as refused:
        raise serializers.ValidationError({refused.field: [str(refused)]}) from None


def _only(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {name: values[name]} if name in values else {}


def _by_secret(refused: Refused) -> Refused:
    """Return the refusal with the error of a secret or part under its name; the model has no such field."""
    if not hasattr(refused, "error_dict"):
        return refused
    found: dict[str, list[Refused]] = {}
    for field, errors in refused.error_dict.items():
        for error in errors:
            own = field == NON_FIELD_ERRORS and error.code in {*ALL_SECRETS, *sftp.PARTS}
            found.setdefault(str(error.code) if own else field, []).append(error)
    return Refused(found)
