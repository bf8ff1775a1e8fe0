import pytest
from django.core.exceptions import ValidationError

from integrations.models import Channel
from jobtypes.models import AlertState
from tests.jobtypes.watching import Alert

pytestmark = pytest.mark.django_db


def test_inline_channels_become_channels_of_the_schedule():
    alert = Alert(
        notify=[
            "ops",
            {"channel": "email", "recipients": ["a@example.test"], "subject": "Revenue: {alert_name}"},
            {"channel": "slack", "webhook": "${SLACK_WEBHOOK_URL}"},
        ]
    )
    assert alert.schedule.params["notify"] == ["ops", "stuck orders: email", "stuck orders: slack"]
    own = Channel.objects.filter(schedule_id=alert.schedule.pk)
    assert {one.kind for one in own} == {"email", "slack"}
    assert "SLACK_WEBHOOK_URL" not in str(alert.schedule.params)


def test_defining_the_same_channels_again_changes_none():
    notify = [
        {"channel": "webhook", "url": "https://hooks.example.com/x", "headers": {"Authorization": "Bearer t0ken"}}
    ]
    alert = Alert(notify=notify)
    before = Channel.objects.filter(schedule_id=alert.schedule.pk).values().get()
    alert.schedule.params = {**alert.schedule.params, "notify": notify}
    alert.schedule.store(by="bob")
    assert Channel.objects.filter(schedule_id=alert.schedule.pk).values().get() == before
    notify[0]["headers"]["Authorization"] = "Bearer other"
    alert.schedule.params = {**alert.schedule.params, "notify": notify}
    alert.schedule.store(by="bob")
    after = Channel.objects.get(schedule_id=alert.schedule.pk)
    assert after.pk == before["id"]
    assert after.secrets["headers"] == {"Authorization": "Bearer other"}


def test_a_channel_that_is_no_longer_named_goes():
    alert = Alert(notify=[{"channel": "email", "recipients": ["a@example.test"]}])
    alert.schedule.params = {**alert.schedule.params, "notify": ["ops"]}
    alert.schedule.store(by="bob")
    assert not Channel.objects.filter(schedule_id=alert.schedule.pk).exists()
    assert Channel.objects.filter(name="ops").exists()


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ("nobody", "There is no channel 'nobody'"),
        ({"channel": "pigeon"}, "pigeon"),
        ({"channel": "email", "recipients": ["nobody"]}, "no e-mail address"),
        ({"channel": "slack", "webhook_url": "https://evil.example.com/x"}, "notify.0"),
        ({"channel": "webhook", "url": "http://127.0.0.1/"}, "notify.0"),
        ({"channel": "webhook", "url": "https://h.example.com", "headers": {"Host": "x"}}, "notify.0"),
    ],
)
def test_channels_that_cannot_be_are_refused(entry, word):
    with pytest.raises(ValidationError) as refused:
        Alert(notify=[entry])
    assert word in " ".join(refused.value.message_dict["params"])
    assert not AlertState.objects.exists()
