"""What looks like a template, a format or a variable is text: it comes out as it went in, wherever it was written."""

import json
import os

import pytest
from django.test import Client

from integrations import references
from integrations.channels import Envelope, Message, email, slack, webhook
from integrations.models import Channel, Connection
from jobruns.models import JobRun
from schedules.models import Schedule
from tests.jobtypes.running import TrialContext, execute
from tests.webserver import Site

TRICKS = ["{{7*7}}", "{{settings.SECRET_KEY}}", "{% debug %}", "{% load static %}", "${SECRET_KEY}", "$HOME",
    "%(x)s %s %n",
          "{0.__class__}", "{name.__init__.__globals__}", "{alert_name!r:>99999999}", "#{7*7}", "<%= 7*7 %>",
          "`id`", "$(id)"]  # fmt: skip
OUTCOMES = ["49", os.environ.get("HOME", "/root"), "django.contrib", "__globals__'"]
every_trick = pytest.mark.parametrize("trick", TRICKS)


@pytest.fixture
def site(settings):
    server = Site()
    settings.OUTBOUND_ALLOWLIST = [f"127.0.0.1:{server.port}"]
    yield server
    server.close()


@every_trick
def test_every_text_of_a_schedule_comes_back_as_it_was_written(admin, trick):
    body = {"name": f"n {trick}", "description": trick, "environment": trick[:50], "tags": [trick],
            "job_type": "noop", "schedule_type": "manual", "params": {"message": trick}}  # fmt: skip
    made = admin.post("schedules", body)
    assert made.status_code == 201, made.content
    assert {name: made.json()[name] for name in body} == body
    browser = Client()
    browser.force_login(admin.user)
    for path in ("/schedules", f"/schedules/{made.json()['id']}?tab=definition", "/", "/admin/schedules/schedule/"):
        page = browser.get(path, {"q": trick} if path == "/schedules" else {})
        assert page.status_code == 200
    shown = browser.get(f"/schedules/{made.json()['id']}?tab=definition").content.decode()
    assert trick.replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#x27;") in shown


@every_trick
def test_a_request_sends_the_text_as_it_was_written(site, trick):
    headers = {"X-Text": trick}
    execute("http_request", {"url": f"{site.url}/x", "body": trick, "method": "POST", "headers": headers})
    execute("http_request", {"url": f"{site.url}/x", "json": {trick: [trick]}})
    first, second = site.received
    assert (first.body.decode(), first.headers["x-text"]) == (trick, trick)
    assert json.loads(second.body) == {trick: [trick]}


@every_trick
def test_what_is_told_holds_the_text_as_it_was_written(site, trick):
    message = Message(event="alert", title=trick, status="ALERT", text=trick, facts=((trick, trick),),
    body={"text": trick},
                      words={"alert_name": trick, "actual_value": "1"})  # fmt: skip
    webhook.post(site.url, message.body, Envelope("msg_1", 1))
    assert json.loads(site.received[0].body) == {"text": trick}
    assert trick.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in json.dumps(
        slack.payload(slack.Settings(webhook_url="https://hooks.slack.com/x"), message), ensure_ascii=False
    ).replace("\u200b", "").replace('\\"', '"').replace("\\\\", "\\")


@every_trick
def test_a_subject_knows_its_own_words_and_nothing_else(trick):
    message = Message(event="alert", title="t", status="ALERT", words={"alert_name": trick, "actual_value": "1"})
    said = email.subject(email.Settings(recipients=["a@example.test"], subject="{alert_name}"), message)
    assert said == trick
    for outcome in OUTCOMES:
        assert outcome not in said or outcome in trick


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "DATABASE_URL", "CARILLON_ENCRYPTION_KEYS", "EMAIL_URL", "SMTP_PASSWORD"]
)
def test_carillons_own_variables_cannot_be_referred_to(admin, name):
    reference = f"${{{name}}}"
    for path, body in (
        ("connections", {"kind": "http", "address": f"https://example.com/{reference}"}),
        ("connections", {"kind": "http", "address": "https://example.com/", "headers": {"X-A": f"a{reference}"}}),
        ("connections", {"kind": "sql", "address": reference}),
        ("connections", {"kind": "sql", "address": f"postgresql://a:{reference}@h/x"}),
        ("connections", {"kind": "nats", "address": reference}),
        ("channels", {"kind": "webhook", "url": f"https://example.com/{reference}"}),
        ("channels", {"kind": "webhook", "url": "https://example.com/", "headers": {"X-A": reference}}),
        ("channels", {"kind": "slack", "webhook_url": reference}),
    ):
        answer = admin.post(path, {"name": "c", **body})
        assert answer.status_code == 400, answer.content
    assert not Connection.objects.exists()
    assert not Channel.objects.exists()
    with pytest.raises(references.Unset):
        references.expand(reference)


def test_a_value_of_the_environment_is_not_read_a_second_time(monkeypatch):
    monkeypatch.setenv("OUTER", "${INNER}")
    monkeypatch.setenv("INNER", "x")
    assert references.expand("${OUTER}") == "${INNER}"


def test_a_run_keeps_what_its_schedule_said(admin):
    body = {
        "name": "s",
        "job_type": "noop",
        "schedule_type": "manual",
        "params": {"message": "{{7*7}} ${SECRET_KEY}"},
    }
    pk = admin.post("schedules", body).json()["id"]
    admin.post(f"schedules/{pk}/trigger", {})
    assert JobRun.objects.get().params == Schedule.objects.get().params == body["params"]
    assert execute("noop", body["params"], TrialContext()).summary == "{{7*7}} ${SECRET_KEY}"
