"""Whole validations on a real database: what they store, count and refuse."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobtypes import registry
from jobtypes.base import InvalidParams, JobCancelled, JobFailed
from jobtypes.compliance import validators
from jobtypes.compliance.decision import Answer
from jobtypes.models import (
    Assessment,
    Catalog,
    Control,
    ControlRequirement,
    Evidence,
    EvidenceAccess,
    ValidationResult,
    Waiver,
)
from tests.jobtypes.running import TrialContext, execute

pytestmark = pytest.mark.django_db
HARBOUR = ("terraform-plan", "audit-log", "change-request")
FIVE = ("AC-2", "AC-3", "CM-2", "CM-3", "SC-8")


@pytest.fixture
def harbour(make_system, make_evidence, make_catalog):
    """The system of the seed's example with its three kinds of evidence, and a catalog of five controls."""
    make_catalog(*FIVE)
    system = make_system()
    for kind in HARBOUR:
        make_evidence(system, kind, collected_at=timezone.now() - timedelta(days=1))
    return system


def validated(number=1, **params):
    """Run a validation of the environment edge by the small catalog."""
    return execute(
        "compliance", {"environment": "edge", "catalogs": ["small"], **params}, TrialContext(run_id=number)
    )


def statuses(number=1):
    rows = ValidationResult.objects.filter(run_id=number).select_related("control")
    return {row.control.control_id: row.status for row in rows}


def test_two_of_five_controls_pass_with_three_kinds_of_evidence(harbour):
    outcome = validated()
    assert [name for name, status in statuses().items() if status == "pass"] == ["AC-2", "CM-2"]
    assert outcome.summary == "EVIDENCE NEEDED: 2 of 5 pass (40.0 %), 1 system."


def test_metrics_count_everything(harbour):
    metrics = validated().metrics
    assert metrics.pop("duration_ms") >= 0
    assert metrics == {
        "systems": 1,
        "controls": 5,
        "results": 5,
        "results_saved": 5,
        "errors": 0,
        "pass": 2,
        "fail": 0,
        "insufficient_evidence": 3,
        "unknown": 0,
        "waived": 0,
        "regressions": 0,
        "fixed": 0,
    }


def test_attributes_tell_who_asked_by_which_catalogs_and_how(harbour):
    attributes = validated(max_age_days=30).attributes
    assert attributes["triggered_by"] == "schedule"
    assert attributes["catalogs"] == {"small": "0" * 64}
    assert attributes["options"]["max_age_days"] == 30
    assert attributes["options"]["enhancements"] == "include"


def test_a_result_shows_what_was_asked_and_what_counted(harbour):
    validated()
    row = ValidationResult.objects.get(control__control_id="CM-2")
    assert (row.evidence_keys, row.waived, row.system) == (["change-request", "terraform-plan"], False, harbour)
    assert row.metadata["required_all"] == ["change-request"]
    assert row.validated_at.tzinfo is not None


def test_a_control_in_two_catalogs_has_a_result_in_each(harbour, make_catalog):
    make_catalog("AC-2", key="other")
    assert validated(catalogs=["small", "other"]).metrics["results_saved"] == 6
    assert ValidationResult.objects.filter(control__control_id="AC-2").count() == 2


def test_a_control_blocked_in_one_catalog_is_not_freed_by_another(harbour, make_catalog, make_evidence):
    make_evidence(harbour, "iam-policy", collected_at=timezone.now())
    make_catalog("AC-3", key="other")
    validated(catalogs=["small", "other"])
    found = ValidationResult.objects.filter(control__control_id="AC-3").values_list("control__catalog__key", "status")
    assert dict(found) == {"small": "pass", "other": "insufficient_evidence"}


@pytest.mark.parametrize(("enhancements", "count"), [("include", 3), ("exclude", 2), ("as_listed", 2)])
def test_enhancements_are_taken_or_dropped(harbour, make_catalog, enhancements, count):
    make_catalog("AC-2", "AC-2.1", "AC-4", key="deep")
    assert validated(catalogs=["deep"], enhancements=enhancements).metrics["controls"] == count


