"""What is imported, how each file went, and what was loaded before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models, transaction
from django.db.models import Q

from integrations import audit, references
from integrations.access import OfEnvironments
from integrations.models import Connection
from integrations.naming import has_control_characters
from jobtypes.csv_import import shape
from jobtypes.csv_import.config import ImportConfig

MOST_NAMED = 20  # schedules that a refusal names


class ImportProjectQuerySet(OfEnvironments, models.QuerySet["ImportProject"]):
    has_common = True

    def named(self, name: str) -> ImportProject:
        """Return the project of that name; raises DoesNotExist with a sentence for people."""
        found = None if "\0" in name else self.filter(name=name).first()  # PostgreSQL takes no NUL
        if found is None:
            raise self.model.DoesNotExist(f"There is no import project named {name!r}.")
        return found

    def named_or_numbered(self, name_or_id: str) -> ImportProject:
        """Return the project of that name, or else of that number; raises DoesNotExist with a sentence."""
        try:
            return self.named(name_or_id)
        except self.model.DoesNotExist:
            is_number = name_or_id.isascii() and name_or_id.isdecimal() and len(name_or_id) < 19
            found = self.filter(pk=int(name_or_id)).first() if is_number else None
            if found is None:
                raise
            return found

    def declared_in(self, sources: Iterable[str]) -> ImportProjectQuerySet:
        """Return projects that come from these files or folders."""
        return self.filter(declared_in__in=sources)


class ImportProject(models.Model):
    """Files of one sender and the tables that they belong to. Change it with `store` and `remove`."""

    trail_kind = "import-project"

    name = models.CharField(max_length=255, unique=True, help_text="Schedules refer to it by this name.")
    description = models.TextField(max_length=1000, validators=[MaxLengthValidator(1000)], blank=True, default="")
    environment = models.CharField(
        max_length=50,
        blank=True,
        default="",
        help_text="Only schedules of this environment may use it; all if empty.",
    )
    connection = models.CharField(max_length=255, help_text="The PostgreSQL connection whose tables are filled.")
    source = models.CharField(
        max_length=255, blank=True, default="", help_text="The SFTP connection where files are fetched, if anywhere."
    )
    config = models.JSONField(default=dict, help_text="Which file belongs to which table, and how it is read.")
    declared_in = models.CharField(
        max_length=500, blank=True, default="", editable=False, help_text="The file or folder that declares it."
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    created_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    updated_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ImportProjectQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = "import project"
        permissions = [("import_importproject", "Can start an import and try one")]

    if TYPE_CHECKING:
        uses: Any

    def __str__(self) -> str:
        return self.name

    @property
    def read(self) -> ImportConfig:
        """Return the stored configuration as it was read; raises shape.Unreadable."""
        return shape.read(self.config)

    def clean(self) -> None:
        """Refuse what cannot be imported; raises ValidationError by field.

        Of `config` each sentence begins with the key that it is about.
        """
        errors: dict[str, list[str]] = {}
        if self.name != self.name.strip() or has_control_characters(self.name) or "/" in self.name:
            errors["name"] = ["Control characters, slashes and blanks at the ends are not allowed."]
        for field, kind in (("connection", "sql"), ("source", "sftp")):
            if sentence := self._refusal(getattr(self, field), kind):
                errors[field] = [sentence]
        try:
            shape.read(self.config)
        except shape.Unreadable as refused:
            errors["config"] = refused.sentences
        elsewhere = self.uses.exclude(environment=self.environment) if self.pk and self.environment else None
        if elsewhere is not None and elsewhere.exists():
            errors["environment"] = [f"Schedules of other environments than {self.environment} use it."]
        if errors:
            raise ValidationError(errors)

    def store(self, *, by: str) -> None:
        """Check and save it as a new version; raises ValidationError by field.

        The name that schedules use stays: then a new one is refused with code "conflict".
        """
        with transaction.atomic():
            new, before = self._state.adding, dict[str, Any]()
            if new:
                self.created_by = self.created_by or by
            else:
                stored = ImportProject.objects.select_for_update().get(pk=self.pk)
                self.version, before = stored.version + 1, stored.recorded()
                if stored.name != self.name and (names := stored.used_by()):
                    raise ValidationError(f"{stored.name} is named by {names}; its name stays.", code="conflict")
            self.updated_by = by
            self.full_clean()
            self.save()
            audit.record("create" if new else "update", self, by=by, before=before, after=self.recorded())

    def remove(self, *, by: str) -> None:
        """Delete it with its memory of files; raises ValidationError, code "conflict", while schedules use it."""
        with transaction.atomic():
            ImportProject.objects.select_for_update().get(pk=self.pk)
            if names := self.used_by():
                raise ValidationError(
                    f"{self.name} is in use by {names}. Delete these schedules first.", code="conflict"
                )
            audit.record("delete", self, by=by, before=self.recorded())
            self.delete()

    def used_by(self) -> str:
        """Return the names of the schedules that use it, as words; empty if none does."""
        names = list(self.uses.order_by("schedule_name").values_list("schedule_name", flat=True)[: MOST_NAMED + 1])
        more = " and others" if len(names) > MOST_NAMED else ""
        return f"{', '.join(names[:MOST_NAMED])}{more}"

    def recorded(self) -> dict[str, Any]:
        """Return what the audit trail tells of it."""
        told = ("name", "description", "environment", "connection", "source", "config", "declared_in")
        return {name: getattr(self, name) for name in told}

    def _refusal(self, name: str, kind: str) -> str:
        """Return why the connection of that name does not serve this project; empty if it does."""
        if not name and kind == "sftp":
            return ""
        try:
            found = Connection.objects.within([self.environment] if self.environment else None).named(name, kind=kind)
        except Connection.DoesNotExist as missing:
            return str(missing)
        if found.environment not in {"", self.environment}:
            return f"{name!r} serves {found.environment} only, and this project every environment. Name one for it."
        if kind == "sql" and not references.names(found.address) and not found.address.startswith("postgres"):
            return f"{name!r} leads to {found.address.partition(':')[0]}; imports load into PostgreSQL."
        return ""


class ImportUse(models.Model):
    """A schedule, not a deleted one, that names a project: it keeps the project from being deleted."""

    project = models.ForeignKey(ImportProject, on_delete=models.PROTECT, related_name="uses")
    schedule_id = models.BigIntegerField(unique=True)
    schedule_name = models.CharField(max_length=255)
    environment = models.CharField(max_length=50)

    def __str__(self) -> str:
        return f"{self.schedule_name} uses {self.project}"


class ImportFileResultQuerySet(OfEnvironments, models.QuerySet["ImportFileResult"]):
    def of_run(self, run_id: int) -> ImportFileResultQuerySet:
        """Return the files of one run, in the order in which they were taken."""
        return self.filter(run_id=run_id).order_by("id")


class ImportFileResult(models.Model):
    """How one file of one run went. Written when the file ends, so that it stays whatever becomes of the run."""

    class Status(models.TextChoices):
        LOADED = "loaded", "Loaded"
        FAILED = "failed", "Failed"
        ALREADY_IMPORTED = "already_imported", "Imported before"

    run_id = models.BigIntegerField()
    project = models.CharField(max_length=255)
    environment = models.CharField(max_length=50)
    filename = models.CharField(max_length=1000)
    table_name = models.CharField(max_length=200, blank=True, default="", help_text="Schema and table.")
    status = models.CharField(max_length=16, choices=Status)
    rows_read = models.PositiveBigIntegerField(default=0)
    inserted = models.PositiveBigIntegerField(default=0)
    updated = models.PositiveBigIntegerField(default=0)
    skipped = models.PositiveBigIntegerField(default=0, help_text="Rows that the table had already, the same.")
    rejected = models.PositiveBigIntegerField(default=0)
    duplicates = models.PositiveBigIntegerField(default=0)
    columns_added = models.JSONField(default=list, blank=True)
    bytes = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    duration_ms = models.PositiveBigIntegerField(default=0)
    error_type = models.CharField(max_length=64, blank=True, default="")
    error = models.TextField(blank=True, default="")
    ended_at = models.DateTimeField(auto_now_add=True)

    objects = ImportFileResultQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "imported file's result"
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["loaded", "failed", "already_imported"]), name="file_status_is_known"
            ),
        ]
        indexes = [
            models.Index(fields=["run_id", "id"], name="files_of_run"),
            models.Index(fields=["project", "id"], name="files_of_project"),
        ]

    if TYPE_CHECKING:
        rejects: Any

    def __str__(self) -> str:
        return f"{self.filename} of run {self.run_id}"


class RejectedRowQuerySet(OfEnvironments, models.QuerySet["RejectedRow"]):
    environment_paths = ("file__environment",)

    def of_run(self, run_id: int) -> RejectedRowQuerySet:
        """Return the rows of one run, file by file and in the order of their lines."""
        return self.filter(file__run_id=run_id).select_related("file").order_by("id")


class RejectedRow(models.Model):
    """A row that was left out, and why. At most 1,000 are kept of a file; the file's count is exact."""

    file = models.ForeignKey(ImportFileResult, on_delete=models.CASCADE, related_name="rejects")
    line = models.PositiveBigIntegerField(help_text="In the file, from 1; where its record begins.")
    column = models.CharField(max_length=63, blank=True, default="")
    reason = models.CharField(max_length=500)
    raw = models.CharField(max_length=1024, blank=True, default="", help_text="The row as it stands in the file.")

    objects = RejectedRowQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"Line {self.line}: {self.reason}"


class ImportedFileQuerySet(OfEnvironments, models.QuerySet["ImportedFile"]):
    environment_paths = ("project__environment",)
    has_common = True


class ImportedFile(models.Model):
    """The memory of a file that was loaded: the same bytes, into the same table, read in the same way."""

    project = models.ForeignKey(ImportProject, on_delete=models.CASCADE, related_name="files", db_index=False)
    table_name = models.CharField(max_length=200)
    filename = models.CharField(max_length=1000)
    sha256 = models.CharField(max_length=64)
    config_digest = models.CharField(max_length=64, help_text="Of how it was read.")
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    imported_at = models.DateTimeField()
    run_id = models.BigIntegerField()

    objects = ImportedFileQuerySet.as_manager()

    class Meta:
        ordering = ["-imported_at"]
        verbose_name = "imported file"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "sha256", "table_name", "config_digest"], name="one_memory_of_a_file"
            )
        ]

    def __str__(self) -> str:
        return self.filename
