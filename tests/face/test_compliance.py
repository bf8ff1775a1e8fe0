"""The pages of compliance: how systems stand, what one control lacks, and what a run's page says."""

import pytest
from django.utils import timezone

from jobtypes import registry
from jobtypes.models import Evidence, Finding, System
from tests.api.test_compliance_results import limited, run
from tests.jobtypes.running import TrialContext

__all__ = ["limited", "run"]
pytestmark = pytest.mark.django_db


def text(pages, address):
    answer = pages.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_board_says_what_is_needed_and_links_to_the_system(pages, run):
    shown = text(pages, "/compliance")
    assert "Evidence needed for <b>2 controls</b>" in shown
    assert "33.3 % ready" in shown
    assert f'href="/compliance/{System.objects.get().pk}"' in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>alert(1)" not in shown


def test_the_board_of_a_new_installation_says_what_to_do_first(pages):
    shown = text(pages, "/compliance")
    assert "There are no systems yet." in shown
    assert "loadcatalog FILE" in shown


def test_a_system_that_was_not_validated_offers_a_schedule(pages, db):
    System(name="harbour", environment="edge").store(by="tester")
    shown = text(pages, "/compliance")
    assert "nothing was validated yet" in shown
    assert "job_type=compliance" in shown


def test_a_system_shows_its_controls_and_what_each_lacks(pages, run):
    shown = text(pages, f"/compliance/{System.objects.get().pk}")
    assert "About SC-8" in shown
    assert "None of these is there: tls-config, certificate." in shown


def test_filters_leave_what_they_say(pages, run):
    shown = text(pages, f"/compliance/{System.objects.get().pk}?show=pass&family=AC")
    assert "About AC-2" in shown
    assert "About AC-3" not in shown
    assert "About SC-8" not in shown


def test_what_changed_since_the_run_before_is_shown(pages, run):
    Evidence.objects.filter(evidence_type="audit-log").update(expires_at=timezone.now())
    again = run.schedule.runs.request(by="tester")
    config = registry.parse("compliance", run.params)
    registry.job_type("compliance").run(config, TrialContext(run_id=again.pk))
    shown = text(pages, f"/compliance/{System.objects.get().pk}?show=changed")
    assert "About AC-2" in shown
    assert "About SC-8" not in shown
    assert Finding.objects.get().title in text(pages, "/compliance").replace("&#x27;", "'")


def test_a_system_of_another_environment_is_not_there(client, limited, run):
    client.force_login(limited("viewer", "staging").user)
    assert client.get(f"/compliance/{System.objects.get().pk}").status_code == 404
    assert "There are no systems yet." in text(client, "/compliance")


def test_the_page_of_a_run_shows_the_banner_and_leads_to_its_reports(pages, run):
    outcome = registry.job_type("compliance").run(
        registry.parse("compliance", run.params), TrialContext(run_id=run.pk + 1)
    )
    run.result, run.metrics = outcome.result, outcome.metrics
    run.save()
    shown = text(pages, f"/runs/{run.pk}")
    assert "EVIDENCE NEEDED" in shown
    assert f"/api/v1/runs/{run.pk}/report?kind=auditor&amp;format=html" in shown


def test_the_page_of_a_run_that_a_program_recorded_is_shown(pages, run):
    recorded = type(run).objects.start_job_run("validation", "edge")
    assert text(pages, f"/runs/{recorded.pk}")