def test_withdrawn_controls_are_left_out_unless_they_are_wanted(harbour):
    Control.objects.filter(control_id="SC-8").update(withdrawn=True)
    assert validated().metrics["controls"] == 4
    assert validated(2, withdrawn="include").metrics["controls"] == 5


@pytest.mark.parametrize(("seconds", "count"), [(-1, 1), (60, 2)])
def test_evidence_counts_until_it_expires(harbour, seconds, count):
    Evidence.objects.filter(evidence_type="audit-log").update(expires_at=timezone.now() + timedelta(seconds=seconds))
    assert validated().metrics["pass"] == count


def test_expired_evidence_counts_under_compatibility(harbour):
    Evidence.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert validated(compatibility=True).metrics["pass"] == 2


def test_evidence_may_be_too_old(harbour):
    Evidence.objects.filter(evidence_type="audit-log").update(collected_at=timezone.now() - timedelta(days=31))
    assert validated(max_age_days=30).metrics["pass"] == 1


def test_deleted_evidence_does_not_count(harbour):
    Evidence.objects.get(evidence_type="audit-log").remove(by="tester")
    assert statuses() == {}
    assert validated().metrics["pass"] == 1


def test_an_alias_counts_and_is_named(harbour):
    Evidence.objects.filter(evidence_type="audit-log").update(evidence_type="azure-activity-log")
    assert validated().metrics["pass"] == 2
    row = ValidationResult.objects.get(control__control_id="AC-2")
    assert row.metadata["aliases"] == {"audit-log": "azure-activity-log"}
    assert validated(2, aliases=False).metrics["pass"] == 1


@pytest.mark.parametrize(("days", "waived"), [(0, 1), (-1, 0)])
def test_a_waiver_marks_through_its_last_day_and_changes_no_status(harbour, days, waived):
    expires = timezone.now().date() + timedelta(days=days)
    Waiver(control_id="SC-8", reason="Offline", expires=expires).store(by="tester")
    assert validated().metrics["waived"] == waived
    row = ValidationResult.objects.get(control__control_id="SC-8")
    assert (row.status, row.waived) == ("insufficient_evidence", bool(waived))


def test_a_waiver_for_another_system_marks_nothing(harbour, make_system):
    waiver = Waiver(control_id="SC-8", reason="Offline", expires=date(2999, 1, 1))
    waiver.store(by="tester", systems=[make_system("beacon", environment="IL2")])
    assert validated().metrics["waived"] == 0


def test_waivers_that_are_off_mark_nothing(harbour):
    Waiver(control_id="SC-8", reason="Offline", expires=date(2999, 1, 1)).store(by="tester")
    assert validated(waivers="off").metrics["waived"] == 0


def test_a_stored_requirement_beats_the_tables(harbour):
    ControlRequirement(control_id="SC-8", required_all=["letter"]).store(by="tester")
    validated()
    assert ValidationResult.objects.get(control__control_id="SC-8").message == "Missing: letter."


def test_a_custom_validator_can_fail_a_control(harbour):
    validators.register("SC-8", lambda question: Answer("fail", "TLS 1.0 is on."), name="tls")
    try:
        outcome = validated()
    finally:
        validators.unregister("SC-8", "tls")
    assert outcome.metrics["fail"] == 1
    assert outcome.summary.startswith("ACTION REQUIRED")


def test_the_log_of_evidence_says_that_a_validation_counted_it(harbour):
    validated(17)
    assert EvidenceAccess.objects.filter(action="validate", who="run 17").count() == 3


def test_no_systems_is_a_failure_that_says_so(harbour):
    with pytest.raises(JobFailed, match="no system in IL9"):
        validated(environment="IL9")


