"""Import projects as JSON: what a caller may send, and what an answer shows."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as Refused
from django.db import transaction
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from integrations.models import Connection
from integrations.rest.fields import Placed, StrictFields
from jobtypes.csv_import import inline, shape
from jobtypes.csv_import.models import ImportFileResult, ImportProject, RejectedRow

KEPT = ["id", "version", "declared_in", "created_by", "updated_by", "created_at", "updated_at"]


@extend_schema_field({"type": "string", "maxLength": 255})
class ConnectionField(serializers.Field[str, Any, str, Any]):
    """A connection by its name, or by its number. What the caller may not see does not exist."""

    def to_internal_value(self, data: Any) -> str:
        """Return the name; raises ValidationError."""
        is_number = isinstance(data, int) and not isinstance(data, bool)
        if not (is_number or isinstance(data, str)) or "\0" in str(data) or len(str(data)) > 255:
            raise serializers.ValidationError("Write the name of a connection.")
        seen = Connection.objects.visible_to(self.context["request"].user)
        named = None if is_number else seen.filter(name=data).first()
        if named is None and str(data).isascii() and str(data).isdecimal() and len(str(data)) < 19:
            named = seen.filter(pk=int(data)).first()
        if named is None and data != "":
            raise serializers.ValidationError(f"There is no connection named {str(data)!r}.")
        return named.name if named else ""

    def to_representation(self, value: str) -> str:
        """Return the name."""
        return value


class ImportProjectSerializer(Placed, serializers.ModelSerializer[ImportProject]):
    """Files of one sender and the tables that they belong to.

    The keys of `config` may also stand beside the other fields. On update only what is sent changes.
    """

    aliases = {"connection_id": "connection", "source_id": "source"}
    kept_by_us = frozenset(KEPT)

    name = serializers.CharField(max_length=255, trim_whitespace=False)
    connection = ConnectionField(help_text="Of kind sql, leading to PostgreSQL; by its name or number.")
    source = ConnectionField(  # type: ignore[assignment]  # the field's name is the contract
        required=False, allow_null=True, help_text="Of kind sftp; null or empty: files lie on this machine."
    )
    config = serializers.DictField(required=False, help_text="As docs/reference/imports.md says.")

    class Meta:
        model = ImportProject
        fields = ["id", "name", "description", "environment", "connection", "source", "config", *KEPT[1:]]
        read_only_fields = KEPT
        validators: list[Any] = []

    def get_fields(self) -> dict[str, Any]:
        """Return the fields, and one for each key of the configuration."""
        flat = {
            name: serializers.JSONField(write_only=True, required=False, help_text="The same in `config`.")
            for name in (*shape.KEYS, inline.KEY)
        }
        return {**super().get_fields(), **flat}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the values, keys of the configuration within it; raises ValidationError by field."""
        values: dict[str, Any] = super().to_internal_value(data)
        config = values.get("config")
        if config and inline.KEY in config and inline.KEY not in values:
            values["config"] = {key: value for key, value in config.items() if key != inline.KEY}
            values[inline.KEY] = config[inline.KEY]
        flat = {name: values.pop(name) for name in shape.KEYS if name in values}
        config = values.get("config")
        if twice := flat.keys() & (config or {}).keys():
            sentence = "Send it here or in config, not twice."
            raise serializers.ValidationError({name: [sentence] for name in sorted(twice)})
        if config is None and not flat and self.instance is None:
            raise serializers.ValidationError({"config": ["This field is required."]})
        if config is not None or flat:
            stored = self.instance.config if self.instance is not None and config is None else {}
            values["config"] = self._own({**stored, **(config or {}), **flat}, values.get("name"))
        return values

    def create(self, values: dict[str, Any]) -> ImportProject:
        """Store a new project; raises ValidationError."""
        return self.update(ImportProject(), values)

    def update(self, project: ImportProject, values: dict[str, Any]) -> ImportProject:
        """Store what was sent, null clearing it, and the connection of an `sftp` block; raises ValidationError."""
        block = values.pop(inline.KEY, None)
        for name, value in values.items():
            setattr(project, name, "" if value is None else value)
        with transaction.atomic():
            if block is not None:
                project.source = inline.connected(
                    block, project=project.name, environment=project.environment, context=self.context
                )
            try:
                project.store(by=self.context["request"].user.get_username())
            except Refused as refused:
                raise self._at_their_keys(refused) from None
        return project

    def _own(self, config: dict[str, Any], name: str | None) -> dict[str, Any]:
        """Return the configuration without the project's name, which the files of others repeat within it."""
        own = name or getattr(self.instance, "name", None)
        return {key: value for key, value in config.items() if key != "name" or value != own}

    def _at_their_keys(self, refused: Refused) -> Refused:
        """Return the refusal with what is said of a key of the configuration under the name that was sent."""
        if "config" not in getattr(refused, "error_dict", {}):
            return refused
        errors: dict[str, list[str]] = {name: list(texts) for name, texts in refused.message_dict.items()}
        sent = self.initial_data if isinstance(self.initial_data, dict) else {}
        for sentence in errors.pop("config"):
            key, colon, rest = sentence.partition(": ")
            where = key if key.partition(".")[0] in sent else f"config.{key}"
            is_key = colon and " " not in key
            errors.setdefault(where if is_key else "config", []).append(rest if is_key else sentence)
        return Refused(errors)


