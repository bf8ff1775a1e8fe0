"""How a run found one system by one catalog: the counts of its results, and on which evidence they rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import models

from integrations.access import OfEnvironments
from jobtypes.compliance.models.catalogs import Catalog
from jobtypes.compliance.models.systems import System
from jobtypes.compliance.rates import Tally

COUNTS = tuple(Tally.__dataclass_fields__)


class AssessmentQuerySet(OfEnvironments, models.QuerySet["Assessment"]):
    environment_paths = ("system__environment",)

    def newest(self) -> AssessmentQuerySet:
        """Return the newest of each system and catalog; one query along the index."""
        of_same = models.Q(system=models.OuterRef("system"), catalog=models.OuterRef("catalog"))
        newest = Assessment.objects.filter(of_same).order_by("-run_id").values("pk")[:1]
        return self.filter(pk=models.Subquery(newest))

    def before(
        self, run_id: int, systems: Iterable[int], catalogs: Iterable[int]
    ) -> dict[tuple[int, int], Assessment]:
        """Return (system, catalog) → the newest one of an earlier run; one query."""
        of_same = models.Q(system=models.OuterRef("system"), catalog=models.OuterRef("catalog"))
        newest = Assessment.objects.filter(of_same, run_id__lt=run_id).order_by("-run_id").values("pk")[:1]
        rows = self.filter(system__in=list(systems), catalog__in=list(catalogs), pk=models.Subquery(newest))
        return {(one.system_id, one.catalog_id): one for one in rows}


class Assessment(models.Model):
    """One row for each run, system and catalog, written with the results that it counts."""

    run_id = models.BigIntegerField()
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="assessments", db_index=False)
    catalog = models.ForeignKey(Catalog, on_delete=models.PROTECT, related_name="assessments")
    assessed_at = models.DateTimeField()
    passed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    insufficient = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    waived_passed = models.PositiveIntegerField(default=0)
    waived_insufficient = models.PositiveIntegerField(default=0)
    waived_other = models.PositiveIntegerField(default=0)
    regressions = models.PositiveIntegerField(default=0)
    fixed = models.PositiveIntegerField(default=0)
    basis = models.CharField(max_length=64, help_text="SHA-256 of options, requirements and controls.")
    present = models.JSONField(default=dict, help_text="Type of evidence that counted → the state of its pieces.")

    objects = AssessmentQuerySet.as_manager()

    class Meta:
        ordering = ["-run_id", "system", "catalog"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["run_id", "system", "catalog"], name="one_assessment_of_a_system"),
        ]
        indexes = [models.Index(fields=["system", "catalog", "-run_id"], name="assessments_of_system")]

    if TYPE_CHECKING:
        system_id: int
        catalog_id: int

    def __str__(self) -> str:
        return f"{self.system} by {self.catalog} in run {self.run_id}"

    @property
    def tally(self) -> Tally:
        """Return its counts."""
        return Tally(*(getattr(self, name) for name in COUNTS))
