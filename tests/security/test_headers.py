"""Headers that would split a message, speak for the wire, or carry a secret in the open are refused everywhere."""

import pytest

from integrations import headers as rules
from integrations.models import Channel, Connection
from schedules.models import Schedule
from tests.integrations.storing import complaint
from tests.webserver import Site

SPLITTING = [
    ("X-A", "b\r\nX-Evil: 1"), ("X-A", "b\nX-Evil: 1"), ("X-A", "b\rX-Evil: 1"), ("X-A", "b\0"), ("X-A", "b\x0bc"),
    ("X-A", "\u010a"),
    ("X-A", "b\u2028c"), ("X-A\r\nX-Evil: 1", "b"), ("X-A: x", "b"), ("X A", "b"), ("", "b"), ("X-Ä", "b"),
    ("X-A\0", "b"),
    ("X-A", "b" * 8_001), ("X" * 101, "b"),
]  # fmt: skip
OF_THE_WIRE = ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "TE", "Trailer",
    "Keep-Alive", "Expect",
               "Proxy-Authorization", "Proxy-Connection", "hOsT", "Idempotency-Key", "traceparent",
               "X-Correlation-ID"]  # fmt: skip
SECRET = ["Authorization", "authorization", "Cookie", "X-API-Key", "Api-Key", "X-Auth-Token"]
HARMFUL = [*SPLITTING, *((name, "x") for name in OF_THE_WIRE)]


@pytest.mark.parametrize(("name", "value"), HARMFUL)
def test_no_way_in_takes_a_harmful_header(admin, name, value):
    headers = {name: value}
    job = {"name": "s", "schedule_type": "manual", "job_type": "http_request"}
    for path, body in (
        ("schedules", {**job, "params": {"url": "https://example.invalid/", "headers": headers}}),
        ("connections", {"name": "c", "kind": "http", "address": "https://example.invalid/", "headers": headers}),
        ("channels", {"name": "c", "kind": "webhook", "url": "https://example.invalid/", "headers": headers}),
    ):
        answer = admin.post(path, body)
        assert answer.status_code == 400, (path, answer.content)
    assert not Schedule.objects.exists()
    assert not Connection.objects.exists()
    assert not Channel.objects.exists()


@pytest.mark.parametrize("name", SECRET)
def test_a_secret_header_stands_in_no_job(admin, name):
    params = {"url": "https://example.invalid/", "headers": {name: "Bearer x"}}
    body = {"name": "s", "schedule_type": "manual", "job_type": "http_request", "params": params}
    answer = admin.post("schedules", body)
    assert answer.status_code == 400
    assert "connection" in answer.content.decode()


@pytest.mark.parametrize("name", ["webhook-id", "Webhook-Signature", "WEBHOOK-TIMESTAMP"])
def test_no_channel_forges_its_own_signature(admin, name):
    body = {"name": "c", "kind": "webhook", "url": "https://example.invalid/", "headers": {name: "v1,x"}}
    assert admin.post("channels", body).status_code == 400


@pytest.mark.parametrize("value", ["b\r\nX-Evil: 1", "b\nX-Evil: 1", "b\0"])
def test_a_value_of_the_environment_cannot_split_a_message(admin, settings, monkeypatch, value):
    monkeypatch.setattr("os.environ", {"SPLITTING": value})
    site = Site()
    settings.OUTBOUND_ALLOWLIST = [f"127.0.0.1:{site.port}"]
    try:
        for path, body in (
            ("connections", {"kind": "http", "address": site.url, "headers": {"X-A": "${SPLITTING}"}}),
            ("channels", {"kind": "webhook", "url": site.url, "headers": {"X-A": "${SPLITTING}"}}),
        ):
            made = admin.post(path, {"name": "c", **body})
            assert made.status_code == 201, made.content
            assert admin.post(f"{path}/{made.json()['id']}/test").status_code == 200
        assert site.received == []
    finally:
        site.close()


def test_a_command_takes_no_subject_with_wildcards_or_line_breaks(admin, settings):
    settings.COMMAND_WHITELIST = ["shop.orders.close"]
    for target in ("shop.*.close", "shop.>", "shop..close", "shop.orders.close\r\nPUB x", "shop orders", "*", ">",
    "$SYS.x",
                   "shop.orders.close ", "_INBOX.x", "", "a" * 300, "shop.orders.Close", "shop.other"):  # fmt: skip
        params = {"target_command": target, "command_payload": {}}
        body = {"name": "s", "schedule_type": "manual", "job_type": "command", "params": params}
        assert admin.post("schedules", body).status_code == 400, target
    assert not Schedule.objects.exists()


def test_a_name_in_a_mail_cannot_add_a_header(admin):
    for recipients in (
        ["a@example.test\r\nBcc: b@example.test"],
        ["a@example.test, b@example.test"],
        ["a\0@example.test"],
    ):
        answer = admin.post("channels", {"name": "c", "kind": "email", "recipients": recipients})
        assert answer.status_code == 400, answer.content
    subject = {"name": "c", "kind": "email", "recipients": ["a@example.test"], "subject": "x\r\nBcc: b@example.test"}
    assert admin.post("channels", subject).status_code == 400


def test_the_rules_answer_with_a_sentence_for_each_header(db):
    assert len(rules.refusals({"Host": "x", "X-A": "b\r\n", "X-B": "fine"}, secret=False)) == 2
    stored = Connection(name="c", kind="http", address="https://example.invalid/")
    stored.offer({"headers": {"Host": "x"}})
    assert "Host" in complaint(stored.store, by="anna")
