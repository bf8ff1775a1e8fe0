import json

import pytest

from integrations import sender
from integrations.channels import Message
from integrations.models import Channel, Delivery
from tests.webserver import Reply, Site

MARKER = "s3cr3t-marker"
MAIL = {"name": "ops-mail", "kind": "email", "recipients": ["ops@example.com"]}
SLACK = {"name": "night", "kind": "slack", "webhook": f"https://hooks.slack.com/services/{MARKER}"}
PAGER = {"name": "pager", "kind": "webhook", "url": "https://example.com/x", "headers": {"Authorization": MARKER}}


@pytest.fixture
def site(settings):
    server = Site()
    settings.OUTBOUND_ALLOWLIST = [f"127.0.0.1:{server.port}"]
    yield server
    server.close()


@pytest.mark.parametrize("body", [MAIL, SLACK, PAGER], ids=["email", "slack", "webhook"])
def test_a_secret_of_a_channel_goes_in_and_never_comes_out(admin, body):
    answer = admin.post("channels", body)
    assert answer.status_code == 201, answer.content
    address = f"channels/{answer.json()['id']}"
    for said in (answer, admin.get(address), admin.get("channels"), admin.post("channels", body)):
        assert MARKER not in said.content.decode()
    assert admin.put(address, admin.get(address).json()).status_code == 200


def test_a_signing_secret_is_shown_once(admin):
    answer = admin.post("channels", PAGER, **{"Idempotency-Key": "one"})
    secret = answer.json()["signing_secret"]
    assert secret.startswith("whsec_")
    again = admin.post("channels", PAGER, **{"Idempotency-Key": "one"})
    assert again.json()["signing_secret"] == "***"
    address = f"channels/{answer.json()['id']}"
    assert admin.get(address).json()["signing_secret"] == "***"
    assert admin.patch(address, {"description": "new"}).json()["signing_secret"] == "***"
    assert Channel.objects.get().secrets["signing_secret"] == secret
    fresh = admin.post(f"{address}/rotate-secret").json()["signing_secret"]
    assert Channel.objects.get().secrets["signing_secret"] == fresh != secret


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"recipients": []}, "recipients"),
        ({"recipients": ["nobody"]}, "recipients"),
        ({"kind": "pigeon"}, "kind"),
        ({"url": "https://example.com"}, "url"),
        ({"colour": "red"}, "colour"),
        ({"name": ""}, "name"),
        ({"subject": "a\nb"}, "subject"),
    ],
)
def test_a_bad_channel_is_refused_under_its_field(admin, sent, field):
    answer = admin.post("channels", {**MAIL, **sent})
    assert answer.status_code == 400, answer.content
    assert field in answer.json()["errors"]
    assert not Channel.objects.exists()


def test_another_destination_needs_the_secrets_again(admin):
    address = f"channels/{admin.post('channels', PAGER).json()['id']}"
    answer = admin.patch(address, {"url": "https://thief.example.net/"})
    assert answer.status_code == 400
    assert Channel.objects.get().shown["url"] == PAGER["url"]


def test_a_channel_is_tried_out(admin, site):
    address = f"channels/{admin.post('channels', {**PAGER, 'url': site.url}).json()['id']}"
    assert admin.post(f"{address}/test").json()["ok"] is True
    assert json.loads(site.received[0].body)["event"] == "test"
    site.reply = Reply(500, {}, MARKER.encode())
    failed = admin.post(f"{address}/test")
    assert failed.json()["ok"] is False
    assert MARKER not in failed.content.decode()


def test_a_name_is_taken_once(admin):
    admin.post("channels", MAIL)
    assert admin.post("channels", MAIL).status_code == 409


def test_deliveries_are_listed_and_sent_again(admin, site):
    admin.post("channels", {**PAGER, "url": site.url})
    Delivery.objects.post(Message("run.failed", "nightly", "FAILED"), Channel.objects.all(), schedule_id=7)
    [shown] = admin.get("deliveries?status=pending&schedule_id=7&channel=pager").json()["results"]
    assert admin.post(f"deliveries/{shown['id']}/replay").status_code == 409
    for delivery in Delivery.objects.claim(1):
        sender.deliver(delivery)
    again = admin.post(f"deliveries/{shown['id']}/replay")
    assert (again.status_code, again.json()["status"]) == (200, "pending")
    assert again.json()["webhook_id"] == shown["webhook_id"]
    assert admin.get("deliveries?status=delivered").json()["results"] == []


def test_channels_and_deliveries_need_their_own_rights(having, nobody):
    assert nobody.get("channels").status_code == nobody.get("deliveries").status_code == 403
    reader = having("integrations.view_channel")
    assert reader.get("channels").status_code == 200
    assert reader.post("channels", MAIL).status_code == 403
    assert reader.get("deliveries").status_code == 403
