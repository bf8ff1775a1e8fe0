import pytest

from jobtypes.models import AlertIncident, AlertState
from tests.jobtypes.watching import Alert

pytestmark = pytest.mark.django_db


@pytest.fixture
def alert():
    return Alert()


def test_a_paused_alert_keeps_what_it_says_and_tells_nothing(alert):
    alert.say("ALERT")
    alert.taken()
    alert.schedule.pause(by="ada")
    alert.say("OK", minute=9, trigger="manual", value=3)
    assert (alert.state.last_status, alert.state.actual_value) == ("OK", 3)
    assert alert.state.standing == "alert"
    assert alert.told() == [("alert", "ops")]
    alert.schedule.resume(by="ada")
    alert.say("OK", minute=10)
    assert alert.told() == [("alert", "ops"), ("recovery", "ops")]


def test_deleting_an_alert_closes_its_incident_without_a_word(alert):
    alert.say("ALERT")
    alert.schedule.discard(by="ada")
    [incident] = AlertIncident.objects.all()
    assert incident.close_reason == "removed"
    assert alert.told() == []
    assert not AlertState.objects.watched().exists()
    alert.tend(5)
    alert.schedule.restore(by="ada")
    assert alert.state.standing == "new"


def test_erasing_an_alert_leaves_nothing(alert):
    alert.say("ALERT")
    alert.schedule.erase(by="ada")
    assert not AlertState.objects.exists()
    assert not AlertIncident.objects.exists()


def test_another_job_type_forgets_the_alert(alert):
    alert.schedule.job_type, alert.schedule.params = "noop", {}
    alert.schedule.store(by="ada")
    assert not AlertState.objects.exists()


def test_it_follows_its_schedule(alert):
    alert.schedule.name, alert.schedule.description = "stuck", "Orders that wait"
    alert.schedule.store(by="ada")
    assert (alert.state.name, alert.state.description) == ("stuck", "Orders that wait")
