"""Results, findings and reports over HTTP."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from integrations import roles
from jobruns.models import JobRun
from jobtypes import registry
from jobtypes.compliance.models.findings import STEPS
from jobtypes.models import Assessment, Catalog, Control, Evidence, Finding, System, ValidationResult
from schedules.models import Schedule
from tests.api.conftest import Caller
from tests.jobtypes.running import TrialContext

pytestmark = pytest.mark.django_db
STATES = [*STEPS]
HARBOUR = ("audit-log", "terraform-plan")


@pytest.fixture
def limited():
    """Return a function that makes a program of a user with a role in one environment."""

    def make(role, environment):
        user = User.objects.create_user(f"{role} of {environment}")
        roles.give(user, role, [environment])
        return Caller(User.objects.get(pk=user.pk))

    return make


@pytest.fixture
def run(db):
    """A validation of a system called <script> of the environment edge, that was run."""
    catalog = Catalog.objects.create(key="small", sha256="0" * 64, loaded_at=timezone.now())
    for name in ("AC-2", "AC-3", "SC-8"):
        Control.objects.create(catalog=catalog, control_id=name, family=name[:2], title=f"About {name}")
    system = System(name="<script>alert(1)</script>", environment="edge")
    system.store(by="tester")
    for kind in HARBOUR:
        row = Evidence(system=system, evidence_type=kind, key=kind, path=f"s3://e/{kind}", sha256="a" * 64)
        row.store(by="tester")
    schedule = Schedule(
        name="nightly validation",
        environment="edge",
        job_type="validation",
        params={"environment": "edge", "catalogs": ["small"]},
    )
    schedule.store(by="tester")
    found = schedule.runs.request(by="tester")
    config = registry.parse("compliance", schedule.params)
    registry.job_type("compliance").run(config, TrialContext(run_id=found.pk))
    JobRun.objects.filter(pk=found.pk).update(status="success", started_at=timezone.now())
    return found


def test_a_schedule_asked_for_as_validation_gets_its_place_and_its_time(admin, run):
    sent = {"name": "again", "job_type": "validation", "params": {"environment": "edge", "catalogs": ["small"]}}
    made = admin.post("schedules", sent)
    assert made.status_code == 201, made.content
    told = made.json()
    assert (told["job_type"], told["cron_expression"], told["environment"]) == ("compliance", "0 2 * * *", "edge")
    assert [one["name"] for one in admin.get("schedules?job_type=validation").json()["results"]] == [
        "again",
        "nightly validation",
    ]
    assert len(admin.get("runs?job_type=validation").json()["results"]) == 1


def test_unknown_names_are_refused_by_field(admin, run):
    sent = {"name": "x", "job_type": "compliance", "params": {"environment": "edge", "catalogs": ["nist"]}}
    refused = admin.post("schedules", sent)
    assert refused.status_code == 400
    assert "No catalog is loaded under the key nist" in refused.json()["errors"]["params"][0]


def test_who_may_not_see_an_environment_stores_no_validation_of_it(limited, run):
    sent = {
        "name": "spy",
        "environment": "staging",
        "job_type": "compliance",
        "params": {"environment": "edge", "catalogs": ["small"]},
    }
    assert limited("editor", "staging").post("schedules", sent).status_code == 400


def test_who_may_not_see_an_environment_asks_for_no_run_that_reads_it(admin, limited, run):
    sent, address = {"override_params": {"environment": "IL2"}}, f"schedules/{run.schedule_id}/trigger"
    refused = limited("operator", "edge").post(address, sent)
    assert refused.status_code == 400
    assert "Name an environment of yours: edge." in refused.json()["errors"]["params"][0]
    assert admin.post(address, sent).status_code == 202


def test_results_are_listed_and_filtered(admin, run):
    found = admin.get(f"validation-results?run_id={run.pk}").json()["results"]
    assert {one["control"]: one["status"] for one in found} == {
        "AC-2": "pass",
        "AC-3": "insufficient_evidence",
        "SC-8": "insufficient_evidence",
    }
    one = admin.get("validation-results?control=ac-2&status=pass&environment=edge&catalog=small").json()["results"][0]
    assert one["evidence_keys"] == ["audit-log", "terraform-plan"]
    assert one["metadata"]["locations"]["audit-log"] == "s3://e/audit-log"
    assert admin.get(f"validation-results/{one['id']}").json() == one
    assert admin.get("validation-results?family=SC&status=pass").json()["results"] == []


def test_results_of_another_environment_are_not_there(limited, run):
    viewer = limited("viewer", "staging")
    assert viewer.get("validation-results").json()["results"] == []
    assert viewer.get(f"validation-results/{ValidationResult.objects.first().pk}").status_code == 404


def test_seven_of_the_sixteen_steps_of_a_finding_are_taken(admin, run):
    row = ValidationResult.objects.first()
    taken = set()
    for before in STATES:
        for after in STATES:
            closed = timezone.now() if before == "closed" else None
            finding = Finding.objects.create(
                system=row.system,
                control=row.control,
                title="It broke",
                status=before,
                closed_at=closed,
                found_at=timezone.now(),
            )
            answer = admin.post(f"findings/{finding.pk}/move", {"status": after, "note": "So be it"})
            assert answer.status_code in {200, 409}
            if answer.status_code == 200:
                taken.add((before, after))
                assert answer.json()["status"] == after
                assert answer.json()["events"][-1]["who"] == "ada"
            finding.delete()
    assert taken == {(before, after) for before, ways in STEPS.items() for after in ways}
    assert len(taken) == 7


def test_a_viewer_moves_no_finding_and_an_operator_does(limited, run):
    row = ValidationResult.objects.first()
    finding = Finding.objects.create(system=row.system, control=row.control, title="x", found_at=timezone.now())
    address, step = f"findings/{finding.pk}/move", {"status": "investigating"}
    assert limited("viewer", "edge").post(address, step).status_code == 403
    assert limited("operator", "edge").post(address, step).status_code == 200


@pytest.mark.parametrize("kind", ["engineer", "auditor", "readiness"])
@pytest.mark.parametrize("word", ["runs", "executions"])
def test_every_report_comes_as_json_and_as_a_page_that_escapes_names(admin, run, kind, word):
    told = admin.get(f"{word}/{run.pk}/report?kind={kind}")
    assert told.status_code == 200
    assert told.json()["summary"]["pass"] == 1
    page = admin.get(f"{word}/{run.pk}/report?kind={kind}&format=html")
    assert page.status_code == 200
    assert page["Content-Type"].startswith("text/html")
    assert "default-src 'self'" in page["Content-Security-Policy"]
    text = page.content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "EVIDENCE NEEDED" in text


def test_the_engineer_reads_what_is_lacking_and_what_to_do(admin, run):
    found = {one["control"]: one for one in admin.get(f"runs/{run.pk}/report?kind=engineer").json()["lacking"]}
    assert found["SC-8"]["options"] == ["tls-config", "certificate"]
    assert found["SC-8"]["remediation"].startswith("Collect one of tls-config, certificate")
    assert "loadevidence" in found["SC-8"]["collect"]


def test_the_auditor_reads_where_evidence_lies_and_its_hash(admin, run):
    told = admin.get(f"runs/{run.pk}/report?kind=auditor").json()
    passed = next(one for one in told["controls"] if one["control"] == "AC-2")
    assert passed["locations"] == {"audit-log": "s3://e/audit-log", "terraform-plan": "s3://e/terraform-plan"}
    assert {one["sha256"] for one in told["inventory"]} == {"a" * 64}


def test_readiness_counts_by_system_and_family(admin, run):
    told = admin.get(f"runs/{run.pk}/report?kind=readiness").json()
    assert told["systems"][0]["pass_rate"] == 33.3
    assert [one["name"] for one in told["families"]] == ["AC", "SC"]
    assert told["waivers"] == {"total": 0, "active": 0, "expired": 0, "expiring": 0}


def test_a_report_of_another_environment_is_not_there(limited, run):
    viewer = limited("viewer", "staging")
    for form in ("json", "html"):
        assert viewer.get(f"runs/{run.pk}/report?format={form}").status_code == 404
    assert limited("viewer", "edge").get(f"runs/{run.pk}/report").status_code == 200


def test_a_kind_of_report_that_there_is_not_is_refused(admin, run, a_schedule):
    refused = admin.get(f"runs/{run.pk}/report?kind=poetry")
    assert refused.status_code == 400
    assert "Known: engineer, auditor, readiness." in refused.json()["errors"]["kind"][0]
    assert admin.get(f"runs/{run.pk}/report?colour=red").status_code == 400
    other = Schedule.objects.get(pk=a_schedule()["id"]).runs.request(by="tester")
    assert admin.get(f"runs/{other.pk}/report").status_code == 409


def test_the_counts_are_kept_for_pages(run):
    assert Assessment.objects.get(run_id=run.pk).tally.pass_rate == 33.3
