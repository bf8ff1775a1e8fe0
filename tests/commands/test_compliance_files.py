"""Catalogs, systems and environments that schedule files declare."""

import json

import pytest
from django.core.management import call_command

from integrations.models import AuditEntry
from jobtypes.models import Catalog, Control, System
from tests.commands.files import refused, sync, write
from tests.jobtypes.compliance.documents import SMALL, importing, profile

__all__ = ["write"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def small(write):
    return write(json.dumps(SMALL), "catalogs/small.json")


def test_a_catalog_is_declared_by_its_path(write, small):
    answer = sync(write("catalogs:\n  own_rules: catalogs/small.json\n"))
    assert "create    catalog own-rules" in answer
    assert "3 base controls, 3 enhancements, 1 withdrawn" in answer
    assert Control.objects.of_catalogs(["own-rules"]).count() == 6


def test_a_catalog_is_declared_by_fields_and_by_either_hyphen(write, small):
    sync(write("catalogs:\n  own_rules: catalogs/small.json\n"))
    answer = sync(write("catalogs:\n  own-rules: {path: catalogs/small.json}\n"))
    assert "1 unchanged" in answer
    assert Catalog.objects.count() == 1
    said = refused(write("catalogs:\n  own-rules: catalogs/small.json\n  own_rules: catalogs/small.json\n"))
    assert "declared twice" in said


def test_a_catalog_is_found_beside_the_file_that_declares_it(write, small):
    sync(write("catalogs:\n  own: small.json\n", "catalogs/all.yaml"))
    assert Catalog.objects.get().key == "own"


def test_a_profile_is_resolved_when_the_file_says_so(write, small):
    write(json.dumps(profile(importing("small.json", "ac-2"))), "catalogs/own.json")
    sync(write("catalogs:\n  own: {path: catalogs/own.json, resolve: true}\n"))
    assert Catalog.objects.get().reading == "resolved"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("catalogs:\n  own: catalogs/lost.json", "cannot be read: No such file"),
        ("catalogs:\n  own: all.yaml", "no JSON"),
        ("catalogs:\n  own: {file: catalogs/small.json}", "Possible: path, resolve."),
        ("catalogs:\n  own: {}", "Write the path"),
        ("catalogs:\n  own: {path: catalogs/small.json, resolve: often}", "true or false"),
        ("catalogs:\n  own: 7", "Write the path"),
        ("environments:\n  edge: {name: [a]}", "Write a text"),
        ("environments:\n  edge: 7", "Write its fields"),
        ("templates: 7", "a mapping of names"),
    ],
)
def test_a_file_that_is_wrong_changes_nothing(write, small, text, said):
    before = AuditEntry.objects.count()
    assert said in refused(write(f"systems:\n  inland: {{environment: il2}}\n{text}\n"))
    assert AuditEntry.objects.count() == before
    assert not System.objects.exists()
    assert not Catalog.objects.exists()


def test_what_is_wrong_with_a_system_is_said_at_its_line(write):
    said = refused(write("systems:\n  inland: {environment: il2}\n  quay: {colour: red}\n"))
    assert "all.yaml:3: systems.quay.environment: This field is required." in said
    assert "systems.quay.colour: There is no such field." in said
    assert not System.objects.exists()


def test_systems_are_declared_and_change_with_the_file(write):
    sync(write("systems:\n  harbour: {environment: edge, description: The quay, attributes: {owner: quay}}\n"))
    stored = System.objects.get()
    assert (stored.environment, stored.description, stored.attributes) == ("edge", "The quay", {"owner": "quay"})
    answer = sync(write("systems:\n  harbour: {environment: edge}\n"))
    assert "update    system harbour" in answer
    assert System.objects.get().attributes == {}
    assert "1 unchanged" in sync(write("systems:\n  harbour: {environment: edge}\n"))


def test_what_an_environment_has_besides_is_reported_as_not_used(write):
    text = "environments:\n  edge:\n    description: At the edge\n    database_url: postgresql://x:secret@db/x\n"
    answer = sync(write(f"{text}    storage: {{kind: s3}}\nsystems:\n  harbour: {{environment: edge}}\n"))
    assert "Note: database_url is not used" in answer
    assert "Note: storage is not used" in answer
    assert "secret" not in answer
    assert [one.name for one in System.objects.all()] == ["harbour"]


def test_an_environment_without_systems_is_one_itself(write):
    text = "environments:\n  edge: {description: At the edge}\n  il2:\n    name: inland\n"
    sync(write(text))
    found = [(one.name, one.environment, one.description) for one in System.objects.order_by("name")]
    assert found == [("edge", "edge", "At the edge"), ("inland", "il2", "")]
    assert "2 unchanged" in sync(write(text))


def test_systems_are_exported_as_they_are_declared(write, small, capsys):
    systems = "systems:\n  harbour: {environment: edge, attributes: {owner: quay}}\n"
    sync(write(f"{systems}catalogs:\n  own: catalogs/small.json\n"))
    call_command("exportschedules")
    written = capsys.readouterr().out
    assert "files of their own and are not in here: own." in written
    assert "1 unchanged" in sync(write(written))