class TryImportSerializer(StrictFields):
    """Which files, if not those that the project finds itself."""

    local_files = serializers.ListField(
        child=serializers.CharField(max_length=1_000, trim_whitespace=False),
        max_length=1_000,
        required=False,
        allow_null=True,
        help_text="Exactly these, in this order, below LOCAL_FILES_ROOT.",
    )
    sftp_override = serializers.DictField(
        required=False, allow_null=True, help_text="`source`, an SFTP connection, `remote_path` on it, or both."
    )
    environment = serializers.CharField(
        max_length=50, required=False, help_text="Where it runs, for a project of all environments."
    )

    def params(self, project: str) -> dict[str, Any]:
        """Return the parameters of a run of this project."""
        sent = {name: self.validated_data.get(name) for name in ("local_files", "sftp_override")}
        return {"project": project, **{name: value for name, value in sent.items() if value is not None}}


class StartImportSerializer(TryImportSerializer):
    """Which files, if not those that the project finds itself, and whom to call when it has ended."""

    project = serializers.CharField(max_length=255, required=False, help_text="May be repeated from the address.")
    callback_url = serializers.CharField(
        max_length=2_000, required=False, allow_null=True, help_text="Needs the right to make schedules."
    )


class FileResultSerializer(serializers.ModelSerializer[ImportFileResult]):
    """How one file of a run went. If loaded, rows_read = inserted + updated + skipped + rejected + duplicates."""

    columns_added = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = ImportFileResult
        fields = [
            *["id", "run_id", "project", "filename", "table_name", "status"],
            *["rows_read", "inserted", "updated", "skipped", "rejected", "duplicates", "columns_added"],
            *["bytes", "sha256", "duration_ms", "error_type", "error", "ended_at"],
        ]
        read_only_fields = fields


class RejectedRowSerializer(serializers.ModelSerializer[RejectedRow]):
    """A row that was left out, and why."""

    run_id = serializers.IntegerField(source="file.run_id", read_only=True)
    filename = serializers.CharField(source="file.filename", read_only=True)

    class Meta:
        model = RejectedRow
        fields = ["id", "run_id", "filename", "line", "column", "reason", "raw"]
        read_only_fields = fields


class StartedSerializer(serializers.Serializer[Any]):
    """The run that was asked for; both ids are the same."""

    execution_id = serializers.IntegerField()
    job_id = serializers.IntegerField()
    schedule_id = serializers.IntegerField(help_text="The schedule to which imports by hand belong.")
    callback_secret = serializers.CharField(required=False, help_text="Where callbacks begin: shown this once.")


class FoundFileSerializer(serializers.Serializer[Any]):
    """A file that a run would take, and its table."""

    filename = serializers.CharField()
    table_name = serializers.CharField()
    bytes = serializers.IntegerField()


class RefusedFileSerializer(serializers.Serializer[Any]):
    """A file that a run would fail on without reading it."""

    filename = serializers.CharField()
    error_type = serializers.CharField()
    error = serializers.CharField()


class LookedImportSerializer(serializers.Serializer[Any]):
    """Whether the database answers, and which files a run would take now."""

    ok = serializers.BooleanField()
    sentence = serializers.CharField()
    target = serializers.CharField()
    file_count = serializers.IntegerField()
    files = FoundFileSerializer(many=True)
    refused = RefusedFileSerializer(many=True)
    waiting = serializers.ListField(child=serializers.CharField(), help_text="Still being written.")


class TriedImportSerializer(serializers.Serializer[Any]):
    """What an import would do: everything was done and rolled back."""

    ok = serializers.BooleanField()
    sentence = serializers.CharField()
    status = serializers.ChoiceField(["completed", "partial", "failed"])
    total_inserted = serializers.IntegerField(required=False)
    total_updated = serializers.IntegerField(required=False)
    total_skipped = serializers.IntegerField(required=False)
    total_rejected = serializers.IntegerField(required=False)
    total_duplicates = serializers.IntegerField(required=False)
    files = serializers.ListField(
        child=serializers.DictField(), help_text="Numbers of each, with its first changes and rejects."
    )
