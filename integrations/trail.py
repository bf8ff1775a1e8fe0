"""The audit trail: what was changed, by whom, by which way and why. Rows are added, never changed or removed.

The database itself chains the rows when a transaction commits (`migrations/0003_audit_guards.py`), whatever number of
processes write: `link.digest = sha256(digest of the link before ":" id of the entry ":" digest of the entry)`.
"""

from __future__ import annotations

import json
from datetime import UTC
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.utils import timezone

from integrations.access import OfEnvironments

if TYPE_CHECKING:
    from integrations.access import Viewer


def kind_of(model: models.Model | type[models.Model]) -> str:
    """Return the word by which the trail calls objects of this model: its `trail_kind`, else the model's name."""
    return str(getattr(model, "trail_kind", None) or model._meta.model_name)


class AuditEntryQuerySet(OfEnvironments, models.QuerySet["AuditEntry"]):
    def visible_to(self, user: Viewer) -> Self:
        """Return the entries about objects that this user may see, in environments that he may see."""
        rows = super().visible_to(user)
        if user.is_superuser:
            return rows
        label = "{0.app_label}.view_{0.model_name}"
        seen = {kind_of(model) for model in apps.get_models() if user.has_perm(label.format(model._meta))}
        return rows.filter(kind__in=seen)

    def about(self, subject: models.Model) -> Self:
        """Return the entries about one object."""
        return self.filter(kind=kind_of(subject), object_id=subject.pk)

    def having_text(self, text: str) -> Self:
        """Return entries with this text in the object's name, the reason, or the actor's name."""
        return self.filter(Q(name__icontains=text) | Q(reason__icontains=text) | Q(actor__icontains=text))


class AuditEntry(models.Model):
    """One change: who, when, by which way, what of which object, why. Names are kept as they were then."""

    class Source(models.TextChoices):
        API = "api", "API"
        PAGE = "page", "Page"
        ADMIN = "admin", "Workshop"
        COMMAND = "command", "Command"
        YAML = "yaml", "File"
        ENGINE = "engine", "Engine"
        MESSAGE = "message", "Message"
        INTERNAL = "internal", "Internal"

    at = models.DateTimeField(default=timezone.now)
    actor_id = models.BigIntegerField(null=True, blank=True, help_text="The user's number then.")
    actor = models.CharField(max_length=150, blank=True, default="", help_text="The user's name then.")
    source = models.CharField(max_length=16, help_text="The way by which it came.")
    act = models.CharField(max_length=24)
    kind = models.CharField(max_length=40, help_text="Of the object.")
    object_id = models.BigIntegerField(null=True, blank=True)
    name = models.CharField(max_length=255, blank=True, default="", help_text="The object's name then.")
    environment = models.CharField(max_length=50, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    on_behalf_of = models.CharField(
        max_length=500,
        blank=True,
        default="",
        help_text="What the caller said of whom it acts for; nobody checks it.",
    )
    correlation_id = models.CharField(max_length=64, blank=True, default="")
    bulk_id = models.CharField(max_length=32, blank=True, default="", help_text="Shared by what was done in one go.")
    changes = models.TextField(default="{}", help_text="JSON: the fields that changed, before and after.")
    digest = models.CharField(max_length=64, editable=False)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "change"
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["kind", "object_id", "-id"], name="audit_of_object"),
            models.Index(fields=["actor", "-id"], name="audit_of_actor"),
            models.Index(fields=["environment", "-id"], name="audit_of_environment"),
            models.Index(fields=["correlation_id"], name="audit_correlation"),
            models.Index(fields=["at"], name="audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.kind} {self.name or self.object_id or ''}".strip()

    @property
    def before(self) -> dict[str, Any]:
        """Return what the changed fields were, secrets as `***`."""
        found: dict[str, Any] = json.loads(self.changes).get("before", {})
        return found

    @property
    def after(self) -> dict[str, Any]:
        """Return what the changed fields became, secrets as `***`."""
        found: dict[str, Any] = json.loads(self.changes).get("after", {})
        return found

    def content_digest(self) -> str:
        """Return the SHA-256 of the entry's canonical JSON: all columns but id and digest, sorted, without blanks."""
        values = {name: getattr(self, name) for name in COVERED}
        values["at"] = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        return sha256(canonical(values).encode()).hexdigest()

    def write(self) -> None:
        """Add it to the trail, in the transaction of what it tells."""
        self.digest = self.content_digest()
        self.save(force_insert=True)


class AuditLink(models.Model):
    """The place of one entry in the chain; the database adds it when the entry's transaction commits."""

    position = models.BigIntegerField(primary_key=True)
    entry = models.OneToOneField(AuditEntry, on_delete=models.DO_NOTHING, db_constraint=False, related_name="link")
    digest = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.position}: {self.digest}"


class AuditHead(models.Model):
    """Where the chain ends: one row, so that a tail which was cut off is missed."""

    position = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.position}: {self.digest}"


COVERED = [
    field.attname for field in AuditEntry._meta.concrete_fields if field.attname not in {"id", "digest"}
]  # by an entry's digest


def canonical(value: Any) -> str:
    """Return JSON in its one form: keys sorted, no blanks, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def linked(before: str, entry_id: int, digest: str) -> str:
    """Return the digest of a link from that of the link before it."""
    return sha256(f"{before}:{entry_id}:{digest}".encode()).hexdigest()
