"""Every spelling of an address that leads inside, by every way in: refused when it is saved and when it is called."""

import socket
import time

import pytest
from django.test import Client

from integrations import http, sender
from integrations.addresses import Forbidden
from integrations.channels import Envelope, Message, NotDelivered, slack, webhook
from integrations.models import Channel, Connection, Delivery
from jobtypes.base import JobFailed
from schedules.models import Schedule
from tests.jobtypes.running import execute
from tests.webserver import Reply, Site

INSIDE = [
    "http://127.0.0.1/", "http://[::1]/", "http://0/", "http://0.0.0.0/", "http://2130706433/", "http://0x7f.1/",
    "http://0177.0.0.1/", "http://127.1/", "http://①②⑦.0.0.1/", "http://127。0。0。1/", "http://169.254.169.254/latest/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:a9fe:a9fe]/", "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fe80::1]/", "http://[fd00::1]/", "http://[::]/", "http://100.64.0.1/", "http://198.18.0.1/",
    "http://10.0.0.1/", "http://192.168.1.1/", "http://172.16.0.1/", "http://224.0.0.1/", "http://255.255.255.255/",
    "http://[ff02::1]/", "http://localhost/", "http://localhost./", "HTTP://LOCALHOST:80/",
]  # fmt: skip
ODD = [
    "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "ftp://example.com/", "dict://example.com/",
    "//127.0.0.1/",
    "http://example.com@127.0.0.1/", "http://user:pass@example.com/", "http://127.0.0.1#@example.com/",
    "javascript:alert(1)",
    "http://example.com\\@127.0.0.1/", "http://127.0.0.1%00.example.com/", "http://example.com:0/", "http://[::1",
    "http://example.com/\r\nX-Evil: 1", "http:///", "unix:///var/run/docker.sock", "data:text/plain,x",
]  # fmt: skip
MESSAGE = Message(event="alert", title="x", status="ALERT", body={"x": 1})
every_address = pytest.mark.parametrize("address", INSIDE + ODD)


@pytest.fixture
def names(monkeypatch):
    """Answer DNS questions from a table of name → list of answers, the last of which stays."""
    table = {}
    real = socket.getaddrinfo

    def answer(host, port, *rest, **options):
        if host not in table:
            return real(host, port, *rest, **options)
        found = table[host].pop(0) if len(table[host]) > 1 else table[host][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return table


@pytest.fixture
def trap():
    """A server inside that nobody may reach."""
    server = Site()
    yield server
    assert server.received == []
    server.close()


def refused_under(answer, *fields):
    assert answer.status_code == 400, answer.content
    named = {part for name in answer.json()["errors"] for part in name.split(".")}
    assert named & set(fields), answer.json()


@every_address
def test_no_way_in_takes_it(admin, address):
    refused_under(admin.post("connections", {"name": "c", "kind": "http", "address": address}), "address")
    refused_under(admin.post("channels", {"name": "c", "kind": "webhook", "url": address}), "url")
    refused_under(admin.post("channels", {"name": "c", "kind": "slack", "webhook_url": address}), "webhook_url")
    timing = {"name": "s", "schedule_type": "manual"}
    job = {**timing, "job_type": "http_request", "params": {"url": address}}
    refused_under(admin.post("schedules", job), "params")
    refused_under(admin.post("schedules", {**timing, "job_type": "noop", "callback_url": address}), "callback_url")
    assert not Connection.objects.exists()
    assert not Channel.objects.exists()
    assert not Schedule.objects.exists()


@every_address
def test_the_workshop_does_not_take_it(admin, address):
    browser = Client()
    browser.force_login(admin.user)
    answer = browser.post(
        "/admin/integrations/connection/add/?kind=http", {"kind": "http", "name": "c", "address": address}
    )
    assert answer.status_code == 200
    browser.post("/admin/integrations/channel/add/?kind=webhook", {"kind": "webhook", "name": "c", "url": address})
    browser.post(
        "/admin/schedules/schedule/add/?job_type=http_request",
        {"job_type": "http_request", "name": "s", "schedule_type": "manual", "url": address},
    )
    assert not Connection.objects.exists()
    assert not Channel.objects.exists()
    assert not Schedule.objects.exists()


@every_address
def test_it_is_not_called_even_if_it_stands_in_the_database(db, address):
    with pytest.raises(JobFailed) as failure:
        execute("http_request", {"url": address})
    assert not failure.value.retry
    for send in (
        lambda: webhook.post(address, {}, Envelope("msg_1", 1)),
        lambda: slack.send(slack.Settings(webhook_url=address), MESSAGE, Envelope("msg_1", 1)),
    ):
        with pytest.raises(NotDelivered) as refused:
            send()
        assert not refused.value.retry
    stale = Connection(name="stale", kind="http", address=address, encrypted="")
    stale.save()
    with pytest.raises(JobFailed):
        execute("http_request", {"url": "/x", "connection": "stale"})


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::ffff:7f00:1]:{port}/"]
)
def test_nothing_reaches_a_server_inside(trap, db, address):
    with pytest.raises(JobFailed):
        execute("http_request", {"url": address.format(port=trap.port)})
    with pytest.raises(NotDelivered):
        webhook.post(address.format(port=trap.port), {}, Envelope("msg_1", 1))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "inside", ["http://127.0.0.1:{port}/", "//localhost:{port}/", "file:///etc/passwd", "http://0x7f.1:{port}/"]
)
def test_a_redirect_inside_is_not_followed(trap, settings, status, inside):
    outside = Site()
    settings.OUTBOUND_ALLOWLIST = [f"127.0.0.1:{outside.port}"]
    outside.reply = Reply(status, {"Location": inside.format(port=trap.port)})
    try:
        with pytest.raises(Forbidden):
            http.send(http.Request("GET", outside.url))
        with pytest.raises(NotDelivered):
            webhook.post(outside.url, {}, Envelope("msg_1", 1))
    finally:
        outside.close()


