"""Systems, evidence and waivers to a user of one environment, and what he may of catalogs."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from integrations import roles
from jobtypes.models import Catalog
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db
LOG = {"system": "harbour", "evidence_type": "audit-log", "path": "s3://x"}
WAIVER = {"control_id": "ac-2", "reason": "Accepted.", "expires": "2099-12-31"}


@pytest.fixture
def limited(db):
    """An administrator of edge alone."""
    user = User.objects.create_user("liga")
    roles.give(user, "admin", ["edge"])
    return Caller(User.objects.get(pk=user.pk))


@pytest.fixture
def harbour(admin):
    return admin.post("systems", {"name": "harbour", "environment": "edge"}).json()


@pytest.fixture
def inland(admin):
    return admin.post("systems", {"name": "inland", "environment": "il2"}).json()


@pytest.fixture
def catalog(db):
    return Catalog.objects.create(key="small", sha256="0" * 64, loaded_at=timezone.now())


def test_what_lies_in_another_environment_is_not_there(admin, limited, harbour, inland):
    there = admin.post("evidence", {**LOG, "system": "inland"}).json()
    waiver = admin.post("waivers", {**WAIVER, "systems": ["inland"]}).json()
    for address in (f"systems/{inland['id']}", f"evidence/{there['id']}", f"waivers/{waiver['id']}"):
        for method in ("GET", "PATCH", "DELETE"):
            assert limited.send(method, address, {} if method == "PATCH" else None).status_code == 404, address
    for path in ("systems", "evidence", "waivers"):
        assert "inland" not in limited.get(path).content.decode()
    assert list(limited.post("evidence", {**LOG, "system": "inland"}).json()["errors"]) == ["system"]
    assert list(limited.post("systems", {"name": "x", "environment": "il2"}).json()["errors"]) == ["environment"]
    assert limited.get("waivers?system=inland").json()["results"] == []


def test_who_is_limited_waives_for_systems_of_his_own_only(admin, limited, harbour, inland):
    assert list(limited.post("waivers", WAIVER).json()["errors"]) == ["systems"]
    assert "systems.0" in limited.post("waivers", {**WAIVER, "systems": ["inland"]}).json()["errors"]
    own = limited.post("waivers", {**WAIVER, "systems": ["harbour"]})
    assert own.status_code == 201
    assert limited.patch(f"waivers/{own.json()['id']}", {"systems": []}).status_code == 400
    common = admin.post("waivers", {**WAIVER, "systems": ["harbour", "inland"]}).json()
    assert limited.get(f"waivers/{common['id']}").json()["systems"] == ["harbour"]
    assert limited.patch(f"waivers/{common['id']}", {"notes": "x"}).status_code == 403


def test_who_is_limited_reads_catalogs_and_changes_none(limited, admin, catalog):
    assert limited.get(f"catalogs/{catalog.pk}").status_code == 200
    assert limited.delete(f"catalogs/{catalog.pk}").status_code == 403
    assert limited.post("control-requirements", {"family": "AC", "required_all": ["x"]}).status_code == 403
    made = admin.post("control-requirements", {"family": "AC", "required_all": ["x"]}).json()
    assert limited.patch(f"control-requirements/{made['id']}", {"remediation": "x"}).status_code == 403
