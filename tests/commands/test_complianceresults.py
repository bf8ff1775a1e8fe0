"""Results, reports and waivers from the command line."""

import json
from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from jobtypes.models import Waiver
from tests.api.test_compliance_results import run

__all__ = ["run"]
pytestmark = pytest.mark.django_db


def told(*arguments):
    answer = StringIO()
    call_command("complianceresults", *arguments, stdout=answer)
    return answer.getvalue()


def test_the_newest_results_are_a_table_for_people(run):
    lines = told().splitlines()
    assert lines[0].split() == ["System", "Control", "Catalog", "Status", "Waived", "Message"]
    assert len(lines) == 4


def test_results_are_one_array_for_programs(run):
    found = json.loads(told("--run", str(run.pk), "--json"))
    assert [one["status"] for one in found] == ["pass", "insufficient_evidence", "insufficient_evidence"]
    assert found[0]["validated_at"].endswith(("Z", "+00:00"))


@pytest.mark.parametrize("kind", ["engineer", "auditor", "readiness"])
def test_every_report_is_told_to_people_and_programs(run, kind):
    assert told("--report", kind).startswith("EVIDENCE NEEDED: 1 of 3 pass (33.3 %, 33.3 % ready).")
    assert json.loads(told("--report", kind, "--json"))["kind"] == kind


def test_waivers_are_counted(run):
    Waiver(control_id="AC-2", reason="Later", expires=date(2999, 1, 1)).store(by="tester")
    Waiver(control_id="AC-3", reason="Over", expires=date(2001, 1, 1)).store(by="tester")
    counts = json.loads(told("--waivers", "--json"))
    assert (counts["total"], counts["active"], counts["expired"], counts["expiring"]) == (2, 1, 1, 0)
    assert told("--waivers").startswith("2 total, 1 active, 1 expired, 0 expiring")


def test_an_unknown_system_is_a_bad_argument(run):
    with pytest.raises(CommandError, match="There is no system 'nowhere'") as refused:
        told("--system", "nowhere")
    assert refused.value.returncode == 2


def test_without_any_result_it_fails_and_says_what_to_do():
    with pytest.raises(CommandError, match="Nothing has been validated yet") as failed:
        told()
    assert failed.value.returncode == 1


def test_coverage_is_told_by_the_mappings_of_a_file(run, tmp_path):
    file = tmp_path / "mappings.json"
    file.write_text(json.dumps({"mappings": [{"evidence_kind": "audit-log", "control_ids": ["AC-2", "AU-2"]}]}))
    assert told("--coverage", str(file)).startswith("1 of 3 controls are covered (33.3 %).")
    assert json.loads(told("--coverage", str(file), "--json"))["uncovered_ids"] == ["AC-3", "SC-8"]


def test_a_file_of_no_mappings_is_refused(run, tmp_path):
    file = tmp_path / "mappings.json"
    file.write_text("[]")
    with pytest.raises(CommandError, match='It needs a list "mappings"'):
        told("--coverage", str(file))
