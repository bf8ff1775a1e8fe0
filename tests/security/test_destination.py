"""A secret follows no change of its destination: who changes only the address writes the secret again."""

import pytest
from django.test import Client

from integrations import secrets
from integrations.models import Channel, Connection, Delivery
from schedules.models import Schedule
from tests.webserver import Site

SECRET = "collect-me-5ecre7"
SIGNING = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
CONNECTIONS = {
    "http": {"kind": "http", "address": "https://api.example.com/", "headers": {"Authorization": f"Bearer {SECRET}"}},
    "sql": {"kind": "sql", "address": f"postgresql://reader:{SECRET}@db.example.com/shop"},
    "nats": {"kind": "nats", "address": f"nats://reader:{SECRET}@bus.example.com:4222"},
}
MOVES = {
    "http": ["https://thief.example.net/", "http://api.example.com/", "https://api.example.com:444/",
    "https://api.example.com/x"],
    "sql": ["postgresql://reader:***@thief.example.net/shop", "postgresql://reader:***@db.example.com:5433/shop",
            "postgresql://other:***@db.example.com/shop", "mysql://reader:***@db.example.com/shop"],
    "nats": ["nats://reader:***@thief.example.net:4222", "nats://reader:***@bus.example.com:4223",
    "tls://reader:***@bus.example.com:4222"],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "address"), [(kind, one) for kind, some in MOVES.items() for one in some])
def test_a_connection_that_moves_leaves_its_secret_behind(admin, kind, address):
    made = admin.post("connections", {"name": "c", **CONNECTIONS[kind]})
    assert made.status_code == 201, made.content
    where = f"connections/{made.json()['id']}"
    before = Connection.objects.get()
    for change in ({"address": address}, {**made.json(), "address": address}):
        answer = admin.patch(where, change)
        assert answer.status_code == 400, answer.content
        assert "again" in answer.content.decode()
    after = Connection.objects.get()
    assert (after.address, after.encrypted) == (before.address, before.encrypted)


@pytest.mark.parametrize("kind", ["http", "sql", "nats"])
def test_a_connection_that_changes_its_kind_leaves_its_secret_behind(admin, kind):
    where = f"connections/{admin.post('connections', {'name': 'c', **CONNECTIONS[kind]}).json()['id']}"
    other = {"http": "sql", "sql": "http", "nats": "http"}[kind]
    admin.patch(
        where,
        {
            "kind": other,
            "address": {"sql": "postgresql://r:***@thief.example.net/x"}.get(other, "https://thief.example.net/"),
        },
    )
    row = Connection.objects.get()
    assert row.kind == kind or SECRET not in str(row.secrets)


HOOK = {
    "name": "h",
    "kind": "webhook",
    "url": "https://hook.example.com/a",
    "headers": {"X-Token": SECRET},
    "signing_secret": SIGNING,
}


@pytest.mark.parametrize(
    "url", ["https://thief.example.net/", "https://hook.example.com/b", "http://hook.example.com/a"]
)
@pytest.mark.parametrize(
    "kept",
    [
        {"headers": {"X-Token": "***"}},
        {"signing_secret": "***"},
        {"headers": {"X-Token": "***"}, "signing_secret": "***"},
        {},
    ],
)
def test_a_channel_that_moves_leaves_its_secrets_behind(admin, url, kept):
    where = f"channels/{admin.post('channels', HOOK).json()['id']}"
    answer = admin.patch(where, {"url": url, **kept})
    row = Channel.objects.get()
    assert answer.status_code == 400 or (SECRET not in str(row.secrets) and SIGNING not in str(row.secrets))
    assert answer.status_code == 200 or row.shown["url"] == HOOK["url"]


def test_a_channel_that_moves_in_the_workshop_leaves_its_secrets_behind(admin):
    pk = admin.post("channels", HOOK).json()["id"]
    browser = Client()
    browser.force_login(admin.user)
    form = {
        "kind": "webhook",
        "name": "h",
        "url": "https://thief.example.net/",
        "method": "POST",
        "headers": "X-Token: ***",
        "enabled": "on",
    }
    browser.post(f"/admin/integrations/channel/{pk}/change/", form)
    row = Channel.objects.get()
    assert row.shown["url"] == HOOK["url"] or SECRET not in str(row.secrets)


def test_a_callback_that_moves_gets_a_secret_of_its_own(admin):
    body = {"name": "s", "job_type": "noop", "schedule_type": "manual", "callback_url": "https://a.example.com/"}
    where = f"schedules/{admin.post('schedules', body).json()['id']}"
    before = Schedule.objects.get().callback_encrypted
    assert before
    assert admin.patch(where, {"callback_url": "https://thief.example.net/"}).status_code == 200
    after = Schedule.objects.get()
    assert after.callback_encrypted != before
    assert secrets.decrypt(after.callback_encrypted) != secrets.decrypt(before)


def test_a_channel_that_moved_sends_nothing_of_the_old_secret(admin, settings):
    thief = Site()
    settings.OUTBOUND_ALLOWLIST = [f"127.0.0.1:{thief.port}"]
    try:
        where = f"channels/{admin.post('channels', HOOK).json()['id']}"
        admin.patch(where, {"url": thief.url})
        admin.post(f"{where}/test")
        assert all(SECRET not in str(one.headers) for one in thief.received)
    finally:
        thief.close()
    assert not Delivery.objects.exists()
