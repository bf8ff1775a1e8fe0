"""What changes from one validation to the next: regressions, findings, and results that are carried on."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from jobtypes.compliance import validators
from jobtypes.compliance.requirements import CONTROLS, FAMILIES
from jobtypes.models import Evidence, Finding, FindingEvent, ValidationResult, Waiver
from tests.jobtypes.running import TrialContext, execute

pytestmark = pytest.mark.django_db
YESTERDAY = timedelta(days=1)


@pytest.fixture
def harbour(make_system, make_evidence, make_catalog):
    """A system whose AC-2 and CM-2 pass."""
    make_catalog("AC-2", "AC-3", "CM-2", "CM-3", "SC-8")
    system = make_system()
    for kind in ("terraform-plan", "audit-log", "change-request"):
        make_evidence(system, kind, collected_at=timezone.now() - YESTERDAY)
    return system


def validated(number, **params):
    params = {"environment": "edge", "catalogs": ["small"], **params}
    return execute("compliance", params, TrialContext(run_id=number)).metrics


def expire(at):
    Evidence.objects.filter(evidence_type="audit-log").update(expires_at=at)


def statuses(number):
    rows = ValidationResult.objects.filter(run_id=number).select_related("control")
    return {row.control.control_id: row.status for row in rows}


def test_evidence_that_expired_is_a_regression_and_a_finding_and_its_renewal_closes_it(harbour):
    validated(1)
    expire(timezone.now())
    assert validated(2)["regressions"] == 1
    finding = Finding.objects.get()
    assert (finding.control.control_id, finding.severity, finding.status) == ("AC-2", "medium", "open")
    assert finding.run_id == 2
    expire(timezone.now() + YESTERDAY)
    metrics = validated(3)
    assert (metrics["regressions"], metrics["fixed"]) == (0, 1)
    finding.refresh_from_db()
    assert finding.status == "closed"
    events = FindingEvent.objects.filter(finding=finding).values_list("after", "run_id", "who")
    assert list(events) == [("open", 2, "run 2"), ("closed", 3, "run 3")]


def test_a_finding_that_lasts_is_not_opened_again(harbour):
    validated(1)
    expire(timezone.now())
    validated(2)
    assert validated(3)["regressions"] == 0
    assert Finding.objects.count() == 1


def test_a_control_that_never_passed_is_no_finding_unless_all_are_wanted(harbour):
    validated(1)
    assert Finding.objects.count() == 0
    validated(2, findings="all")
    assert set(Finding.objects.values_list("control__control_id", "severity")) == {
        ("AC-3", "low"),
        ("CM-3", "low"),
        ("SC-8", "low"),
    }


def test_no_finding_is_opened_where_they_are_off_or_the_control_is_waived(harbour):
    validated(1)
    expire(timezone.now())
    assert validated(2, findings="off")["regressions"] == 1
    Waiver(control_id="CM-2", reason="Frozen", expires=timezone.now().date()).store(by="tester")
    Evidence.objects.filter(evidence_type="change-request").update(expires_at=timezone.now())
    assert validated(3)["regressions"] == 1
    assert Finding.objects.count() == 0


def test_a_finding_that_people_work_on_is_closed_by_a_pass(harbour):
    validated(1)
    expire(timezone.now())
    validated(2)
    Finding.objects.get().move("investigating", by="ada")
    expire(None)
    validated(3)
    assert Finding.objects.get().status == "closed"


def test_an_incremental_run_decides_what_changed_and_carries_the_rest_on(harbour, make_evidence):
    validated(1)
    make_evidence(harbour, "certificate", collected_at=timezone.now())
    validated(2, incremental=True)
    carried = {
        row.control.control_id: row.metadata.get("carried", False)
        for row in ValidationResult.objects.filter(run_id=2).select_related("control")
    }
    assert carried == {"AC-2": True, "AC-3": True, "CM-2": True, "CM-3": True, "SC-8": False}
    assert statuses(2)["SC-8"] == "pass"
    first, second = (ValidationResult.objects.get(run_id=run, control__control_id="AC-2") for run in (1, 2))
    assert second.validated_at == first.validated_at


def test_the_first_incremental_run_decides_all(harbour):
    assert validated(1, incremental=True)["results"] == 5
    assert not any(row.metadata.get("carried") for row in ValidationResult.objects.all())


def test_other_options_are_decided_all_over(harbour):
    validated(1)
    validated(2, incremental=True, max_age_days=30)
    assert not any(row.metadata.get("carried") for row in ValidationResult.objects.filter(run_id=2))


def test_incremental_and_whole_runs_agree_after_each_of_forty_random_changes(
    make_system, make_evidence, make_catalog
):
    chance = random.Random(9)
    types = sorted({one for table in (FAMILIES, CONTROLS) for needed in table.values() for one in needed.types})
    types += ["azure-activity-log", "github-run-logs"]
    make_catalog("AC-2", "AC-3", "AU-6", "CM-3", "IA-2", "RA-5", "SC-8", "SI-2", "ZZ-1")
    system = make_system()
    for number in range(40):
        for kind in chance.sample(types, 3):
            row = Evidence.objects.filter(system=system, evidence_type=kind).first()
            if row is None or row.deleted_at is not None:
                row = row or Evidence(system=system, evidence_type=kind, key=kind)
                row.collected_at = timezone.now()
                row.store(by="tester")
            else:
                row.remove(by="tester")
        validated(2 * number + 1, incremental=True)
        validated(2 * number + 2)
        assert statuses(2 * number + 1) == statuses(2 * number + 2)


def test_what_was_found_before_a_run_was_ended_hard_stays_and_its_retry_is_whole(harbour, make_system):
    make_system("lighthouse")
    asked = []

    def ends(question):
        asked.append(question)
        if len(asked) == 2:
            raise SystemExit(9)

    validators.register("SC-8", ends, name="ends")
    try:
        with pytest.raises(SystemExit):
            validated(1)
    finally:
        validators.unregister("SC-8", "ends")
    assert set(ValidationResult.objects.values_list("system__name", flat=True)) == {"harbour"}
    assert validated(2)["results_saved"] == 10
    assert ValidationResult.objects.filter(run_id=1).count() == 5
