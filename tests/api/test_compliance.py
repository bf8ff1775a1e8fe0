"""Systems, evidence, catalogs, own requirements and waivers over HTTP."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import AuditEntry
from jobtypes.models import Catalog, Control, Evidence, EvidenceAccess, System, ValidationResult, Waiver

pytestmark = pytest.mark.django_db
HARBOUR = {"name": "harbour", "environment": "edge"}
LOG = {"system": "harbour", "evidence_type": "audit-log", "path": "s3://x", "attributes": {"region": "north"}}
WAIVER = {"control_id": "ac-2", "reason": "Accepted.", "expires": "2099-12-31"}


@pytest.fixture
def harbour(admin):
    return admin.post("systems", HARBOUR).json()


@pytest.fixture
def inland(admin):
    return admin.post("systems", {"name": "inland", "environment": "il2"}).json()


@pytest.fixture
def catalog(db):
    catalog = Catalog.objects.create(key="small", sha256="0" * 64, loaded_at=timezone.now())
    parent = Control.objects.create(catalog=catalog, control_id="AC-2", family="AC", position=1)
    Control.objects.create(
        catalog=catalog, control_id="AC-2.1", family="AC", position=2, parent=parent, depth=1, withdrawn=True
    )
    Control.objects.create(catalog=catalog, control_id="AU-2", family="AU", position=0)
    Control.objects.create(catalog=catalog, control_id="AU-9", family="AU", dropped_at=timezone.now())
    return catalog


def test_a_system_is_made_changed_and_removed(admin):
    made = admin.post("systems", {**HARBOUR, "attributes": {"owner": "quay"}})
    assert (made.status_code, made["ETag"]) == (201, '"1"')
    address = f"systems/{made.json()['id']}"
    assert made["Location"] == f"/api/v1/{address}"
    changed = admin.patch(address, {"description": "The quay's."}, If_Match='"1"')
    assert (changed.status_code, changed["ETag"], changed.json()["attributes"]) == (200, '"2"', {"owner": "quay"})
    assert admin.patch(address, {"description": "x"}, If_Match='"1"').status_code == 412
    assert admin.delete(address).status_code == 204
    assert admin.get(address).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "harbour"}, "environment"),
        ({**HARBOUR, "name": " harbour"}, "name"),
        ({**HARBOUR, "name": "har\u202ebour"}, "name"),
        ({**HARBOUR, "name": "x" * 256}, "name"),
        ({**HARBOUR, "environment": "x" * 51}, "environment"),
        ({**HARBOUR, "attributes": []}, "attributes"),
        ({**HARBOUR, "colour": "red"}, "colour"),
    ],
)
def test_what_is_no_system_is_refused_by_field(admin, body, field):
    answer = admin.post("systems", body)
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert not System.objects.exists()


def test_a_name_that_is_taken_is_a_conflict(admin, harbour):
    assert admin.post("systems", HARBOUR).status_code == 409


def test_a_request_that_is_sent_twice_makes_one_system(admin):
    first = admin.post("systems", HARBOUR, Idempotency_Key="one")
    again = admin.post("systems", HARBOUR, Idempotency_Key="one")
    assert (first.json(), again.status_code) == (again.json(), 201)
    assert System.objects.count() == 1


def test_a_system_with_evidence_stays(admin, harbour):
    admin.post("evidence", LOG)
    answer = admin.delete(f"systems/{harbour['id']}")
    assert answer.status_code == 409
    assert "kept for the auditor" in answer.json()["detail"]


def test_evidence_is_added_and_logged(admin, harbour):
    made = admin.post("evidence", LOG)
    assert made.status_code == 201
    assert {**made.json(), **LOG, "key": "audit-log", "environment": "edge", "version": 1} == made.json()
    log = EvidenceAccess.objects.get()
    assert (log.who, log.action, log.address) == ("ada", "write", "127.0.0.1")
    assert AuditEntry.objects.filter(kind="evidence", act="create", environment="edge").exists()


def test_evidence_is_changed_version_by_version(admin, harbour):
    address = f"evidence/{admin.post('evidence', LOG).json()['id']}"
    changed = admin.patch(address, {"path": "s3://y", "data": {"lines": 7}}, If_Match='"1"')
    assert (changed.status_code, changed["ETag"]) == (200, '"2"')
    versions = admin.get(f"{address}/versions").json()["results"]
    assert [one["version"] for one in versions] == [2, 1]
    assert versions[0]["data"] == {"lines": 7}
    assert admin.patch(address, {"path": "z"}, If_Match='"1"').status_code == 412


@pytest.mark.parametrize("sha256", ["abc", "z" * 64, "a" * 65])
def test_a_hash_is_64_hex_digits(admin, harbour, sha256):
    answer = admin.post("evidence", {**LOG, "sha256": sha256})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["sha256"])
    assert admin.post("evidence", {**LOG, "sha256": "AB" * 32}).json()["sha256"] == "ab" * 32


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"system": "lost"}, "system"),
        ({"system": 1}, "system"),
        ({"system": "x\0"}, ""),
        ({"evidence_type": ""}, "evidence_type"),
        ({"size": -1}, "size"),
        ({"size": 2**63}, "size"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"attributes": "x"}, "attributes"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_no_evidence_is_refused_by_field(admin, harbour, more, field):
    answer = admin.post("evidence", {**LOG, **more})
    assert answer.status_code == 400
    assert field in answer.json().get("errors", {"": []})
    assert not Evidence.objects.exists()


def test_evidence_that_is_there_is_a_conflict_and_deleted_one_is_brought_back(admin, harbour):
    made = admin.post("evidence", {**LOG, "source": "collector"}).json()
    answer = admin.post("evidence", LOG)
    assert answer.status_code == 409
    assert f"number {made['id']}" in answer.json()["detail"]
    assert admin.delete(f"evidence/{made['id']}").status_code == 204
    assert admin.get(f"evidence/{made['id']}").status_code == 404
    back = admin.post("evidence", LOG).json()
    assert (back["id"], back["version"], back["source"], back["created_at"]) == (
        made["id"],
        2,
        "",
        made["created_at"],
    )


def test_evidence_stays_with_its_system(admin, harbour, inland):
    made = admin.post("evidence", LOG).json()
    answer = admin.patch(f"evidence/{made['id']}", {"system": "inland"})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["system"])


def test_reading_evidence_is_logged_for_administrators(admin, having, harbour):
    address = f"evidence/{admin.post('evidence', LOG).json()['id']}"
    reader = having("jobtypes.view_evidence")
    assert reader.get(address).status_code == 200
    assert reader.get(f"{address}/accesses").status_code == 403
    told = admin.get(f"{address}/accesses").json()["results"]
    assert [(one["who"], one["action"]) for one in told] == [(reader.user.username, "read"), ("ada", "write")]


def test_evidence_is_found_by_what_it_is(admin, harbour):
    now = timezone.now()
    admin.post("evidence", {**LOG, "expires_at": (now - timedelta(days=1)).isoformat()})
    admin.post("evidence", {"system": "harbour", "type": "plan", "timestamp": "2020-01-01"})
    for question, found in {
        "system=harbour": {"audit-log", "plan"},
        "type=plan": {"plan"},
        "expired=true": {"audit-log"},
        "expired=false": {"plan"},
        "collected_before=2021-01-01": {"plan"},
        "environment=il2": set(),
    }.items():
        results = admin.get(f"evidence?{question}").json()["results"]
        assert {one["evidence_type"] for one in results} == found, question


def test_a_catalog_is_shown_with_the_numbers_of_its_controls(admin, catalog):
    shown = admin.get(f"catalogs/{catalog.pk}").json()
    assert (shown["base"], shown["enhancements"], shown["withdrawn"]) == (2, 1, 1)
    assert [one["key"] for one in admin.get("catalogs?key=SMALL").json()["results"]] == ["small"]


def test_the_controls_of_a_catalog_are_listed_in_its_order(admin, catalog):
    listed = admin.get(f"catalogs/{catalog.pk}/controls").json()["results"]
    assert [(one["control_id"], one["parent"]) for one in listed] == [("AU-2", ""), ("AC-2", ""), ("AC-2.1", "AC-2")]
    found = admin.get(f"catalogs/{catalog.pk}/controls?family=ac&withdrawn=false").json()["results"]
    assert [one["control_id"] for one in found] == ["AC-2"]
    assert admin.get("catalogs/999/controls").status_code == 404


def test_a_catalog_with_results_stays(admin, catalog, harbour):
    ValidationResult.objects.create(
        run_id=1,
        system_id=harbour["id"],
        control=catalog.controls.first(),
        status="pass",
        validated_at=timezone.now(),
    )
    assert admin.delete(f"catalogs/{catalog.pk}").status_code == 409
    ValidationResult.objects.all().delete()
    assert admin.delete(f"catalogs/{catalog.pk}").status_code == 204
    assert not Control.objects.exists()


def test_a_requirement_is_of_a_control_or_a_family(admin):
    made = admin.post("control-requirements", {"control_id": "ac-2", "required_all": ["audit-log"]})
    assert (made.status_code, made.json()["control_id"]) == (201, "AC-2")
    for wrong in ({}, {"control_id": "AC-3", "family": "AC"}):
        assert admin.post("control-requirements", {**wrong, "required_all": ["x"]}).status_code == 400
    assert admin.post("control-requirements", {"family": "AC"}).status_code == 400
    assert admin.post("control-requirements", {"control_id": "AC-2", "required_any": ["x"]}).status_code == 409


def test_a_waiver_is_made_for_systems_or_for_all(admin, harbour):
    made = admin.post("waivers", {**WAIVER, "systems": ["harbour"], "approved_on": "2026-01-01"})
    assert made.status_code == 201, made.content
    assert (made.json()["control_id"], made.json()["systems"], made.json()["is_active"]) == (
        "AC-2",
        ["harbour"],
        True,
    )
    address = f"waivers/{made.json()['id']}"
    assert admin.patch(address, {"notes": "x"}).json()["systems"] == ["harbour"]
    changed = admin.patch(address, {"systems": [], "expires": "2026-01-02"}).json()
    assert (changed["systems"], changed["is_active"], changed["version"]) == ([], False, 3)
    assert admin.delete(address).status_code == 204


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"systems": ["lost"]}, "systems.0"),
        ({"systems": "harbour"}, "systems"),
        ({"expires": "never"}, "expires"),
        ({"expires": None}, "expires"),
        ({"reason": ""}, "reason"),
        ({"approved_on": "2100-01-01"}, "expires"),
        ({"compensating_controls": [""]}, "compensating_controls.0"),
        ({"system": "harbour"}, "system"),
    ],
)
def test_what_is_no_waiver_is_refused_by_field(admin, harbour, more, field):
    answer = admin.post("waivers", {**WAIVER, **more})
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert not Waiver.objects.exists()


def test_waivers_are_found_by_system_and_standing(admin, harbour, inland):
    admin.post("waivers", WAIVER)
    admin.post("waivers", {**WAIVER, "control_id": "ac-3", "systems": ["harbour"]})
    admin.post("waivers", {**WAIVER, "control_id": "ac-4", "systems": ["inland"], "expires": "2020-01-01"})
    for question, found in {
        "system=harbour": ["AC-2", "AC-3"],
        "system=lost": [],
        "active=true": ["AC-2", "AC-3"],
        "active=false": ["AC-4"],
        "control_id=ac-3": ["AC-3"],
    }.items():
        results = admin.get(f"waivers?ordering=control_id&{question}").json()["results"]
        assert [one["control_id"] for one in results] == found, question
