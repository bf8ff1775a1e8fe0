"""Signing in, and how guessing is slowed down."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from integrations import logins
from integrations.models import FailedLogins

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return User.objects.create_superuser("ada", password="right-and-long")


def attempt(client, name="ada", password=None, **headers):
    return client.post("/login", {"username": name, "password": password or "wrong"}, headers=headers)


def test_five_failures_are_forgiven_and_the_sixth_makes_the_account_wait(client, ada):
    for _ in range(6):
        assert attempt(client).status_code == 200
    refused = attempt(client, password="right-and-long")
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 5
    assert "Too many attempts" in refused.content.decode()
    assert "_auth_user_id" not in client.session


def test_after_the_wait_the_right_password_is_taken_and_the_failures_are_forgotten(client, ada):
    for _ in range(6):
        attempt(client)
    FailedLogins.objects.update(blocked_until=timezone.now())
    assert attempt(client, password="right-and-long").status_code == 302
    assert not FailedLogins.objects.filter(key__startswith="account:").exists()


def test_an_account_that_does_not_exist_waits_just_the_same(client):
    for _ in range(6):
        attempt(client, "nobody")
    assert attempt(client, "nobody").status_code == 429
    assert attempt(client, "somebody").status_code == 200


def test_another_spelling_is_the_same_account(client, ada):
    for name in ("ada", "ADA", " ada ", "Ada", "aDa", "adA"):
        attempt(client, name)
    assert attempt(client).status_code == 429


def test_an_address_that_tries_many_accounts_waits(client, ada):
    for number in range(51):
        attempt(client, f"user{number}")
    assert attempt(client, password="right-and-long").status_code == 429


def test_the_address_is_the_proxys_word_only_where_a_proxy_is_trusted(client, ada, settings):
    for number in range(51):
        attempt(client, f"user{number}", X_Forwarded_For="203.0.113.9")
    assert attempt(client, X_Forwarded_For="198.51.100.1").status_code == 429
    settings.TRUST_PROXY_HEADERS = True
    assert attempt(client, X_Forwarded_For="203.0.113.9, 198.51.100.1").status_code == 200


def test_waits_double_up_to_a_quarter_of_an_hour():
    assert [logins.wait_after(number, 5) for number in (5, 6, 7, 8, 13, 60)] == [0, 5, 10, 20, 640, 900]


def test_an_hour_without_a_failure_forgets_them(client, ada):
    now = timezone.now()
    for _ in range(9):
        logins.note_failure("ada", "127.0.0.1", now)
    assert logins.seconds_to_wait("ada", "127.0.0.1", now) > 0
    assert logins.seconds_to_wait("ada", "127.0.0.1", now + timedelta(hours=1)) == 0
    logins.note_failure("bob", "127.0.0.2", now + timedelta(hours=2))
    assert FailedLogins.objects.count() == 2


def test_what_was_typed_as_a_name_is_not_kept(client):
    attempt(client, "my-password-by-mistake")
    assert "my-password-by-mistake" not in str(list(FailedLogins.objects.values()))
