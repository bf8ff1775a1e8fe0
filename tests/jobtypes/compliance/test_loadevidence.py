import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from integrations.models import AuditEntry
from jobtypes.compliance import evidence_file
from jobtypes.compliance.evidence_file import Unreadable
from jobtypes.models import Evidence, EvidenceAccess, Manifest, ManifestEntry, System

HARBOUR = {
    "terraform-plan": {"path": "s3://evidence/harbour/plan.json", "expires_at": "2027-01-01T00:00:00Z"},
    "audit-log": {"path": "s3://evidence/harbour/trail.json", "timestamp": "2026-11-27T13:00:00+01:00"},
    "change-request": {"path": "CHG-4471", "ticket": 4471},
}
HASH = "ab" * 32
MANIFEST = {
    "environment": "edge",
    "version": "1.0",
    "overall_hash": HASH,
    "created_at": "2026-11-27T12:00:00Z",
    "artifacts": [
        {"key": "edge/plan.json", "filename": "plan.json", "sha256": HASH, "size": 12, "metadata": {"kind": "plan"}},
        {"key": "edge/log.json", "filename": "log.json", "metadata": {"kind": "audit-log", "region": "north"}},
        {"key": "edge/odd.json", "metadata": {}},
    ],
}


def read(value, **options):
    return evidence_file.read(json.dumps(value).encode(), **options)


def load(tmp_path, value, *options, system="harbour"):
    path = tmp_path / "evidence.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    out = StringIO()
    call_command("loadevidence", str(path), "--system", system, *options, stdout=out)
    return out.getvalue().strip().splitlines()


def counted():
    return [model.objects.count() for model in (System, Evidence, EvidenceAccess, Manifest, AuditEntry)]


def test_details_are_read_and_the_rest_becomes_attributes():
    plan, log, change = read(HARBOUR).pieces
    assert (plan.evidence_type, plan.key, plan.expires_at) == (
        "terraform-plan",
        "terraform-plan",
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert log.collected_at == datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert (change.path, change.attributes) == ("CHG-4471", {"ticket": 4471})


def test_plain_values_are_evidence():
    found = read({"a": "s3://a", "b": True, "c": 0, "d": ["x"], "e": {}}).pieces
    assert [one.path for one in found] == ["s3://a", "", "", "", ""]
    assert [one.attributes for one in found] == [{}, {"value": True}, {"value": 0}, {"value": ["x"]}, {}]


def test_null_false_and_empty_text_are_reported_and_left_out():
    found = read({"a": None, "b": False, "c": "", "d": " ", "e": True})
    assert [one.evidence_type for one in found.pieces] == ["e"]
    assert [one.split(",")[0] for one in found.skipped] == [
        "a is null",
        "b is false",
        "c is empty text",
        "d is empty text",
    ]


def test_empty_values_are_kept_where_that_is_asked_for():
    found = read({"a": None, "b": False, "c": ""}, keep_empty=True)
    assert [one.attributes["value"] for one in found.pieces] == [None, False, ""]
    assert not found.skipped


def test_artifacts_of_a_manifest_are_of_the_type_of_their_kind():
    found = read(MANIFEST)
    assert [(one.evidence_type, one.key, one.sha256, one.size) for one in found.pieces] == [
        ("plan", "edge/plan.json", HASH, 12),
        ("audit-log", "edge/log.json", "", None),
    ]
    assert found.pieces[1].attributes == {"region": "north"}
    assert found.pieces[1].collected_at == datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert found.skipped == ("Artifact edge/odd.json has no metadata.kind, so it is of no type.",)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "no JSON"),
        ('{"a": {"path": "x"', "no JSON"),
        ("[]", "no evidence"),
        ('{"a": 1, "a": 2}', "twice"),
        ('{"a": {"sha256": "abc"}}', "no SHA-256"),
        ('{"a": {"size": -1}}', "whole number"),
        ('{"a": {"size": 1.5}}', "whole number"),
        ('{"a": {"path": 1}}', "a: path"),
        ('{"a": {"expires_at": "soon"}}', "no moment"),
        ('{"a": {"timestamp": 1764244800}}', "no moment"),
        ('{"a": {"attributes": 1}}', "no object"),
        ('{"": {}}', "empty"),
        (json.dumps({"a" * 101: {}}), "at most 100"),
        ('{"artifacts": [1]}', "no object"),
        ('{"artifacts": [{"metadata": {"kind": 1}}]}', "evidence_type"),
        (
            '{"artifacts": [{"key": "k", "metadata": {"kind": "a"}}, {"key": "k", "metadata": {"kind": "a"}}]}',
            "twice",
        ),
    ],
)
def test_a_file_that_is_wrong_changes_nothing(make_system, tmp_path, value, said):
    make_system()
    before = counted()
    with pytest.raises(Unreadable, match=said):
        evidence_file.read(value.encode())
    with pytest.raises(CommandError, match="Nothing was changed") as refused:
        load(tmp_path, value)
    assert refused.value.returncode == 1
    assert counted() == before


