from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from integrations.models import Delivery
from jobtypes.models import AlertState
from tests.jobtypes.watching import START, Alert

pytestmark = pytest.mark.django_db


@pytest.fixture
def alert():
    return Alert()


def test_five_alerts_are_told_once_and_the_recovery_once_and_the_next_alert_again(alert):
    alert.say("ALERT")
    alert.taken()
    alert.say("ALERT", "ALERT", "ALERT", "ALERT", minute=1)
    assert alert.told() == [("alert", "ops")]
    alert.say("OK", minute=5)
    alert.taken()
    assert alert.told() == [("alert", "ops"), ("recovery", "ops")]
    alert.say("ALERT", minute=6)
    assert alert.told() == [("alert", "ops"), ("recovery", "ops"), ("alert", "ops")]


def test_the_run_says_what_it_was(alert):
    assert alert.say("OK", "ALERT") == ["", "alert"]
    alert.taken()
    assert alert.say("ALERT", "OK", minute=2) == ["", "recovery"]
    assert alert.say("ERROR", "ERROR", "ERROR", minute=5) == ["", "", "error"]


def test_reminders_come_once_an_hour_for_a_day():
    alert = Alert(renotify_interval="1h")
    for number in range(24 * 6 + 1):
        alert.say("ALERT", minute=number * 10)
        alert.taken(minute=number * 10)
    told = [notice for notice, _ in alert.told()]
    assert told.count("alert") == 1
    assert told.count("reminder") == 24
    assert alert.incidents[0].reminders == 24


def test_a_silence_over_the_change_delays_the_opening(alert):
    AlertState.objects.update(silenced_until=START + timedelta(hours=2))
    alert.say("ALERT", "ALERT")
    alert.tend(119)
    assert alert.told() == []
    alert.tend(120.5)
    assert alert.told() == [("alert", "ops")]


def test_an_incident_that_is_over_before_the_silence_is_never_told(alert):
    AlertState.objects.update(silenced_until=START + timedelta(hours=2))
    alert.say("ALERT", "OK")
    alert.tend(121)
    assert alert.told() == []
    [incident] = alert.incidents
    assert (incident.close_reason, incident.first_notified_at) == ("recovered", None)


def test_a_recovery_that_falls_into_a_silence_is_told_after_it(alert):
    alert.say("ALERT")
    alert.taken()
    AlertState.objects.update(silenced_until=START + timedelta(hours=2))
    alert.say("OK", minute=1)
    alert.tend(100)
    assert alert.told() == [("alert", "ops")]
    alert.tend(121)
    assert alert.told() == [("alert", "ops"), ("recovery", "ops")]


def test_recovery_goes_to_those_who_took_the_opening():
    alert = Alert(notify=["ops", "boss"])
    alert.say("ALERT")
    alert.taken("ops")
    alert.say("OK", minute=1)
    assert alert.told() == [("alert", "ops"), ("recovery", "ops")]
    assert Delivery.objects.get(channel_name="boss").answer == "It was over before it could be told."


def test_what_is_just_being_sent_at_the_end_is_waited_for(alert):
    alert.say("ALERT")
    soon = START + timedelta(minutes=2)
    Delivery.objects.update(status="sending", lease_expires_at=soon)
    alert.say("OK", minute=1)
    assert alert.told() == [("alert", "ops")]
    Delivery.objects.update(status="delivered", finished_at=soon, lease_expires_at=None)
    alert.tend(3)
    assert alert.told() == [("alert", "ops"), ("recovery", "ops")]


def test_first_notified_at_is_when_a_channel_took_it(alert):
    alert.say("ALERT")
    alert.tend(1)
    assert alert.incidents[0].first_notified_at is None
    alert.taken(minute=10)
    alert.tend(11)
    assert alert.incidents[0].first_notified_at == START + timedelta(minutes=10, seconds=3)


def test_an_opening_that_every_channel_gave_up_is_told_anew_by_a_later_alert(alert):
    alert.say("ALERT")
    alert.given_up()
    alert.say("ALERT", "ALERT", "ALERT", "ALERT", minute=1)
    assert alert.told() == [("alert", "ops")]
    alert.say("ALERT", minute=5.1)
    assert alert.told() == [("alert", "ops"), ("alert", "ops")]
    assert len(set(Delivery.objects.values_list("webhook_id", flat=True))) == 2


def test_a_digest_of_several_counts_as_told(alert):
    alert.say("ALERT")
    digest = Delivery.objects.create(event="digest", status="delivered", finished_at=START)
    Delivery.objects.filter(event="alert.alert").update(status="discarded", told_in=digest, finished_at=START)
    alert.say("ALERT", minute=30)
    assert alert.incidents[0].first_notified_at is not None
    assert not Delivery.objects.filter(status="pending").exists()


def test_errors_are_told_once_and_their_end_once(alert):
    alert.say("OK", "ERROR", "ERROR")
    assert alert.told() == []
    alert.say("ERROR", minute=3)
    alert.taken()
    [delivery] = Delivery.objects.all()
    assert "No answer 3 times in a row: The database is away." in delivery.message["text"]
    assert "The last answer, OK, is 3 min old." in delivery.message["text"]
    alert.say("ERROR", "ERROR", minute=4)
    alert.say("OK", minute=6)
    assert alert.told() == [("error", "ops"), ("error_recovery", "ops")]


