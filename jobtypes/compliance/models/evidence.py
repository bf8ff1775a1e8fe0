"""Evidence of systems, every version of it, and who touched it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from integrations import audit
from integrations.access import OfEnvironments
from jobtypes.compliance.models.refusals import SHA256, refuse_no_object, refuse_odd_texts
from jobtypes.compliance.models.systems import System

RECORDED = ("evidence_type", "key", "path", "filename", "sha256", "size", "source", "collected_at", "expires_at")


class EvidenceQuerySet(OfEnvironments, models.QuerySet["Evidence"]):
    environment_paths = ("system__environment",)

    def kept(self) -> EvidenceQuerySet:
        """Return the evidence that was not deleted."""
        return self.filter(deleted_at=None)

    def of_system(self, system: System) -> EvidenceQuerySet:
        """Return what a system has, by type."""
        return self.kept().filter(system=system).order_by("evidence_type", "key")

    def counting(
        self, at: datetime, *, expired_counts: bool = False, max_age_days: int | None = None
    ) -> EvidenceQuerySet:
        """Return what counts at an instant: not deleted, not expired (unless that counts), not too old."""
        found = self.kept()
        if not expired_counts:
            found = found.filter(Q(expires_at=None) | Q(expires_at__gt=at))
        return found if max_age_days is None else found.filter(collected_at__gte=at - timedelta(days=max_age_days))


class Evidence(models.Model):
    """One piece of evidence that a system has. Deleted ones stay, and count no more."""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="evidence", db_index=False)
    evidence_type = models.CharField(max_length=100, help_text="Such as audit-log; what controls require.")
    key = models.CharField(max_length=500, help_text="Which one of its type; a newer version has the same.")
    path = models.CharField(max_length=1000, blank=True, default="", help_text="Where it lies.")
    filename = models.CharField(max_length=500, blank=True, default="")
    sha256 = models.CharField(
        max_length=64,
        blank=True,
        default="",
        validators=[RegexValidator(SHA256, "A SHA-256 is 64 digits of 0 to 9 and a to f.")],
    )
    size = models.BigIntegerField(null=True, blank=True, validators=[MinValueValidator(0)], help_text="Bytes.")
    source = models.CharField(max_length=200, blank=True, default="", help_text="What collected it.")
    collected_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="From then on it counts no more.")
    attributes = models.JSONField(default=dict, blank=True, help_text="A JSON object: what else is known of it.")
    version = models.PositiveIntegerField(default=1, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    updated_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        ordering = ["system", "evidence_type", "key"]
        verbose_name_plural = "evidence"
        constraints = [
            models.UniqueConstraint(fields=["system", "evidence_type", "key"], name="one_row_per_evidence"),
            models.CheckConstraint(condition=Q(size__gte=0) | Q(size=None), name="evidence_has_a_size"),
        ]
        indexes = [models.Index(fields=["expires_at"], name="evidence_expires")]

    if TYPE_CHECKING:
        system_id: int
        versions: Any

    def __str__(self) -> str:
        return f"{self.evidence_type} of {self.system}"

    @property
    def environment(self) -> str:
        """Return the environment that decides who sees it."""
        return self.system.environment

    def clean(self) -> None:
        """Write the hash in lower case and refuse what is no evidence; raises ValidationError by field."""
        self.sha256 = self.sha256.lower()
        refuse_odd_texts(self, ["evidence_type", "key", "path", "filename", "source"])
        refuse_no_object("attributes", self.attributes)

    def clean_fields(self, exclude: Any = None) -> None:
        """Read a hash in whatever case it is written; raises ValidationError by field."""
        self.sha256 = self.sha256.lower()
        super().clean_fields(exclude)

    def store(
        self, *, by: str, data: Any = None, collector_version: str = "", signature: str = "", address: str = ""
    ) -> None:
        """Check and save it as a new version, logged; `data` is what its source said, as JSON. A deleted one is back.

        Raises ValidationError by field.
        """
        with transaction.atomic():
            new, before = self._state.adding, dict[str, Any]()
            if new:
                self.created_by = by
            else:
                stored = Evidence.objects.select_for_update().get(pk=self.pk)
                self.version, before = stored.version + 1, stored.recorded()
            self.updated_by, self.deleted_at = by, None
            self.full_clean()
            self.save()
            self.versions.create(
                version=self.version,
                data=self.told() if data is None else data,
                collected_at=self.collected_at,
                collector_version=collector_version[:100],
                signature=signature,
            )
            EvidenceAccess.objects.log([self.pk], EvidenceAccess.Action.WRITE, who=by, address=address)
            audit.record("create" if new else "update", self, by=by, before=before, after=self.recorded())

    def remove(self, *, by: str, address: str = "") -> None:
        """Let it count no more. Its versions stay, and the log says who did it; twice is allowed."""
        with transaction.atomic():
            now = timezone.now()
            if not Evidence.objects.kept().filter(pk=self.pk).update(deleted_at=now, updated_at=now):
                return
            self.deleted_at = now
            EvidenceAccess.objects.log([self.pk], EvidenceAccess.Action.DELETE, who=by, address=address)
            audit.record("delete", self, by=by, before=self.recorded())

    def told(self) -> dict[str, Any]:
        """Return its fields as plain JSON: times with offset."""
        times = {name: getattr(self, name) for name in ("collected_at", "expires_at")}
        return {
            **self.recorded(),
            **{name: None if at is None else at.isoformat() for name, at in times.items()},
        }

    def recorded(self) -> dict[str, Any]:
        """Return what the audit trail tells of it."""
        return {"system": self.system.name, **{name: getattr(self, name) for name in (*RECORDED, "attributes")}}


class EvidenceVersionQuerySet(OfEnvironments, models.QuerySet["EvidenceVersion"]):
    environment_paths = ("evidence__system__environment",)


class EvidenceVersion(models.Model):
    """What was said of a piece of evidence at one time."""

    evidence = models.ForeignKey(Evidence, on_delete=models.PROTECT, related_name="versions", db_index=False)
    version = models.PositiveIntegerField()
    data = models.JSONField(help_text="As its source wrote it.")
    collected_at = models.DateTimeField()
    collector_version = models.CharField(max_length=100, blank=True, default="")
    signature = models.TextField(blank=True, default="", help_text="As its source has it; nobody checks it.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EvidenceVersionQuerySet.as_manager()

    class Meta:
        ordering = ["evidence", "-version"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["evidence", "version"], name="one_row_per_evidence_version")]

    def __str__(self) -> str:
        return f"{self.evidence} version {self.version}"


class EvidenceAccessQuerySet(OfEnvironments, models.QuerySet["EvidenceAccess"]):
    environment_paths = ("evidence__system__environment",)

    def log(
        self, evidence_ids: Iterable[int], action: str, *, who: str, at: datetime | None = None, address: str = ""
    ) -> None:
        """Write down that somebody did something with each of these; one statement for up to 500."""
        actor, when = (audit.current().actor[0] or who)[:150], at or timezone.now()
        rows = [
            EvidenceAccess(evidence_id=one, action=action, who=actor, at=when, address=address)
            for one in evidence_ids
        ]
        self.bulk_create(rows, batch_size=500)


class EvidenceAccess(models.Model):
    """Who did what with a piece of evidence. Rows are added, never changed or removed: the database refuses it."""

    class Action(models.TextChoices):
        READ = "read", "Read"
        WRITE = "write", "Written"
        DELETE = "delete", "Deleted"
        VALIDATE = "validate", "Counted by a validation"

    evidence = models.ForeignKey(Evidence, on_delete=models.PROTECT, related_name="accesses", db_index=False)
    who = models.CharField(max_length=150, blank=True, default="")
    action = models.CharField(max_length=8, choices=Action)
    at = models.DateTimeField()
    address = models.CharField(max_length=45, blank=True, default="", help_text="Of the caller, where there is one.")

    objects = EvidenceAccessQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name_plural = "evidence accesses"
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                condition=Q(action__in=["read", "write", "delete", "validate"]), name="evidence_action_is_known"
            )
        ]
        indexes = [models.Index(fields=["evidence", "-at"], name="accesses_of_evidence")]

    def __str__(self) -> str:
        return f"{self.action} by {self.who}"