def test_evidence_is_loaded_with_version_log_and_trail(make_system, tmp_path):
    make_system()
    assert load(tmp_path, HARBOUR) == ["harbour: 3 created, 0 updated, 0 unchanged, 0 skipped."]
    row = Evidence.objects.get(evidence_type="change-request")
    assert row.versions.get().data == HARBOUR["change-request"]
    assert [one.action for one in row.accesses.all()] == ["write"]
    assert AuditEntry.objects.filter(kind="evidence", act="create", environment="edge").count() == 3


def test_loading_again_makes_versions_of_what_says_something_new(make_system, tmp_path):
    make_system()
    load(tmp_path, {"audit-log": HARBOUR["audit-log"]})
    assert load(tmp_path, {"audit-log": HARBOUR["audit-log"]})[0].endswith("1 unchanged, 0 skipped.")
    changed = {**HARBOUR["audit-log"], "path": "s3://other"}
    assert "1 updated" in load(tmp_path, {"audit-log": changed})[0]
    assert [one.version for one in Evidence.objects.get().versions.all()] == [2, 1]


def test_deleted_evidence_is_back_when_it_is_loaded_again(make_system, tmp_path):
    make_system()
    load(tmp_path, {"audit-log": HARBOUR["audit-log"]})
    Evidence.objects.get().remove(by="tester")
    assert "1 updated" in load(tmp_path, {"audit-log": HARBOUR["audit-log"]})[0]
    assert Evidence.objects.kept().exists()


def test_a_manifest_is_kept_once_with_its_entries(make_system, tmp_path):
    make_system()
    said = load(tmp_path, MANIFEST)
    assert said[1].startswith("Skipped: Artifact edge/odd.json")
    load(tmp_path, MANIFEST)
    assert Manifest.objects.get().overall_hash == HASH
    assert [(one.key, one.size) for one in ManifestEntry.objects.all()] == [
        ("edge/log.json", None),
        ("edge/plan.json", 12),
    ]


def test_a_manifest_of_another_environment_is_remarked(make_system, tmp_path):
    make_system(environment="il2")
    assert load(tmp_path, MANIFEST)[-1] == "The manifest is of edge, and harbour of il2."


def test_an_unknown_system_is_named_and_nothing_is_made(db, tmp_path):
    with pytest.raises(CommandError, match="There is no system 'harbour'") as refused:
        load(tmp_path, HARBOUR)
    assert refused.value.returncode == 2
    assert counted() == [0, 0, 0, 0, 0]


def test_a_new_system_is_made_in_the_environment_that_is_named(db, tmp_path):
    load(tmp_path, HARBOUR, "--environment", "edge")
    assert System.objects.get().environment == "edge"
    with pytest.raises(CommandError, match="harbour is of edge, not of il2"):
        load(tmp_path, HARBOUR, "--environment", "il2")
