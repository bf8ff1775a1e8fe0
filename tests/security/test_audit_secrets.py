"""Secrets planted in every secret field, then changed, by every way in: none of them is in what the trail tells."""

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client

from integrations.models import ApiToken, AuditEntry
from schedules.versions import ScheduleVersion

pytestmark = pytest.mark.django_db
MARKER = "marker-9f3"  # each planted secret begins with it
SLACK = f"https://hooks.slack.com/services/T0/B0/{MARKER}"


class Program:
    def __init__(self, user):
        self.text = ApiToken.issue(user=user, name="tests")[1]
        self.client = Client(headers={"Authorization": f"Bearer {self.text}"}, raise_request_exception=False)
        self.made = [self.text]

    def send(self, method, path, body=None):
        answer = self.client.generic(
            method, f"/api/v1/{path}", json.dumps(body or {}), content_type="application/json"
        )
        assert answer.status_code < 300, answer.content
        data = answer.json() if answer.content else {}
        self.made += [str(data[name]) for name in ("token", "signing_secret", "callback_secret") if data.get(name)]
        return data


@pytest.fixture
def ada():
    return User.objects.create_superuser("ada", password=f"{MARKER}-old-password")


@pytest.fixture
def planted(ada, client):
    """Plant a marker in every secret field, change it, and remove what holds it; return what was made on the way."""
    program = Program(ada)
    send = program.send
    sql = send(
        "POST", "connections", {"name": "db", "kind": "sql", "address": f"postgresql://u:{MARKER}-a@db.example/x"}
    )
    send("PATCH", f"connections/{sql['id']}", {"password": f"{MARKER}-b"})
    headers = {"headers": {"Authorization": f"Bearer {MARKER}-c", "X-Key": f"{MARKER}-d"}}
    crm = send(
        "POST", "connections", {"name": "crm", "kind": "http", "address": "https://crm.example.com", **headers}
    )
    send("PATCH", f"connections/{crm['id']}", {"headers": {"X-Key": f"{MARKER}-e"}})
    slack = send("POST", "channels", {"name": "slack", "kind": "slack", "webhook_url": SLACK})
    send("PATCH", f"channels/{slack['id']}", {"webhook_url": f"{SLACK}-2"})
    hook = {
        "name": "hook",
        "kind": "webhook",
        "url": "https://hooks.example.com",
        "headers": {"X-Key": f"{MARKER}-f"},
    }
    made = send("POST", "channels", hook)
    send("POST", f"channels/{made['id']}/rotate-secret")
    params = {"url": "https://x.example.com", "json": {"api_key": f"{MARKER}-g", "password": f"{MARKER}-h"}}
    schedule = {"name": "nightly", "job_type": "http_request", "params": params, "schedule_type": "manual"}
    told = send("POST", "schedules", {**schedule, "callback_url": "https://hooks.example.com/c"})
    send("POST", f"schedules/{told['id']}/callback-secret")
    send("PATCH", f"schedules/{told['id']}", {"params": {**params, "json": {"api_key": f"{MARKER}-i"}}})
    send("POST", f"schedules/{told['id']}/trigger", {"override_params": {"json": {"secret": f"{MARKER}-j"}}})
    token = send("POST", "tokens", {"name": "another"})
    send("DELETE", f"tokens/{token['id']}")
    for path in (
        f"connections/{sql['id']}",
        f"connections/{crm['id']}",
        f"channels/{slack['id']}",
        f"channels/{made['id']}",
    ):
        send("DELETE", path)
    client.post("/login", {"username": f"{MARKER}-typed-as-name", "password": f"{MARKER}-wrong"})
    client.post("/login", {"username": "ada", "password": f"{MARKER}-wrong"})
    assert client.post("/login", {"username": "ada", "password": f"{MARKER}-old-password"}).status_code == 302
    new = f"{MARKER}-new-password"
    sent = {"old_password": f"{MARKER}-old-password", "new_password1": new, "new_password2": new}
    assert client.post("/admin/password_change/", sent).status_code == 302
    return program, told["id"]


def test_no_secret_is_in_any_entry(planted):
    program, _ = planted
    acts = set(AuditEntry.objects.values_list("kind", "act"))
    assert {("connection", "delete"), ("channel", "update"), ("token", "revoke"), ("user", "login_failed")} <= acts
    assert {("schedule", "rotate"), ("user", "password"), ("schedule", "trigger")} <= acts
    for row in AuditEntry.objects.values():
        text = json.dumps(row, default=str)
        assert MARKER not in text, row
        assert not [secret for secret in program.made if secret in text], row


def test_no_secret_is_in_what_is_told_of_the_trail(planted, client):
    program, pk = planted
    first = AuditEntry.objects.filter(kind="connection").first().pk
    number = ScheduleVersion.objects.filter(schedule=pk).first().number
    told = []
    pages = ["/changes?span=all", "/changes?format=csv", "/changes?format=json", f"/schedules/{pk}/versions/{number}"]
    pages += [f"/schedules/{pk}?tab=definition", "/admin/integrations/auditentry/"]
    pages += [f"/admin/integrations/auditentry/{first}/change/"]
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200, page
        told.append((b"".join(answer.streaming_content) if answer.streaming else answer.content).decode())
    for address in (
        "audit?limit=500",
        f"audit/{first}",
        f"schedules/{pk}/versions",
        f"schedules/{pk}/versions/{number}",
    ):
        answer = program.client.get(f"/api/v1/{address}")
        assert answer.status_code == 200, address
        told.append(answer.content.decode())
    for text in told:
        assert MARKER not in text
        assert not [secret for secret in program.made if secret in text]


def test_a_name_that_is_no_account_is_not_written_down(client):
    client.post("/login", {"username": "hunter2", "password": "x"})
    entry = AuditEntry.objects.get(act="login_failed")
    assert (entry.actor, entry.name, entry.object_id) == ("somebody", "", None)
    assert entry.after == {"address": "127.0.0.1"}


def test_attempts_that_have_to_wait_are_not_written_down(client, ada):
    for _ in range(12):
        client.post("/login", {"username": "ada", "password": "x"})
    assert AuditEntry.objects.filter(act="login_failed").count() == 6


def test_signing_in_is_written_down_with_the_address(client, ada):
    client.post("/login", {"username": "ada", "password": f"{MARKER}-old-password"})
    entry = AuditEntry.objects.get(act="login")
    assert (entry.actor, entry.actor_id, entry.source, entry.after) == (
        "ada",
        ada.pk,
        "page",
        {"address": "127.0.0.1"},
    )
