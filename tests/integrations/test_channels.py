import base64
import hashlib
import hmac
import json
import socket

import pytest
from aiosmtpd.controller import Controller
from django.core.exceptions import ValidationError

from integrations import channels
from integrations.channels import Envelope, Message, NotDelivered, email, slack, webhook
from integrations.kinds.base import Unusable
from integrations.models import Channel
from tests.webserver import Reply

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
MESSAGE = Message(
    event="alert",
    title="high <error> rate",
    status="ALERT",
    text="5 of 40 failed.",
    facts=(("Actual value", "12.5"), ("Threshold", "5")),
    context=(("total", "40"),),
    link="https://carillon.example/runs/1",
    body={"alert_name": "high <error> rate", "status": "ALERT"},
    words={"actual_value": "12.5", "threshold": "5"},
)
ENVELOPE = Envelope("msg_1", 1_700_000_000)


@pytest.fixture
def opened(site, settings):
    settings.OUTBOUND_ALLOWLIST = [f"127.0.0.1:{site.port}"]
    return site


@pytest.fixture
def mails(settings):
    """Return the list of mails that a real SMTP server received."""
    received = []

    class Keep:
        async def handle_RCPT(self, server, session, envelope, address, options):
            if address.startswith("unknown"):
                return "550 no such mailbox"
            envelope.rcpt_tos.append(address)
            return "250 ok"

        async def handle_DATA(self, server, session, envelope):
            received.append(envelope)
            return "250 kept"

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(Keep(), hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL = {
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": "",
        "EMAIL_HOST_PASSWORD": "",
    }
    settings.EMAIL_FROM = "Carillon <bells@carillon.example>"
    yield received
    controller.stop()


def test_a_webhook_is_signed_as_standard_webhooks_says(opened):
    settings = webhook.Settings(url=opened.url + "/hook", headers={"X-Team": "night"}, signing_secret=SECRET)
    receipt = webhook.send(settings, MESSAGE, ENVELOPE)
    [got] = opened.received
    assert receipt.status == 200
    assert json.loads(got.body) == MESSAGE.body
    assert (got.headers["x-team"], got.headers["webhook-id"]) == ("night", "msg_1")
    signed = b"msg_1.1700000000." + got.body
    expected = base64.b64encode(hmac.new(b"k" * 32, signed, hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"


@pytest.mark.parametrize(("status", "again"), [(500, True), (429, True), (408, True), (404, False), (410, False)])
def test_a_webhooks_refusal_says_whether_to_try_again(opened, status, again):
    opened.reply = Reply(status, {"Retry-After": "90"}, b"not now")
    with pytest.raises(NotDelivered, match="not now") as refused:
        webhook.send(webhook.Settings(url=opened.url), MESSAGE, ENVELOPE)
    assert (refused.value.retry, refused.value.retry_after, refused.value.status) == (again, 90, status)


def test_a_webhook_to_a_private_address_is_refused_for_good(site):
    with pytest.raises(NotDelivered) as refused:
        webhook.send(webhook.Settings(url=site.url), MESSAGE, ENVELOPE)
    assert not refused.value.retry
    assert site.received == []


def test_slack_must_answer_ok(opened):
    opened.reply = Reply(200, {}, b"no_team")
    settings = slack.Settings(webhook=opened.url + "/services/T/B")
    with pytest.raises(NotDelivered, match="no_team"):
        slack.send(settings, MESSAGE, ENVELOPE)
    opened.reply = Reply(200, {}, b"ok")
    assert slack.send(settings, MESSAGE, ENVELOPE).said == "ok"


def test_slack_shows_values_and_runs_none_of_them():
    payload = slack.payload(slack.Settings(webhook_url="https://hooks.slack.com/x", channel="#ops"), MESSAGE)
    text = json.dumps(payload, ensure_ascii=False)
    assert payload["channel"] == "#ops"
    assert payload["attachments"][0]["color"] == "#d00000"
    assert "Actual value" in text
    assert "12.5" in text
    assert slack.escape("<!channel> *bold* &") == "&lt;!channel&gt; *\u200bbold*\u200b &amp;"


def test_slack_goes_to_slack_or_to_a_listed_host(settings):
    settings.OUTBOUND_ALLOWLIST = ["chat.example"]
    channels.KINDS["slack"].check(slack.Settings(webhook_url="https://chat.example/hooks/1"))
    with pytest.raises(Exception, match="OUTBOUND_ALLOWLIST"):
        channels.KINDS["slack"].check(slack.Settings(webhook_url="https://elsewhere.example/"))


def test_a_mail_goes_out_as_text_and_html(mails):
    settings = email.Settings(recipients=["ops@example.test"], subject="{alert_name}: {actual_value} {unknown}")
    email.send(settings, MESSAGE, ENVELOPE)
    [got] = mails
    content = got.content.decode()
    assert got.rcpt_tos == ["ops@example.test"]
    assert "Subject: high <error> rate: 12.5 {unknown}" in content
    assert "Message-ID: <msg_1@carillon.example>" in content
    assert "high &lt;error&gt; rate" in content


def test_a_mailbox_that_does_not_exist_is_not_tried_again(mails):
    with pytest.raises(NotDelivered, match="550") as refused:
        email.send(email.Settings(recipients=["unknown@example.test"]), MESSAGE, ENVELOPE)
    assert not refused.value.retry


def test_without_a_mail_server_the_sentence_names_the_settings(settings):
    settings.EMAIL = {"EMAIL_HOST": ""}
    with pytest.raises(Unusable, match="EMAIL_URL"):
        email.send(email.Settings(recipients=["ops@example.test"]), MESSAGE, ENVELOPE)


def test_a_subject_takes_no_line_break_from_what_it_names():
    message = Message("alert", "a\r\nBcc: all@example.test", "ALERT")
    assert "\n" not in email.subject(email.Settings(recipients=["a@example.test"]), message)


def offered(name, kind, values, **fields):
    channel = Channel(name=name, kind=kind, **fields)
    channel.offer(values)
    channel.store(by="tester")
    return channel


@pytest.mark.django_db
def test_secrets_of_a_channel_are_encrypted_and_masked(opened):
    channel = offered("pager", "webhook", {"url": opened.url, "headers": {"Authorization": "Bearer marker-4711"}})
    stored = Channel.objects.values().get()
    assert "marker-4711" not in json.dumps(stored, default=str)
    assert channel.masked["headers"] == {"Authorization": "***"}
    assert channel.scrub("it said marker-4711") == "it said ***"


@pytest.mark.django_db
def test_three_stars_keep_a_secret_unless_the_destination_changes(opened):
    channel = offered("pager", "webhook", {"url": opened.url, "headers": {"Authorization": "Bearer marker-4711"}})
    channel.offer({"url": opened.url, "method": "PUT", "headers": {"Authorization": "***"}})
    channel.store(by="tester")
    assert channel.secrets["headers"]["Authorization"] == "Bearer marker-4711"
    channel.offer({"url": opened.url + "/else", "headers": {"Authorization": "***"}})
    with pytest.raises(ValidationError, match="written again"):
        channel.store(by="tester")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        ("email", {"recipients": []}, "recipients"),
        ("email", {"recipients": ["nobody"]}, "recipients"),
        ("webhook", {"url": "http://127.0.0.1/"}, "url"),
        ("webhook", {"url": "https://example.com", "headers": {"Host": "x"}}, "headers"),
        ("webhook", {"url": "https://example.com", "signing_secret": "short"}, "signing_secret"),
        ("webhook", {"url": "https://example.com", "colour": "red"}, "colour"),
        ("slack", {"webhook_url": "http://elsewhere.example/"}, "webhook_url"),
        ("apprise", {"address": "gotify://127.0.0.1/token"}, "address"),
        ("apprise", {"address": "json://127.0.0.1/x"}, "address"),
        ("pigeon", {}, "kind"),
    ],
)
def test_what_cannot_be_a_channel_is_refused_by_field(kind, values, field):
    with pytest.raises(ValidationError) as refused:
        offered("one", kind, values)
    errors = refused.value.error_dict
    assert field in errors or field in {error.code for error in errors["__all__"]}
    assert not Channel.objects.exists()


@pytest.mark.django_db
def test_a_reference_is_stored_as_written_and_read_when_it_is_used(opened, monkeypatch):
    channel = offered("pager", "webhook", {"url": "${PAGER_URL}"})
    with pytest.raises(Unusable, match="PAGER_URL"):
        channel.send(MESSAGE, ENVELOPE)
    monkeypatch.setenv("PAGER_URL", opened.url)
    assert channel.send(MESSAGE, ENVELOPE).status == 200
