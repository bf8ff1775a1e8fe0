from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from integrations.models import AuditEntry
from jobtypes.models import (
    Control,
    ControlRequirement,
    Evidence,
    EvidenceAccess,
    Finding,
    System,
    ValidationResult,
    Waiver,
)
from tests import trail
from tests.jobtypes.compliance.conftest import NOON

STATUSES = ("open", "investigating", "remediating", "closed")
SECOND = timedelta(seconds=1)


@pytest.fixture
def guarded(transactional_db):
    """The database as an installation has it: it refuses changes of what was found."""
    trail.add_compliance_guards(connection)
    yield
    trail.remove_compliance_guards(connection)


def a_result(system, control, **fields):
    return ValidationResult.objects.create(
        **{"run_id": 1, "system": system, "control": control, "status": "pass", "validated_at": NOON, **fields}
    )


def a_finding(system, control, status="open"):
    closed_at = NOON if status == "closed" else None
    return Finding.objects.create(
        system=system,
        control=control,
        title="AC-2 no longer passes",
        status=status,
        found_at=NOON,
        closed_at=closed_at,
    )


def a_waiver(*systems, **fields):
    waiver = Waiver(**{"control_id": "AC-2", "reason": "Accepted.", "expires": date(2026, 12, 31), **fields})
    waiver.store(by="tester", systems=systems)
    return waiver


def test_exactly_seven_of_the_sixteen_steps_of_a_finding_are_taken(make_system, make_catalog):
    system, control = make_system(), make_catalog("AC-2").controls.get()
    taken = []
    for before in STATUSES:
        for after in STATUSES:
            finding = a_finding(system, control, before)
            try:
                finding.move(after, by="tester")
            except ValidationError:
                assert not finding.events.exists()
            else:
                taken.append((before, after))
                assert Finding.objects.get(pk=finding.pk).status == after
                assert [(one.before, one.after) for one in finding.events.all()] == [(before, after)]
            finding.delete()
    assert taken == [
        ("open", "investigating"),
        ("open", "closed"),
        ("investigating", "remediating"),
        ("investigating", "closed"),
        ("remediating", "investigating"),
        ("remediating", "closed"),
        ("closed", "open"),
    ]


def test_of_two_that_move_a_finding_at_once_the_second_is_refused(make_system, make_catalog):
    finding = a_finding(make_system(), make_catalog("AC-2").controls.get())
    other = Finding.objects.get(pk=finding.pk)
    finding.move("closed", by="first")
    with pytest.raises(ValidationError, match="meanwhile"):
        other.move("investigating", by="second")
    assert Finding.objects.get(pk=finding.pk).status == "closed"


def test_a_finding_is_not_opened_again_beside_another(make_system, make_catalog):
    system, control = make_system(), make_catalog("AC-2").controls.get()
    old = a_finding(system, control, "closed")
    a_finding(system, control)
    with pytest.raises(ValidationError, match="another finding"):
        old.move("open", by="tester")
    assert Finding.objects.get(pk=old.pk).status == "closed"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE jobtypes_validationresult SET status = 'fail'",
        "DELETE FROM jobtypes_validationresult",
        "UPDATE jobtypes_evidenceaccess SET who = 'nobody'",
        "DELETE FROM jobtypes_evidenceaccess",
    ],
)
def test_the_database_refuses_to_change_what_was_found(guarded, statement, make_system, make_catalog, make_evidence):
    system = make_system()
    a_result(system, make_catalog("AC-2").controls.get())
    make_evidence(system)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert ValidationResult.objects.get().status == "pass"
    assert EvidenceAccess.objects.get().who == "tester"


def test_a_control_has_one_result_in_a_run(make_system, make_catalog):
    system, control = make_system(), make_catalog("AC-2").controls.get()
    a_result(system, control)
    with pytest.raises(DatabaseError), transaction.atomic():
        a_result(system, control)
    a_result(system, control, run_id=2)


def test_evidence_counts_until_the_instant_it_expires(make_system, make_evidence):
    make_evidence(make_system(), expires_at=NOON)
    assert Evidence.objects.counting(NOON - SECOND).exists()
    assert not Evidence.objects.counting(NOON).exists()
    assert Evidence.objects.counting(NOON, expired_counts=True).exists()


def test_evidence_that_is_too_old_counts_no_more(make_system, make_evidence):
    make_evidence(make_system())
    later = NOON + timedelta(days=30)
    assert Evidence.objects.counting(later, max_age_days=30).exists()
    assert not Evidence.objects.counting(later + SECOND, max_age_days=30).exists()


