"""The name in a header counts if a trusted proxy sends it, and only then."""

import ipaddress
import os
import subprocess
import sys

import pytest
from django.contrib.auth.models import User
from django.test import Client

from integrations.models import ApiToken
from integrations.trail import AuditEntry
from schedules.models import Schedule
from tests.security.webs import ROOT, USUAL, Visitor, Web

HEADER = "X-Forwarded-User"


@pytest.fixture
def proxied(settings, db):
    settings.TRUSTED_PROXY_USER_HEADER = HEADER
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]


def ask(path, name, address="10.1.2.3", **options):
    return Client(REMOTE_ADDR=address, headers={HEADER: name}, **options).get(path)


@pytest.mark.parametrize("address", ["10.1.2.3", "fd00::1", "::ffff:10.1.2.3"])
def test_a_name_from_a_trusted_proxy_is_who_asks(proxied, address):
    User.objects.create_superuser("ada")
    assert ask("/schedules", "ada", address).status_code == 200
    assert ask("/api/v1/schedules", "ada", address).status_code == 200


@pytest.mark.parametrize("address", ["11.1.2.3", "127.0.0.1", "fe80::1%eth0", "", "nonsense", "::ffff:11.1.2.3"])
def test_the_same_name_from_anywhere_else_is_nobody(proxied, address):
    User.objects.create_superuser("ada")
    assert ask("/schedules", "ada", address).status_code == 302
    assert ask("/api/v1/schedules", "ada", address).status_code == 401


def test_a_unix_socket_is_trusted_if_it_is_named(proxied, settings):
    User.objects.create_superuser("ada")
    settings.TRUSTED_PROXIES = ["unix"]
    assert ask("/schedules", "ada", "").status_code == 200
    assert ask("/schedules", "ada", "10.1.2.3").status_code == 302


def test_without_the_setting_no_header_is_looked_at(db):
    User.objects.create_superuser("ada")
    assert ask("/schedules", "ada").status_code == 302


def test_another_address_told_by_the_sender_does_not_help_him(proxied):
    User.objects.create_superuser("ada")
    client = Client(REMOTE_ADDR="203.0.113.9", headers={HEADER: "ada", "X-Forwarded-For": "10.1.2.3"})
    assert client.get("/schedules").status_code == 302


def test_an_unknown_name_becomes_a_user_without_a_role_or_a_password(proxied):
    assert ask("/schedules", "grace").status_code == 403
    made = User.objects.get(username="grace")
    assert (made.has_usable_password(), made.is_staff, made.groups.count()) == (False, False, 0)
    ask("/schedules", "grace")
    assert User.objects.count() == 1


@pytest.mark.parametrize("name", ["ada,bob", "a b", "x" * 151, "<b>"])
def test_what_cannot_be_a_name_is_refused_and_makes_nobody(proxied, name):
    answer = ask("/api/v1/schedules", name)
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    assert ask("/schedules", name).status_code == 403
    assert not User.objects.exists()


def test_an_inactive_user_is_refused(proxied):
    User.objects.create_superuser("ada", is_active=False)
    page = ask("/schedules", "ada")
    assert page.status_code == 403
    assert "Your user is not active." in page.content.decode()


def test_nothing_of_it_stays_when_the_header_is_gone(proxied):
    User.objects.create_superuser("ada")
    client = Client(REMOTE_ADDR="10.1.2.3")
    assert client.get("/schedules", headers={HEADER: "ada"}).status_code == 200
    assert client.get("/schedules").status_code == 302


def test_a_write_over_the_api_needs_the_csrf_token(proxied):
    User.objects.create_superuser("ada")
    client = Client(REMOTE_ADDR="10.1.2.3", headers={HEADER: "ada"}, enforce_csrf_checks=True)
    body = {"name": "a", "job_type": "noop", "schedule_type": "manual"}
    assert client.post("/api/v1/schedules", body, "application/json").status_code == 403
    client.get("/schedules")
    token = client.cookies["csrftoken"].value
    sent = client.post("/api/v1/schedules", body, "application/json", headers={"X-CSRFToken": token})
    assert sent.status_code == 201
    assert Schedule.objects.get().created_by == "ada"


def test_a_token_decides_before_the_header_does(proxied):
    User.objects.create_superuser("ada")
    token = ApiToken.issue(user=User.objects.create_superuser("bot"), name="tests")[1]
    client = Client(REMOTE_ADDR="10.1.2.3", headers={HEADER: "ada", "X-API-Key": token}, enforce_csrf_checks=True)
    body = {"name": "a", "job_type": "noop", "schedule_type": "manual"}
    assert client.post("/api/v1/schedules", body, "application/json").status_code == 201
    assert Schedule.objects.get().created_by == "bot"
    assert AuditEntry.objects.latest("pk").actor == "bot"


def test_what_somebody_changes_is_written_down_as_his(proxied):
    User.objects.create_superuser("ada")
    client = Client(REMOTE_ADDR="10.1.2.3", headers={HEADER: "ada"})
    body = {"name": "a", "job_type": "noop", "schedule_type": "manual"}
    assert client.post("/api/v1/schedules", body, "application/json").status_code == 201
    entry = AuditEntry.objects.latest("pk")
    assert (entry.actor, entry.source, entry.act) == ("ada", "api", "create")


@pytest.mark.parametrize(
    ("header", "proxies", "named"),
    [
        (HEADER, "", "TRUSTED_PROXIES"),
        ("", "10.0.0.0/8", "TRUSTED_PROXY_USER_HEADER"),
        ("X Forwarded", "10.0.0.0/8", "TRUSTED_PROXY_USER_HEADER"),
        (HEADER, "10.0.0.0/99", "TRUSTED_PROXIES"),
    ],
)
def test_half_a_setting_stops_the_process_and_names_the_variable(header, proxies, named):
    told = {**os.environ, **USUAL, "TRUSTED_PROXY_USER_HEADER": header, "TRUSTED_PROXIES": proxies}
    done = subprocess.run(
        [sys.executable, "-c", "import scheduler_site.settings"], cwd=ROOT, env=told, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert f"ImproperlyConfigured: {named}" in done.stderr


@pytest.mark.parametrize("trusted", [True, False])
def test_through_a_real_server_only_the_trusted_address_is_believed(tmp_path, trusted):
    proxies = "127.0.0.0/8" if trusted else "192.0.2.1"
    web = Web(tmp_path, TRUSTED_PROXY_USER_HEADER=HEADER, TRUSTED_PROXIES=proxies)
    try:
        visitor = Visitor(web.address)
        for name in (HEADER, "x-forwarded-user", "X_Forwarded_User"):
            answer = visitor.get("/api/v1/schedules", **{name: "grace"})
            believed = trusted and "_" not in name
            assert answer.status == (403 if believed else 401), name
        assert web.ask("[u.username for u in User.objects.all()]") == (["grace"] if trusted else [])
    finally:
        web.close()
