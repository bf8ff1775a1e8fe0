"""Connections and tokens as JSON. Secrets go in and never come out."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as Refused
from rest_framework import serializers

from integrations.models import ApiToken, Connection
from integrations.rest.fields import MomentField, Placed, StrictFields
from integrations.scopes import SCOPES
from integrations.secrets import Undecryptable

SECRETS = {
    "http": "headers",
    "sql": "password",
    "nats": "password",
}  # kind → the name under which its secrets are sent
MOST_HEADERS = 50


class ConnectionSerializer(Placed, serializers.ModelSerializer[Connection]):
    """A named way to another system. `***` in place of a secret keeps the stored one."""

    aliases = {"url": "address"}
    kept_by_us = frozenset(["id", "created_by", "updated_by", "created_at", "updated_at", "warnings"])

    name = serializers.CharField(max_length=255, trim_whitespace=False)
    address = serializers.CharField(
        max_length=2000,
        help_text="Where it leads. A password within it is taken out of sight; `${NAME}` is read when it is used.",
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
        help_text="Of kinds sql and nats; without a user a token.",
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
            *["created_by", "updated_by", "created_at", "updated_at"],
        ]
        read_only_fields = ["id", "created_by", "updated_by", "created_at", "updated_at"]
        validators: list[Any] = []

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse a secret that the kind does not have."""
        values = super().validate(values)
        if len(values.get("headers", {})) > MOST_HEADERS:
            raise serializers.ValidationError({"headers": [f"At most {MOST_HEADERS} headers."]})
        kind = str(values.get("kind") or getattr(self.instance, "kind", ""))
        wrong = [name for name in set(SECRETS.values()) if name in values and SECRETS.get(kind) != name]
        if wrong:
            raise serializers.ValidationError({name: [f"A connection of kind {kind} has none."] for name in wrong})
        return values

    def to_representation(self, connection: Connection) -> dict[str, Any]:
        """Return the connection, each secret as `***`."""
        shown = super().to_representation(connection)
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
        offered = {name: values.pop(name) for name in set(SECRETS.values()) if name in values}
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


def _by_secret(refused: Refused) -> Refused:
    """Return the refusal with a secret's error under the secret's name; the model has no such field."""
    if not hasattr(refused, "error_dict"):
        return refused
    found: dict[str, list[Refused]] = {}
    for field, errors in refused.error_dict.items():
        for error in errors:
            secret = field == NON_FIELD_ERRORS and error.code in SECRETS.values()
            found.setdefault(str(error.code) if secret else field, []).append(error)
    return Refused(found)
