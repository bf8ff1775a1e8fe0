import pytest

from schedules.models import Schedule
from schedules.telling import NoticeRule

MAIL = {"name": "ops-mail", "kind": "email", "recipients": ["ops@example.com"]}
BODY = {"name": "nightly", "job_type": "noop", "schedule_type": "manual"}


@pytest.fixture
def ops(admin):
    return admin.post("channels", MAIL).json()["name"]


def test_a_rule_is_made_changed_and_removed(admin, ops):
    answer = admin.post("notice-rules", {"event": "repeated", "threshold": 3, "channels": [ops]})
    assert answer.status_code == 201, answer.content
    address = f"notice-rules/{answer.json()['id']}"
    assert admin.patch(address, {"threshold": 5}).json()["threshold"] == 5
    assert [one["event"] for one in admin.get("notice-rules?event=repeated").json()["results"]] == ["repeated"]
    assert admin.delete(address).status_code == 204
    assert not NoticeRule.objects.exists()


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"event": "noise"}, "event"),
        ({"channels": ["nobody"]}, "channels"),
        ({"channels": []}, "channels"),
        ({"threshold": 0}, "threshold"),
        ({"schedule_id": 999_999}, "schedule_id"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_rule_is_refused_under_its_field(admin, ops, sent, field):
    answer = admin.post("notice-rules", {"event": "repeated", "threshold": 3, "channels": [ops], **sent})
    assert answer.status_code == 400, answer.content
    assert field in answer.json()["errors"]


def test_a_schedule_names_its_channels_and_its_callback(admin, ops):
    answer = admin.post("schedules", {**BODY, "channels": [ops], "callback_url": "https://example.com/done"})
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert shown["channels"] == [ops]
    assert shown["callback_secret"].startswith("whsec_")
    address = f"schedules/{shown['id']}"
    assert "callback_secret" not in admin.get(address).json()
    fresh = admin.post(f"{address}/callback-secret").json()["callback_secret"]
    assert fresh != shown["callback_secret"]
    assert admin.patch(address, {"channels": None, "callback_url": None}).json()["channels"] == []
    assert Schedule.objects.get().callback_encrypted == ""
    assert admin.post(f"{address}/callback-secret").status_code == 409


def test_an_answer_of_a_schedule_may_be_sent_back_whole(admin, ops):
    shown = admin.post("schedules", {**BODY, "callback_url": "https://example.com/done"}).json()
    assert admin.put(f"schedules/{shown['id']}", shown).status_code == 200
