"""The published baselines, read and decided: the counts that two tools must agree on. Skipped without the files."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from jobtypes.models import ValidationResult
from tests.jobtypes.running import TrialContext, execute

pytestmark = pytest.mark.django_db
FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "oscal"
PROFILE = FOLDER / "nist-sp800-53b-low.json"
RESOLVED = FOLDER / "NIST_SP-800-53_rev5_LOW-baseline-resolved-profile_catalog-min.json"
SEVEN = (
    *("terraform-plan", "audit-log", "change-request", "mfa-config", "backup-config", "vulnerability-scan"),
    "iam-policy",
)


@pytest.fixture
def harbour(make_system, make_evidence):
    """A system with seven kinds of evidence, in the environment edge."""
    if not FOLDER.exists():
        pytest.skip(f"the published catalogs are not there: {FOLDER}")
    system = make_system()
    for kind in SEVEN:
        make_evidence(system, kind, collected_at=timezone.now() - timedelta(days=1))
    return system


def validated(number, key, **params):
    return execute(
        "compliance", {"environment": "edge", "catalogs": [key], **params}, TrialContext(run_id=number)
    ).metrics


def statuses(number):
    rows = ValidationResult.objects.filter(run_id=number)
    return dict(rows.values_list("control__control_id", "status"))


def test_the_low_profile_has_72_that_pass_and_77_that_lack_evidence(harbour):
    call_command("loadcatalog", str(PROFILE), "--key", "low")
    metrics = validated(1, "low")
    assert (metrics["controls"], metrics["pass"], metrics["insufficient_evidence"]) == (149, 72, 77)
    metrics = validated(2, "low", compatibility=True)
    assert (metrics["controls"], metrics["pass"], metrics["insufficient_evidence"]) == (149, 72, 77)


def test_the_low_catalog_has_61_and_70_under_compatibility(harbour):
    call_command("loadcatalog", str(RESOLVED), "--key", "catalog")
    metrics = validated(1, "catalog", compatibility=True)
    assert (metrics["controls"], metrics["pass"], metrics["insufficient_evidence"]) == (131, 61, 70)


def test_without_evidence_nothing_passes_and_nothing_is_unknown(harbour, make_system):
    make_system("bare", environment="IL2")
    call_command("loadcatalog", str(PROFILE), "--key", "low")
    metrics = validated(1, "low", environment="IL2")
    assert (metrics["pass"], metrics["unknown"], metrics["insufficient_evidence"]) == (0, 0, 149)


def test_the_catalog_with_its_enhancements_is_the_profile(harbour):
    call_command("loadcatalog", str(PROFILE), "--key", "low")
    call_command("loadcatalog", str(RESOLVED), "--key", "catalog")
    validated(1, "low")
    validated(2, "catalog", enhancements="include")
    assert len(statuses(1)) == 149
    assert statuses(1) == statuses(2)