def test_deleted_evidence_counts_no_more_and_is_back_when_stored_again(make_system, make_evidence):
    row = make_evidence(make_system())
    row.remove(by="tester")
    row.remove(by="tester")
    assert not Evidence.objects.counting(NOON, expired_counts=True).exists()
    row.store(by="tester")
    assert Evidence.objects.counting(NOON).get().version == 2
    assert [one.action for one in EvidenceAccess.objects.order_by("pk")] == ["write", "delete", "write"]


def test_every_store_of_evidence_is_a_version(make_system, make_evidence):
    row = make_evidence(make_system(), path="first.json")
    row.path = "second.json"
    row.store(by="tester", data={"path": "second.json"})
    assert [(one.version, one.data["path"]) for one in row.versions.all()] == [(2, "second.json"), (1, "first.json")]


@pytest.mark.parametrize("sha256", ["abc", "g" * 64, "a" * 63, "a" * 65])
def test_a_hash_of_another_shape_is_refused(make_system, make_evidence, sha256):
    with pytest.raises(ValidationError, match="sha256"):
        make_evidence(make_system(), sha256=sha256)
    assert not Evidence.objects.exists()


def test_a_hash_in_capitals_is_read(make_system, make_evidence):
    assert make_evidence(make_system(), sha256="AB" * 32).sha256 == "ab" * 32


def test_a_system_with_evidence_is_not_deleted(make_system, make_evidence):
    system = make_system()
    make_evidence(system).remove(by="tester")
    with pytest.raises(ValidationError, match="kept for the auditor"):
        system.remove(by="tester")


def test_a_system_that_a_waiver_names_is_not_deleted(make_system):
    system = make_system()
    a_waiver(system)
    with pytest.raises(ValidationError, match="Waivers name"):
        system.remove(by="tester")


def test_changes_of_a_system_are_written_down(make_system):
    system = make_system()
    system.environment = "il2"
    system.store(by="tester")
    system.remove(by="tester")
    told = AuditEntry.objects.filter(kind="system").order_by("pk")
    assert [(one.act, one.environment) for one in told] == [("create", "edge"), ("update", "il2"), ("delete", "il2")]
    assert told[1].before == {"environment": "edge"}


def test_a_waiver_holds_through_the_day_it_expires(db):
    a_waiver(expires=date(2026, 12, 31))
    assert Waiver.objects.active_on(date(2026, 12, 31)).exists()
    assert not Waiver.objects.active_on(date(2027, 1, 1)).exists()


def test_waivers_are_counted_as_they_stand_on_a_day(db):
    day = date(2026, 11, 27)
    for days in (-1, 0, 30, 31):
        a_waiver(expires=day + timedelta(days=days))
    report = Waiver.objects.report(day)
    assert (report.total, report.active, report.expired, report.expiring) == (4, 3, 1, 2)


def test_the_scopes_of_waivers_name_systems_or_none_for_all(make_system):
    system = make_system()
    a_waiver()
    a_waiver(system, control_id="ac-3")
    assert Waiver.objects.scopes() == {"AC-2": [frozenset()], "AC-3": [frozenset({system.pk})]}


def test_waivers_are_of_the_environments_of_their_systems(make_system):
    harbour, inland = make_system(), make_system("inland", "il2")
    common, here, both = a_waiver(), a_waiver(harbour), a_waiver(harbour, inland)
    there = a_waiver(inland)
    assert set(Waiver.objects.within(["edge"])) == {common, here, both}
    assert set(Waiver.objects.within(None)) == {common, here, both, there}


def test_a_requirement_is_of_a_control_or_of_a_family(db):
    for wrong in ({}, {"control_id": "AC-2", "family": "AC"}):
        with pytest.raises(ValidationError, match="one of them"):
            ControlRequirement(**wrong, required_all=["audit-log"]).store(by="tester")
    ControlRequirement(control_id="ac-2", required_all=["audit-log"]).store(by="tester")
    assert ControlRequirement.objects.get().control_id == "AC-2"


def test_a_requirement_of_nothing_is_refused(db):
    with pytest.raises(ValidationError, match="at least one"):
        ControlRequirement(control_id="AC-2").store(by="tester")


def test_controls_are_listed_as_enhancements_are_asked_for(make_catalog):
    make_catalog("AC-2", "AC-2.1")
    listed = Control.objects.of_catalogs(["small"])
    assert [one.control_id for one in listed.enhanced("include")] == ["AC-2", "AC-2.1"]
    assert [one.control_id for one in listed.enhanced("exclude")] == ["AC-2"]
    assert [one.control_id for one in listed.called(["ac-2.1"])] == ["AC-2.1"]


def test_systems_are_listed_by_environment_and_name(make_system):
    for name, place in (("quay", "edge"), ("inland", "il2"), ("harbour", "edge")):
        make_system(name, place)
    assert [one.name for one in System.objects.in_environment("edge")] == ["harbour", "quay"]
    assert System.objects.missing(["quay", "pier"]) == ["pier"]
