from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from integrations.models import ApiToken
from schedules.models import Schedule

LISTS = ["schedules", "runs", "executions", "runs/running", "runs/stats", "job-types", "connections"]


@pytest.mark.parametrize("path", [*LISTS, "tokens", "schema", "schedules/1", "runs/1"])
def test_a_stranger_is_asked_for_a_token(db, path):
    answer = Client().get(f"/api/v1/{path}")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="carillon"'
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["title"] == "Unauthorized"


@pytest.mark.parametrize("path", LISTS)
def test_a_user_without_any_role_may_not_even_read(nobody, path):
    assert nobody.get(path).status_code == 403


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer {}"}, {"X-API-Key": "{}"}])
def test_a_token_opens_in_either_header(admin, headers):
    sent = {name: value.format(admin.token) for name, value in headers.items()}
    assert Client().get("/api/v1/schedules", headers=sent).status_code == 200


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x y", "Bearer \xe9", "Basic YWRhOng=", "Token {}", "bearer car_{}"]
)
def test_any_other_authorization_is_refused(admin, header):
    sent = {"Authorization": header.format(admin.token)}
    assert Client().get("/api/v1/schedules", headers=sent).status_code == 401


def test_a_token_in_the_query_string_is_not_read(admin):
    assert Client().get(f"/api/v1/schedules?api_key={admin.token}").status_code == 401


def test_a_token_is_stored_as_a_digest_only(admin):
    stored = ApiToken.objects.values().get()
    assert admin.token not in str(stored)
    assert stored["prefix"] == admin.token[:12]
    assert len(admin.token) >= 24


def test_a_revoked_token_is_refused_at_once(admin):
    ApiToken.objects.get().revoke(by="tester")
    assert admin.get("schedules").status_code == 401


def test_an_expired_token_is_refused(admin):
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert admin.get("schedules").status_code == 401


def test_the_token_of_an_inactive_user_is_refused(admin):
    User.objects.update(is_active=False)
    assert admin.get("schedules").status_code == 401


def test_use_is_noted_at_most_once_a_minute(admin, django_assert_num_queries):
    admin.get("schedules")
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    admin.get("schedules")
    assert ApiToken.objects.get().last_used_at == first


def test_a_session_reads_and_needs_the_csrf_token_to_write(admin):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(admin.user)
    assert browser.get("/api/v1/schedules").status_code == 200
    body = {"name": "n", "job_type": "noop", "schedule_type": "manual"}
    assert browser.post("/api/v1/schedules", body, content_type="application/json").status_code == 403
    assert not Schedule.objects.exists()
    browser.cookies["csrftoken"] = "a" * 32
    answer = browser.post(
        "/api/v1/schedules", body, content_type="application/json", headers={"X-CSRFToken": "a" * 32}
    )
    assert answer.status_code == 201


def test_actor_headers_are_not_believed(admin):
    body = {"name": "n", "job_type": "noop", "schedule_type": "manual"}
    shown = admin.post("schedules", body, X_Created_By="root").json()
    assert shown["created_by"] == "ada"


@pytest.mark.parametrize(
    ("right", "verb"),
    [
        ("schedules.pause_schedule", "pause"),
        ("schedules.pause_schedule", "resume"),
        ("schedules.trigger_schedule", "trigger"),
    ],
)
def test_an_action_needs_its_own_right(having, a_schedule, right, verb):
    pk = a_schedule()["id"]
    assert having("schedules.change_schedule").post(f"schedules/{pk}/{verb}").status_code == 403
    assert having(right).post(f"schedules/{pk}/{verb}").status_code in {200, 202}


@pytest.mark.parametrize(
    ("right", "method"), [("change", "PUT"), ("change", "PATCH"), ("delete", "DELETE"), ("view", "GET")]
)
def test_each_method_needs_the_models_right(having, a_schedule, right, method):
    pk = a_schedule()["id"]
    others = {"view", "add", "change", "delete"} - {right}
    without = having(*[f"schedules.{other}_schedule" for other in others])
    assert without.send(method, f"schedules/{pk}", {}).status_code == 403
    assert having(f"schedules.{right}_schedule").send(method, f"schedules/{pk}", {}).status_code in {200, 204}


def test_a_token_issued_over_http_works_and_is_shown_once(admin):
    answer = admin.post("tokens", {"name": "deploys", "expires_at": "2190-01-01T00:00:00"})
    assert answer.status_code == 201
    text = answer.json()["token"]
    assert Client().get("/api/v1/schedules", headers={"X-API-Key": text}).status_code == 200
    assert text not in admin.get("tokens").content.decode()


def test_a_repeated_request_does_not_show_the_token_again(admin):
    first = admin.post("tokens", {"name": "deploys"}, Idempotency_Key="k")
    again = admin.post("tokens", {"name": "deploys"}, Idempotency_Key="k")
    assert again.json()["id"] == first.json()["id"]
    assert "token" not in again.json()


def test_tokens_of_others_are_hidden_and_ones_own_can_be_revoked(admin, nobody):
    own = ApiToken.objects.get(user=nobody.user)
    foreign = ApiToken.objects.get(user=admin.user)
    assert [one["id"] for one in nobody.get("tokens").json()["results"]] == [own.pk]
    assert nobody.delete(f"tokens/{foreign.pk}").status_code == 404
    assert nobody.delete(f"tokens/{own.pk}").status_code == 204
    assert nobody.get("tokens").status_code == 401


def test_createtoken_prints_the_token_as_the_last_word(admin, capsys):
    call_command("createtoken", "ada", "--name", "cli", "--expires", "90d")
    text = capsys.readouterr().out.split()[-1]
    token = ApiToken.objects.get(name="cli")
    assert token.matches(text)
    assert timedelta(days=89) < token.expires_at - timezone.now() <= timedelta(days=90)


@pytest.mark.parametrize(
    "words",
    [["nobody-here", "--name", "x"], ["ada", "--name", "x", "--expires", "soon"], ["ada", "--name", "x" * 101]],
)
def test_createtoken_refuses_bad_arguments(admin, words):
    with pytest.raises(CommandError) as refused:
        call_command("createtoken", *words)
    assert refused.value.returncode == 2
    assert ApiToken.objects.count() == 1
