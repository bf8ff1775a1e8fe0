"""Findings: what somebody has to look into, and how it went, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone

from integrations import audit
from integrations.access import OfEnvironments
from jobtypes.compliance.models.catalogs import Control
from jobtypes.compliance.models.systems import System

STEPS: Mapping[str, frozenset[str]] = {
    "open": frozenset({"investigating", "closed"}),
    "investigating": frozenset({"remediating", "closed"}),
    "remediating": frozenset({"investigating", "closed"}),
    "closed": frozenset({"open"}),
}  # from → to; nothing else


class FindingQuerySet(OfEnvironments, models.QuerySet["Finding"]):
    environment_paths = ("system__environment",)

    def unclosed(self) -> FindingQuerySet:
        """Return the findings that are not closed."""
        return self.exclude(status="closed")

    def by_system(self, systems: Iterable[int]) -> dict[int, dict[int, Finding]]:
        """Return the number of a system → the number of a control → the finding of both; one query."""
        found: dict[int, dict[int, Finding]] = {}
        for one in self.filter(system__in=list(systems)).select_related("system", "control"):
            found.setdefault(one.system_id, {})[one.control_id] = one
        return found


class Finding(models.Model):
    """A control of a system that somebody has to look into; at most one of both is not closed."""

    class Severity(models.TextChoices):
        LOW = "low", "Low"
        MEDIUM = "medium", "Medium"
        HIGH = "high", "High"
        CRITICAL = "critical", "Critical"

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        INVESTIGATING = "investigating", "Investigating"
        REMEDIATING = "remediating", "Remediating"
        CLOSED = "closed", "Closed"

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="findings", db_index=False)
    control = models.ForeignKey(Control, on_delete=models.PROTECT, related_name="findings")
    title = models.CharField(max_length=500)
    severity = models.CharField(max_length=8, choices=Severity, default=Severity.MEDIUM)
    status = models.CharField(max_length=16, choices=Status, default=Status.OPEN)
    found_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    run_id = models.BigIntegerField(null=True, blank=True, help_text="The run that found it.")
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = FindingQuerySet.as_manager()

    class Meta:
        ordering = ["-found_at", "-pk"]
        permissions = [("acknowledge_finding", "Can move findings on")]
        constraints = [
            models.UniqueConstraint(
                fields=["system", "control"], condition=~Q(status="closed"), name="one_unclosed_finding"
            ),
            models.CheckConstraint(
                condition=Q(severity__in=["low", "medium", "high", "critical"]), name="finding_severity_is_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["open", "investigating", "remediating"], closed_at=None)
                | Q(status="closed", closed_at__isnull=False),
                name="a_closed_finding_says_when",
            ),
        ]
        indexes = [models.Index(fields=["status", "-found_at"], name="findings_by_status")]

    if TYPE_CHECKING:
        system_id: int
        control_id: int
        events: Any

    def __str__(self) -> str:
        return self.title

    @property
    def environment(self) -> str:
        """Return the environment that decides who sees it."""
        return self.system.environment

    def move(
        self, status: str, *, by: str, note: str = "", run_id: int | None = None, at: datetime | None = None
    ) -> None:
        """Go on to another status, with an event; raises ValidationError, code "conflict", where no step leads there.

        Of two that move it at once, one wins and the other is refused.
        """
        before, now = self.status, at or timezone.now()
        if status not in STEPS.get(before, ()):
            ways = ", ".join(sorted(STEPS.get(before, ())))
            raise ValidationError(f"A finding that is {before} goes to {ways}, not to {status}.", code="conflict")
        closed_at = now if status == Finding.Status.CLOSED else None
        try:
            with transaction.atomic():
                self._take_step(before, status, closed_at)
                self.events.create(before=before, after=status, who=by, at=now, note=note, run_id=run_id)
                audit.record("update", self, by=by, reason=note, before={"status": before}, after={"status": status})
        except IntegrityError:
            raise ValidationError(
                f"{self.system} has another finding on {self.control} that is not closed; go on with that one.",
                code="conflict",
            ) from None
        self.status, self.closed_at, self.version = status, closed_at, self.version + 1

    def _take_step(self, before: str, status: str, closed_at: datetime | None) -> None:
        here = Finding.objects.filter(pk=self.pk, status=before)
        if not here.update(status=status, closed_at=closed_at, version=models.F("version") + 1):
            raise ValidationError("Somebody else moved this finding meanwhile; look at it again.", code="conflict")


class FindingEventQuerySet(OfEnvironments, models.QuerySet["FindingEvent"]):
    environment_paths = ("finding__system__environment",)


class FindingEvent(models.Model):
    """One step of a finding: from where to where, who, when and why."""

    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="events", db_index=False)
    before = models.CharField(max_length=16, choices=Finding.Status, blank=True, default="", help_text="Empty: new.")
    after = models.CharField(max_length=16, choices=Finding.Status)
    who = models.CharField(max_length=150, blank=True, default="")
    at = models.DateTimeField()
    note = models.CharField(max_length=500, blank=True, default="")
    run_id = models.BigIntegerField(null=True, blank=True, help_text="The run that moved it, if one did.")

    objects = FindingEventQuerySet.as_manager()

    class Meta:
        ordering = ["finding", "at", "pk"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["finding", "at"], name="events_of_finding")]

    def __str__(self) -> str:
        return f"{self.before or 'new'} → {self.after}"
