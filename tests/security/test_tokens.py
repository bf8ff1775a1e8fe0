"""Tokens: too many to guess, compared in constant time, read from headers only, dead at once when they must be."""

import ast
import inspect
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from integrations import queries
from integrations.models import ApiToken
from integrations.tokens import digest_of

ADDRESS = "/api/v1/schedules"


def ask(path=ADDRESS, **headers):
    return Client(headers={name.replace("_", "-"): value for name, value in headers.items()}).get(path).status_code


def test_a_token_carries_at_least_160_random_bits(admin):
    texts = {ApiToken.issue(user=admin.user, name="t")[1] for _ in range(200)}
    assert len(texts) == 200
    assert all(re.fullmatch(r"car_[A-Za-z0-9_-]{40}", text) for text in texts)  # 40 letters of 64 are 240 bits
    assert len({text[4:8] for text in texts}) > 190


def test_only_the_digest_and_a_prefix_are_kept(admin):
    token, text = ApiToken.issue(user=admin.user, name="t")
    kept = str(ApiToken.objects.filter(pk=token.pk).values())
    assert text not in kept
    assert text[12:] not in kept
    assert token.prefix == text[:12]


def test_the_comparison_takes_the_same_time_for_every_guess():
    assert "compare_digest" in inspect.getsource(ApiToken.matches)
    compared = [node for node in ast.walk(ast.parse(inspect.getsource(queries))) if isinstance(node, ast.Compare)]
    assert not [one for one in compared if "digest" in ast.unparse(one)]
    assert digest_of("a") != digest_of("b")


@pytest.mark.parametrize(
    "guess", ["", " ", "car_", "car_x", "null", "*", "%", "\x00", "é", "a" * 7_000, "' OR 1=1 --"]
)
def test_a_guess_is_401_in_either_header(db, guess):
    assert ask(Authorization=f"Bearer {guess}") == 401
    assert ask(X_API_Key=guess) == 401


def test_part_of_a_token_or_another_case_is_no_token(admin):
    for near in (admin.token[:-1], admin.token + "x", admin.token.upper(), admin.token[:12], admin.token[4:]):
        assert ask(Authorization=f"Bearer {near}") == 401
    assert ask(Authorization=f"Bearer {admin.token}") == 200
    digest = ApiToken.objects.get(user=admin.user).digest
    assert ask(Authorization=f"Bearer {digest}") == 401


@pytest.mark.parametrize("name", ["token", "api_key", "access_token", "Authorization", "X-API-Key", "key"])
def test_a_token_in_the_address_or_in_a_cookie_is_never_read(admin, name):
    assert ask(f"{ADDRESS}?{name}={admin.token}") == 401
    assert ask(f"{ADDRESS}?{name}=Bearer%20{admin.token}") == 401
    assert ask(Cookie=f"{name}={admin.token}") == 401


def test_a_token_dies_when_it_is_revoked_expires_or_its_user_is_stopped(admin, having):
    for end in (
        lambda token: token.revoke(by="ada"),
        lambda token: ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1)),
        lambda token: type(token.user).objects.filter(pk=token.user_id).update(is_active=False),
        lambda token: token.user.delete(),
    ):
        caller = having("schedules.view_schedule")
        assert caller.get("schedules").status_code == 200
        end(ApiToken.objects.get(user=caller.user))
        assert caller.get("schedules").status_code == 401


def test_a_token_opens_no_page(admin):
    for path in ("/", "/schedules", "/admin/", "/admin/integrations/apitoken/"):
        assert ask(path, Authorization=f"Bearer {admin.token}") == 302


def test_a_token_without_scopes_for_it_issues_none_that_has_them(admin):
    text = ApiToken.issue(user=admin.user, name="reads", only=["read"])[1]
    reader = Client(headers={"Authorization": f"Bearer {text}"})
    assert reader.post("/api/v1/tokens", {"name": "x"}, content_type="application/json").status_code == 403