def test_no_controls_is_a_failure_that_says_so(harbour, make_catalog):
    make_catalog(key="empty")
    with pytest.raises(JobFailed, match="no control in empty") as failed:
        validated(catalogs=["empty"])
    assert failed.value.reason == "expected"
    assert failed.value.metrics["controls"] == 0
    assert not failed.value.retry


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"systems": ["nowhere"]}, "systems"),
        ({"catalogs": ["none"]}, "catalogs"),
        ({"controls": ["AC-2", "ZZ-9"]}, "controls"),
    ],
)
def test_unknown_names_are_refused_at_save(harbour, params, field):
    with pytest.raises(InvalidParams) as refused:
        registry.validate("validation", {"environment": "edge", "catalogs": ["small"], **params})
    assert list(refused.value.errors) == [field]


def test_an_option_beside_compatibility_is_refused(harbour):
    with pytest.raises(InvalidParams, match="compatibility sets aliases itself"):
        registry.parse(
            "compliance", {"environment": "e", "catalogs": ["small"], "compatibility": True, "aliases": True}
        )


def test_systems_and_controls_may_be_chosen(harbour, make_system):
    make_system("beacon")
    metrics = validated(systems=["beacon"], controls=["ac-2"]).metrics
    assert (metrics["systems"], metrics["controls"], metrics["results"]) == (1, 1, 1)


def test_a_chosen_system_that_moved_away_fails_the_run_and_the_others_are_kept(harbour, make_system):
    make_system("beacon", environment="IL2")
    with pytest.raises(JobFailed, match="1 of 2 systems could not be validated") as failed:
        validated(systems=["harbour", "beacon"])
    assert (failed.value.metrics["errors"], failed.value.metrics["results_saved"]) == (1, 5)
    assert len(statuses()) == 5


def test_a_system_that_breaks_is_counted_and_the_others_go_on(harbour, make_system):
    broken = make_system("anchor")
    control = Control.objects.get(control_id="AC-2")
    ValidationResult.objects.create(
        run_id=1, system=broken, control=control, status="pass", validated_at=timezone.now()
    )
    context = TrialContext(run_id=1)
    with pytest.raises(JobFailed) as failed:
        execute("compliance", {"environment": "edge", "catalogs": ["small"]}, context)
    assert failed.value.metrics["errors"] == 1
    assert ValidationResult.objects.filter(run_id=1, system=harbour).count() == 5
    assert ValidationResult.objects.filter(run_id=1, system=broken).count() == 1
    assert any("anchor was not validated. IntegrityError" in line for line in context.lines)


def test_a_cancelled_run_keeps_what_it_found(harbour):
    context = TrialContext(run_id=1)
    context.stop.set()
    with pytest.raises(JobCancelled, match="0 of 1 systems"):
        execute("compliance", {"environment": "edge", "catalogs": ["small"]}, context)


def test_a_blocked_control_passes_once_the_evidence_has_come(make_system, make_catalog, make_evidence):
    make_catalog(*FIVE)
    system = make_system()
    make_evidence(system, "iam-policy", collected_at=timezone.now())
    validated(1)
    assert statuses(1)["AC-3"] == "insufficient_evidence"
    for kind in ("audit-log", "terraform-plan"):
        make_evidence(system, kind, collected_at=timezone.now())
    validated(2)
    assert (statuses(2)["AC-2"], statuses(2)["AC-3"]) == ("pass", "pass")


def test_the_counts_of_a_system_are_kept_beside_its_results(harbour):
    validated()
    kept = Assessment.objects.get(system=harbour)
    assert (kept.tally.passed, kept.tally.insufficient, kept.tally.pass_rate) == (2, 3, 40.0)


def test_twenty_systems_by_four_hundred_controls_take_less_than_150_statements(make_system, make_evidence):
    catalog = Catalog.objects.create(key="small", sha256="0" * 64, loaded_at=timezone.now())
    families = ("AC", "AU", "CM", "SC")
    Control.objects.bulk_create(
        Control(catalog=catalog, control_id=f"{family}-{number}", family=family)
        for family in families
        for number in range(1, 101)
    )
    for number in range(20):
        make_evidence(make_system(f"system {number}"), "audit-log", collected_at=timezone.now())
    validated(1)
    with CaptureQueriesContext(connection) as asked:
        outcome = validated(2)
    assert len(asked) < 150
    assert outcome.metrics["results_saved"] == 8_000
