from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import Connection
from jobtypes.models import AlertState
from tests.jobtypes.databases import sqlite_in
from tests.jobtypes.watching import Alert

pytestmark = pytest.mark.django_db


@pytest.fixture
def alert():
    return Alert()


def test_alerts_are_listed_with_their_last_answer_and_open_incident(admin, alert):
    alert.say("OK", "ALERT", value=37)
    [shown] = admin.get("alerts").json()["results"]
    assert (shown["id"], shown["name"], shown["state"]) == (alert.schedule.pk, "stuck orders", "alert")
    assert (shown["actual_value"], shown["threshold"], shown["context"]) == (37, 5, {"oldest": "x"})
    [incident] = shown["open_incidents"]
    assert (incident["kind"], incident["closed_at"]) == ("alert", None)


def test_an_alert_that_has_not_run_is_new(admin, alert):
    assert admin.get(f"alerts/{alert.schedule.pk}").json()["state"] == "new"


@pytest.mark.parametrize("by", ["name", "number"])
def test_an_alert_is_found_by_name_and_number(admin, alert, by):
    place = "stuck%20orders" if by == "name" else alert.schedule.pk
    assert admin.get(f"alerts/{place}").json()["name"] == "stuck orders"
    assert admin.get("alerts/nothing").status_code == 404


def test_the_list_is_filtered(admin, alert):
    Alert(name="fine").say("OK")
    alert.say("ALERT")
    assert [one["name"] for one in admin.get("alerts?state=ok").json()["results"]] == ["fine"]
    assert [one["name"] for one in admin.get("alerts?search=stuck").json()["results"]] == ["stuck orders"]
    assert admin.get("alerts?colour=red").status_code == 400


@pytest.mark.parametrize("body", [{"for": "2h"}, {"duration": "1h60m"}, {"seconds": 7200}])
def test_an_alert_is_silenced_for_a_while(admin, alert, body):
    answer = admin.post("alerts/stuck%20orders/silence", {**body, "reason": "Migration"})
    assert answer.status_code == 200
    assert answer.json()["silenced"] is True
    state = AlertState.objects.get()
    assert abs(state.silenced_until - timezone.now() - timedelta(hours=2)) < timedelta(minutes=1)
    assert (state.silenced_by, state.silence_reason) == ("ada", "Migration")
    assert admin.post("alerts/stuck%20orders/unsilence").json()["silenced"] is False
    assert admin.post("alerts/stuck%20orders/unsilence").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"for": "soon"},
        {"for": "0s"},
        {"for": "31d"},
        {"seconds": 0},
        {"for": "1h", "seconds": 5},
        {"until": "2020-01-01T00:00"},
    ],
)
def test_a_silence_that_cannot_be_is_refused(admin, alert, body):
    assert admin.post(f"alerts/{alert.schedule.pk}/silence", body).status_code == 400
    assert AlertState.objects.get().silenced_until is None


def test_an_open_incident_is_acknowledged(admin, alert):
    assert admin.post(f"alerts/{alert.schedule.pk}/acknowledge", {}).status_code == 409
    alert.say("ALERT")
    answer = admin.post(f"alerts/{alert.schedule.pk}/acknowledge", {"note": "On it"})
    [incident] = answer.json()["open_incidents"]
    assert (incident["acknowledged_by"], incident["acknowledged_note"]) == ("ada", "On it")
    [listed] = admin.get(f"alerts/{alert.schedule.pk}/incidents").json()
    assert listed["acknowledged_by"] == "ada"


def test_who_may_look_may_not_silence(having, alert):
    viewer = having("jobtypes.view_alertstate")
    assert viewer.get("alerts").status_code == 200
    assert viewer.post(f"alerts/{alert.schedule.pk}/silence", {"for": "1h"}).status_code == 403
    assert viewer.post(f"alerts/{alert.schedule.pk}/acknowledge", {}).status_code == 403


def test_deleted_alerts_are_gone(admin, alert):
    alert.schedule.discard(by="ada")
    assert admin.get("alerts").json()["results"] == []
    assert admin.get(f"alerts/{alert.schedule.pk}").status_code == 404


def test_a_query_is_tried_without_being_kept(admin, settings, tmp_path):
    settings.LOCAL_FILES_ROOT = tmp_path
    Connection(name="shop", kind="sql", address=next(sqlite_in(tmp_path)).url).store(by="test")
    body = {"connection": "shop", "query": "SELECT 'alert ' AS Status, 7 AS actual_value, 5 AS threshold"}
    said = admin.post("alerts/test", body).json()
    assert (said["status"], said["actual_value"], said["threshold"]) == ("ALERT", 7, 5)
    broken = admin.post("alerts/test", {**body, "query": "SELECT 1 AS one"}).json()
    assert broken["status"] == "ERROR"
    assert "status" in broken["sentence"]
    assert admin.post("alerts/test", {**body, "query": "DELETE FROM orders"}).status_code == 400
    assert admin.post("alerts/test", {**body, "connection": "none"}).status_code == 400
    assert not AlertState.objects.exists()


def test_the_metric_tells_how_each_alert_stands(admin, alert):
    Alert(name="fine").say("OK")
    Alert(name="untried")
    alert.say("ALERT")
    Alert(name="broken").say("ERROR")
    text = admin.get("/metrics").content.decode()
    for line in (
        '{alert="fine"} 0.0',
        '{alert="stuck orders"} 1.0',
        '{alert="broken"} 2.0',
        '{alert="untried"} -1.0',
    ):
        assert f"alert_state{line}" in text
