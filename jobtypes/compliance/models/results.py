"""What validations found: one row per run, system and control, never changed and never removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from integrations.access import OfEnvironments
from jobtypes.compliance.models.catalogs import Control
from jobtypes.compliance.models.systems import System


class ValidationResultQuerySet(OfEnvironments, models.QuerySet["ValidationResult"]):
    environment_paths = ("system__environment",)

    def of_run(self, run_id: int) -> ValidationResultQuerySet:
        """Return what a run found, with systems and controls."""
        return self.filter(run_id=run_id).select_related("system", "control__catalog")

    def of_system(self, system: System) -> ValidationResultQuerySet:
        """Return what was found of a system, the newest run first."""
        return self.filter(system=system).order_by("-run_id", "control")


class ValidationResult(models.Model):
    """What one run found of one control of one system. `run_id` is a plain number: a run's row may be pruned."""

    class Status(models.TextChoices):
        PASS = "pass", "Pass"
        FAIL = "fail", "Fail"
        INSUFFICIENT = "insufficient_evidence", "Insufficient evidence"
        UNKNOWN = "unknown", "Unknown"

    run_id = models.BigIntegerField()
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="results", db_index=False)
    control = models.ForeignKey(Control, on_delete=models.PROTECT, related_name="results", db_index=False)
    status = models.CharField(max_length=24, choices=Status)
    message = models.TextField(blank=True, default="")
    evidence_keys = models.JSONField(default=list)
    remediation = models.TextField(blank=True, default="")
    waived = models.BooleanField(default=False)
    validated_at = models.DateTimeField()
    duration_us = models.BigIntegerField(default=0, help_text="Microseconds.")
    metadata = models.JSONField(default=dict)

    objects = ValidationResultQuerySet.as_manager()

    class Meta:
        ordering = ["-run_id", "system", "control"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["run_id", "system", "control"], name="one_result_of_a_control"),
            models.CheckConstraint(
                condition=Q(status__in=["pass", "fail", "insufficient_evidence", "unknown"]),
                name="validation_status_is_known",
            ),
        ]
        indexes = [
            models.Index(fields=["system", "-run_id"], name="results_of_system"),
            models.Index(fields=["control", "-run_id"], name="results_of_control"),
        ]

    if TYPE_CHECKING:
        system_id: int
        control_id: int

    def __str__(self) -> str:
        return f"{self.control} of {self.system}: {self.status}"
