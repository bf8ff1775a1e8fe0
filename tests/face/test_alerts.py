from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from jobruns.engine import settling
from jobruns.models import JobRun
from jobtypes.models import AlertIncident, AlertState
from tests.jobtypes.watching import Alert


@pytest.fixture
def alert(db):
    return Alert()


def ran(alert, *values, limit=20):
    """Let runs end one minute after the other, the last one just now; None is no answer."""
    start = timezone.now() - timedelta(minutes=len(values))
    for number, value in enumerate(values):
        at = start + timedelta(minutes=number)
        run = JobRun.objects.create(
            schedule=alert.schedule,
            schedule_name=alert.schedule.name,
            job_type="sql_alert",
            environment=alert.schedule.environment,
            params=alert.schedule.params,
            scheduled_for=at,
            queued_at=at,
            available_at=at,
            started_at=at,
            finished_at=at,
            status="failed" if value is None else "success",
            error="The database is <b>away</b>." if value is None else "",
            result={"status": "ALERT" if (value or 0) > limit else "OK", "actual_value": value, "threshold": limit},
            correlation_id="c" * 32,
            idempotency_key=f"{alert.schedule.pk}-{number}",
        )
        settling.settle({run.pk: "sql_alert"}, set())


def test_an_alert_that_rings_stands_first_with_value_and_threshold(pages, alert):
    ran(Alert(name="calm"), 1, 2)
    ran(alert, 10, 37)
    page = pages.get("/alerts").content.decode()
    assert "1 is ringing" in page
    assert page.index("stuck orders") < page.index("calm")
    assert "<b>37</b> above 20" in page
    assert "Nobody has taken it yet: trying ops." in page


def test_a_gap_is_hatched_and_never_zero(pages, alert):
    ran(alert, 10, 11, None, None, None)
    page = pages.get("/alerts").content.decode()
    assert "1 cannot answer" in page
    assert 'class="gap"' in page
    assert "<b>No answer</b>" in page
    assert "The database is &lt;b&gt;away&lt;/b&gt;." in page


def test_it_is_silenced_and_told_again_from_its_card(pages, alert):
    ran(alert, 37)
    pages.post(f"/alerts/{alert.schedule.pk}/silence", {"for": "1h", "reason": "Migration"})
    page = pages.get("/alerts").content.decode()
    assert "1 is silenced" in page
    assert "by operator: Migration" in page
    pages.post(f"/alerts/{alert.schedule.pk}/unsilence")
    assert AlertState.objects.get().silenced_until is None


def test_a_silence_that_cannot_be_is_refused_with_a_sentence(pages, alert):
    answer = pages.post(f"/alerts/{alert.schedule.pk}/silence", {"for": "1h", "other": "soon"}, follow=True)
    assert "such as 90s, 15m, 6h" in answer.content.decode()
    assert AlertState.objects.get().silenced_until is None


def test_an_incident_is_acknowledged_from_its_card(pages, alert):
    ran(alert, 37)
    pages.post(f"/alerts/{alert.schedule.pk}/acknowledge", {"next": "alert"})
    assert AlertIncident.objects.get().acknowledged_by == "operator"
    assert "Acknowledged by operator." in pages.get(f"/alerts/{alert.schedule.pk}").content.decode()
    again = pages.post(f"/alerts/{alert.schedule.pk}/acknowledge", follow=True)
    assert again.status_code == 200


def test_one_alert_shows_its_values_over_time_and_its_incidents(pages, alert):
    ran(alert, 10, 37, 10)
    page = pages.get(f"/alerts/{alert.schedule.pk}?span=week").content.decode()
    assert "3 answers" in page
    assert "SELECT &#x27;OK&#x27; AS status" in page
    assert "nobody was told" in page
    assert pages.get("/alerts/999999").status_code == 404


def test_incidents_of_all_alerts_are_listed(pages, alert):
    ran(alert, 37, 1, 38)
    page = pages.get("/alerts/incidents").content.decode()
    assert page.count("stuck orders") == 2
    assert "1 lasts." in page


def test_without_alerts_the_page_says_what_one_is(pages):
    page = pages.get("/alerts").content.decode()
    assert "There are no alerts yet." in page
    assert "job_type=sql_alert" in page


def test_who_may_not_silence_sees_no_button(client, viewer, alert):
    viewer.user_permissions.add(Permission.objects.get(codename="view_alertstate"))
    ran(alert, 37)
    client.force_login(viewer)
    assert "Silence…" not in client.get("/alerts").content.decode()
    assert client.post(f"/alerts/{alert.schedule.pk}/silence", {"for": "1h"}).status_code == 403


def test_the_schedule_of_an_alert_names_whom_it_tells(pages, alert):
    page = pages.get(f"/schedules/{alert.schedule.pk}?tab=definition").content.decode()
    assert "Of what it finds" in page
    assert "<dd>ops</dd>" in page