def test_an_alert_goes_on_under_errors(alert):
    alert.say("ALERT")
    alert.taken()
    alert.say("ERROR", "ERROR", "ERROR", minute=1)
    alert.taken()
    alert.say("ALERT", minute=4)
    assert alert.told() == [("alert", "ops"), ("error", "ops"), ("error_recovery", "ops")]
    assert alert.state.standing == "alert"


def test_an_attempt_that_is_tried_again_does_not_count(alert):
    alert.say("ERROR", "ERROR", "ERROR", "ERROR", is_final=False)
    assert alert.state.consecutive_errors == 0


def test_a_backfill_opens_nothing(alert):
    alert.say("ALERT", trigger="backfill")
    assert alert.incidents == []


def test_a_result_of_an_older_instant_is_left_out(alert):
    alert.say("OK", minute=10)
    alert.say("ALERT", minute=5)
    assert alert.state.standing == "ok"


def test_errors_can_be_kept_quiet():
    alert = Alert(notify_on_error=False, error_after=1)
    alert.say("ERROR", "OK")
    assert alert.told() == []
    assert [one.kind for one in alert.incidents] == ["error"]


def test_recoveries_can_be_kept_quiet():
    alert = Alert(notify_on_recovery=False)
    alert.say("ALERT")
    alert.taken()
    alert.say("OK", minute=1)
    assert alert.told() == [("alert", "ops")]


def test_openings_keep_their_least_distance_and_are_told_when_it_is_over():
    alert = Alert(min_interval_seconds=600)
    alert.say("ALERT")
    alert.taken()
    alert.say("OK", "ALERT", minute=1)
    assert [notice for notice, _ in alert.told()] == ["alert", "recovery"]
    alert.tend(9)
    assert [notice for notice, _ in alert.told()] == ["alert", "recovery"]
    alert.tend(10.1)
    assert [notice for notice, _ in alert.told()] == ["alert", "recovery", "alert"]


def test_escalation_tells_others_until_somebody_acknowledges():
    alert = Alert(escalate=[{"after": "30m", "notify": ["boss"]}, {"after": "1h", "notify": ["boss"]}])
    alert.say("ALERT")
    alert.taken()
    alert.tend(29)
    assert alert.told() == [("alert", "ops")]
    alert.tend(31)
    alert.tend(32)
    assert alert.told() == [("alert", "ops"), ("escalation", "boss")]
    alert.taken()
    alert.incidents[0].acknowledge(by="ada", note="On it.")
    alert.tend(62)
    alert.say("OK", minute=70)
    assert alert.told()[2:] == [("recovery", "ops"), ("recovery", "boss")]


def test_acknowledging_stops_reminders_only():
    alert = Alert(renotify_interval_seconds=300)
    alert.say("ALERT")
    alert.taken()
    alert.incidents[0].acknowledge(by="ada")
    alert.incidents[0].acknowledge(by="bob")
    assert alert.incidents[0].acknowledged_by == "ada"
    alert.say("ALERT", minute=10)
    alert.say("OK", minute=11)
    assert alert.told() == [("alert", "ops"), ("recovery", "ops")]
    with pytest.raises(ValidationError):
        alert.incidents[0].acknowledge(by="ada")


def test_another_alert_holds_it_back():
    database = Alert(name="database full")
    alert = Alert(inhibited_by=["database full"])
    database.say("ALERT")
    alert.say("ALERT", minute=1)
    alert.tend(2)
    assert alert.told() == []
    database.say("OK", minute=3)
    alert.tend(4)
    assert alert.told() == [("alert", "ops")]


def test_a_silence_has_bounds(alert):
    for span in (timedelta(0), timedelta(days=30, seconds=1)):
        with pytest.raises(ValidationError):
            alert.state.silence(span, by="ada")
    alert.state.silence(timedelta(hours=2), by="ada", reason="Migration")
    assert alert.state.is_silenced(timezone.now() + timedelta(minutes=119))
    alert.state.unsilence(by="ada")
    assert not alert.state.is_silenced(timezone.now())


def test_without_channels_incidents_are_kept_all_the_same():
    alert = Alert(notify=[])
    assert alert.say("ALERT", "OK") == ["alert", "recovery"]
    assert alert.told() == []
    assert len(alert.incidents) == 1


def test_the_message_says_everything(alert):
    alert.say("ALERT", value=37)
    message = Delivery.objects.get().message
    body = message["body"]
    assert message["title"] == "stuck orders"
    assert message["words"] == {"actual_value": "37", "threshold": "5"}
    assert body["alert_name"] == "stuck orders"
    assert (body["status"], body["event"], body["severity"]) == ("ALERT", "alert", "warning")
    assert (body["actual_value"], body["threshold"], body["context"]) == (37, 5, {"oldest": "x"})
    assert body["incident_id"] == alert.incidents[0].pk
    assert body["scheduled_for"] == START.isoformat()


def test_text_as_a_value_is_kept_and_told(alert):
    alert.say("ALERT", value="x" * 1000 + "\u2028'; DROP TABLE")
    assert alert.state.actual_value.endswith("DROP TABLE")


def test_an_error_that_suspends_the_schedule_is_told_at_once(alert):
    alert.say("ERROR", reason="suspended")
    assert alert.told() == [("error", "ops")]