def test_a_name_whose_second_answer_leads_inside_is_called_at_the_first(trap, names, settings):
    outside = Site()
    settings.OUTBOUND_ALLOWLIST = ["127.0.0.1/32"]
    names["rebinding.test"] = ["127.0.0.1", "169.254.169.254"]
    try:
        assert http.send(http.Request("GET", f"http://rebinding.test:{outside.port}/")).status == 200
        with pytest.raises(Forbidden):
            http.send(http.Request("GET", f"http://rebinding.test:{outside.port}/"))
        assert len(outside.received) == 1
    finally:
        outside.close()


def test_a_name_that_was_public_at_the_save_is_refused_when_it_leads_inside(admin, names, trap):
    names["moved.test"] = ["93.184.216.34"]
    job = {"name": "s", "schedule_type": "manual", "job_type": "http_request"}
    assert admin.post("schedules", {**job, "params": {"url": f"http://moved.test:{trap.port}/"}}).status_code == 201
    names["moved.test"] = ["127.0.0.1"]
    with pytest.raises(JobFailed, match="OUTBOUND_ALLOWLIST"):
        execute("http_request", Schedule.objects.get().params)


def test_the_proxies_of_the_environment_are_ignored(monkeypatch, settings):
    outside, proxy = Site(), Site()
    settings.OUTBOUND_ALLOWLIST = [f"127.0.0.1:{outside.port}"]
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    try:
        execute("http_request", {"url": outside.url})
        webhook.post(outside.url, {}, Envelope("msg_1", 1))
        assert (len(outside.received), len(proxy.received)) == (2, 0)
    finally:
        outside.close()
        proxy.close()


def test_endless_answers_and_slow_names_are_cut_short(monkeypatch, settings):
    outside = Site()
    settings.OUTBOUND_ALLOWLIST = [f"127.0.0.1:{outside.port}"]
    outside.reply = Reply(200, {}, b"x" * 5_000_000)
    try:
        assert len(http.send(http.Request("GET", outside.url)).body) <= 1_048_576
    finally:
        outside.close()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *rest, **options: time.sleep(5) or [])
    began = time.monotonic()
    http.check_url("http://slow.test/")
    assert time.monotonic() - began < 4


def test_a_refused_delivery_is_given_up_at_once(db):
    Delivery.of(MESSAGE, url="http://169.254.169.254/").save()
    (delivery,) = Delivery.objects.claim(1)
    sender.deliver(delivery)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("failed", 1)
