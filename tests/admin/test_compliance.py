"""Systems, waivers and requirements in the workshop."""

from datetime import date

import pytest
from django.contrib.auth.models import User
from django.test import Client

from integrations import roles
from integrations.models import AuditEntry
from jobtypes.models import Catalog, Control, ControlRequirement, Evidence, Manifest, ManifestEntry, System, Waiver
from tests.admin.conftest import filled

pytestmark = pytest.mark.django_db
WAIVERS, SYSTEMS = "/admin/jobtypes/waiver/", "/admin/jobtypes/system/"


@pytest.fixture
def harbour(db):
    system = System(name="harbour", environment="edge")
    system.store(by="tester")
    return system


@pytest.fixture
def limited(db):
    user = User.objects.create_user("liga")
    roles.give(user, "editor", ["edge"])
    client = Client()
    client.force_login(user)
    return client


def test_a_system_is_made_changed_and_removed(boss):
    page = f"{SYSTEMS}add/"
    assert boss.post(page, filled(boss, page, name="harbour", environment="edge")).status_code == 302
    system = System.objects.get()
    page = f"{SYSTEMS}{system.pk}/change/"
    boss.post(page, filled(boss, page, description="The quay's"))
    assert System.objects.get().version == 2
    boss.post(f"{SYSTEMS}{system.pk}/delete/", {"post": "yes"})
    acts = AuditEntry.objects.filter(kind="system").order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["create", "update", "delete"]


def test_a_system_with_evidence_is_not_removed(boss, harbour):
    Evidence(system=harbour, evidence_type="audit-log", key="x").store(by="tester")
    answer = boss.post(f"{SYSTEMS}{harbour.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 200
    assert System.objects.exists()


def test_a_waiver_names_systems(boss, harbour):
    page = f"{WAIVERS}add/"
    typed = {"control_id": "ac-2", "reason": "Accepted.", "expires": "2099-12-31", "for_systems": [str(harbour.pk)]}
    answer = boss.post(page, filled(boss, page, **typed, compensating_controls="One\nTwo"))
    assert answer.status_code == 302, answer.content.decode()
    waiver = Waiver.objects.get()
    assert (waiver.control_id, waiver.compensating_controls) == ("AC-2", ["One", "Two"])
    assert [one.name for one in waiver.systems.all()] == ["harbour"]
    assert "harbour" in boss.get(WAIVERS).content.decode()


def test_who_is_limited_waives_for_systems_of_his_own_only(limited, harbour):
    inland = System(name="inland", environment="il2")
    inland.store(by="tester")
    page = f"{WAIVERS}add/"
    assert "inland" not in limited.get(page).content.decode()
    typed = {"control_id": "ac-2", "reason": "Accepted.", "expires": "2099-12-31"}
    for chosen in ([], [str(inland.pk)]):
        assert limited.post(page, filled(limited, page, **typed, for_systems=chosen)).status_code == 200
    assert not Waiver.objects.exists()
    limited.post(page, filled(limited, page, **typed, for_systems=[str(harbour.pk)]))
    assert Waiver.objects.exists()


def test_a_requirement_is_typed_line_by_line(boss):
    page = "/admin/jobtypes/controlrequirement/add/"
    boss.post(page, filled(boss, page, family="ac", required_all="audit-log\r\niam-policy"))
    assert ControlRequirement.objects.get().required_all == ["audit-log", "iam-policy"]


def test_what_was_loaded_is_shown_and_not_edited(boss, harbour):
    catalog = Catalog.objects.create(key="small", sha256="0" * 64, loaded_at="2026-11-27T12:00:00Z")
    control = Control.objects.create(catalog=catalog, control_id="AC-2", family="AC")
    evidence = Evidence(system=harbour, evidence_type="audit-log", key="x")
    evidence.store(by="tester")
    manifest = Manifest.objects.create(environment="edge", sha256="0" * 64)
    entry = ManifestEntry.objects.create(manifest=manifest, key="k")
    waiver = Waiver(control_id="AC-2", reason="x", expires=date(2099, 1, 1))
    waiver.store(by="tester")
    for row in (catalog, control, evidence, evidence.accesses.get(), manifest, entry):
        folder = f"/admin/jobtypes/{row._meta.model_name}/"
        assert boss.get(folder).status_code == 200
        assert boss.get(f"{folder}{row.pk}/change/").status_code == 200
        assert boss.get(f"{folder}add/").status_code == 403


def test_a_viewer_sees_the_systems_of_a_waiver(harbour):
    waiver = Waiver(control_id="AC-2", reason="x", expires=date(2099, 1, 1))
    waiver.store(by="tester", systems=[harbour])
    user = User.objects.create_user("vera")
    roles.give(user, "viewer", [])
    client = Client()
    client.force_login(user)
    page = client.get(f"{WAIVERS}{waiver.pk}/change/")
    assert page.status_code == 200
    assert "harbour" in page.content.decode()
