import json
import time
from contextlib import suppress

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.models import KeptAnswer
from integrations.rest import strict_json
from jobruns.models import JobRun
from schedules.models import Schedule

MANUAL = {"name": "n", "job_type": "noop", "schedule_type": "manual"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"priority": NaN}', 400),
        (b'{"priority": Infinity}', 400),
        (b'{"priority": -Infinity}', 400),
        (b'{"priority": 1e999}', 400),
        (b'{"priority": ' + b"9" * 5_000 + b"}", 400),
        (b'{"cron_expression": "' + b"1," * 500_000 + b'"}', 400),
        (b'{"tags": [' + b'"a",' * 200_000 + b'"a"]}', 400),
        (b'{"params": [' + (b"9" * 99 + b",") * 10_000 + b"1]}", 400),
        (b'{"name": "a\\u0000b"}', 400),
        (b'{"a\\u0000": 1}', 400),
        (b'{"name": "\\ud800"}', 400),
        (b'{"name": "\xff"}', 400),
        (b'{"name": 1, "name": 2}', 400),
        (b'{"a": ' * 100_000, 400),
        (b"[" * 100_000, 400),
        (b'{"params": ' + b"[" * 40 + b"]" * 40 + b"}", 400),
        (b"{" + b'"a":1,' * 100_000 + b'"b":1}', 400),
        (b"[" + b"[]," * 300_000 + b"[]]", 400),
        (b'{"name": "' + b"x" * 1_100_000 + b'"}', 413),
        (b"{'name': 1}", 400),
        (b"[]", 400),
        (b'"text"', 400),
        (b"null", 400),
        (b"\xef\xbb\xbf{}", 400),
        (json.dumps({"name": "\0"}).encode("utf-16"), 400),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_hostile_body_is_refused_quickly(admin, body, status):
    admin.get("schedules")  # the first request loads what a running server has loaded
    began = time.perf_counter()
    answer = admin.post("schedules", body)
    took = time.perf_counter() - began
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert took < 0.5  # on an idle machine a fifth of it
    assert not Schedule.objects.exists()


def test_nesting_of_32_levels_is_taken_and_of_33_is_not():
    assert strict_json.loads(b"[" * 32 + b"]" * 32)
    with pytest.raises(strict_json.NotJSON):
        strict_json.loads(b"[" * 33 + b"]" * 33)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63)
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner, max_size=3
            )
        ),
        max_leaves=12,
    )
)
def test_what_any_database_stores_is_read_as_it_is(value):
    assert strict_json.loads(json.dumps(value).encode()) == value
    assert strict_json.loads(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_refused(raw):
    with suppress(strict_json.NotJSON):
        strict_json.loads(raw)


FIELDS = [field.name for field in Schedule._meta.get_fields() if not field.is_relation]
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["cron", "interval", "one_time", "immediate", "UTC", "* * * * *", "0 0 31 2 *", "", "noop", "-1"]
    )
    | st.datetimes().map(str)
    | st.datetimes().map(lambda at: at.isoformat() + "+14:00")
)
VALUE = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner), max_leaves=5
)
PARAMETERS = [
    *[
        "name",
        "environment",
        "job_type",
        "schedule_type",
        "enabled",
        "status",
        "tag",
        "created_by",
        "search",
        "limit",
    ],
    *["ordering", "cursor", "schedule", "reason", "trigger", "started_after", "started_before", "correlation_id"],
    *["window", "from", "to"],
]
BODY = st.dictionaries(
    st.sampled_from([*FIELDS, "enabled", "count", "after", "from", "override_params"]), VALUE, max_size=6
)


@pytest.mark.parametrize("path", ["schedules", "schedules/preview", "connections", "tokens"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=BODY)
def test_generated_bodies_never_end_in_a_500(admin, path, sent):
    base = {**MANUAL, "kind": "http", "address": "https://example.com"} if path != "schedules" else MANUAL
    assert admin.post(path, {**base, **sent}).status_code < 500


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(PARAMETERS),
    value=st.text(max_size=30),
    path=st.sampled_from(["schedules", "runs", "runs/stats", "tokens", "connections"]),
)
def test_generated_queries_never_end_in_a_500(admin, name, value, path):
    assert admin.client.get(f"/api/v1/{path}", {name: value}).status_code < 500


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT", "TRACE"])
def test_a_method_that_is_not_there_is_405(admin, method):
    answer = admin.send(method, "schedules")
    assert answer.status_code == 405
    assert answer["Content-Type"] == "application/problem+json"
    assert "GET" in answer["Allow"]


def test_a_body_that_is_not_json_is_415(admin):
    answer = admin.client.post("/api/v1/schedules", {"name": "n"})
    assert (answer.status_code, answer["Content-Type"]) == (415, "application/problem+json")


def test_another_language_than_json_is_406(admin):
    answer = admin.get("schedules", Accept="text/csv")
    assert (answer.status_code, answer["Content-Type"]) == (406, "application/problem+json")


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "schedules/",
        "schedules/7",
        "schedules/" + "9" * 40,
        "schedules/x",
        "runs/7",
        "",
        "job-types/x",
        "job-types/%00",
        "runs/by-correlation/%00",
    ],
)
def test_an_address_that_leads_nowhere_is_404(admin, path):
    answer = admin.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_a_write_to_an_address_that_leads_nowhere_is_404_even_in_a_browsers_session(admin):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(admin.user)
    assert browser.post("/api/v1/nothing").status_code == 404


def test_a_crash_is_problem_json_with_the_correlation_id(admin, monkeypatch):
    monkeypatch.setattr(Schedule, "upcoming_at", property(lambda schedule: 1 / 0))
    Schedule(**MANUAL).store(by="ada")
    answer = admin.get("schedules", X_Correlation_ID="case-9")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert "case-9" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["schedules", "nothing", "schedules/7"])
def test_the_correlation_id_comes_back_on_every_answer(admin, path):
    assert admin.get(path, X_Correlation_ID="order-17")["X-Correlation-ID"] == "order-17"
    assert len(admin.get(path)["X-Correlation-ID"]) == 32


def test_a_repeated_key_gives_the_first_answer_and_writes_once(admin):
    first = admin.post("schedules", MANUAL, Idempotency_Key="k-1")
    again = admin.post("schedules", MANUAL, Idempotency_Key="k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    assert Schedule.objects.count() == 1


def test_a_repeated_trigger_with_a_key_is_one_run(admin, a_schedule):
    address = f"schedules/{a_schedule()['id']}/trigger"
    runs = {admin.post(address, Idempotency_Key="k-1").json()["run_id"] for _ in range(3)}
    assert len(runs) == JobRun.objects.count() == 1


def test_a_key_of_another_request_is_422(admin):
    admin.post("schedules", MANUAL, Idempotency_Key="k-1")
    answer = admin.post("schedules", {**MANUAL, "name": "m"}, Idempotency_Key="k-1")
    assert answer.status_code == 422
    assert Schedule.objects.count() == 1


def test_a_refused_request_uses_up_no_key(admin):
    assert admin.post("schedules", {"name": "n"}, Idempotency_Key="k-1").status_code == 400
    assert admin.post("schedules", MANUAL, Idempotency_Key="k-1").status_code == 201


def test_keys_of_two_users_are_apart(admin, having):
    other = having("schedules.add_schedule")
    assert admin.post("schedules", MANUAL, Idempotency_Key="k").status_code == 201
    assert other.post("schedules", {**MANUAL, "name": "m"}, Idempotency_Key="k").status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_a_bad_key_is_refused(admin, key):
    assert admin.post("schedules", MANUAL, Idempotency_Key=key).status_code == 400
    assert not KeptAnswer.objects.exists()


def test_a_change_of_the_version_that_was_seen_is_made(admin, a_schedule):
    address = f"schedules/{a_schedule()['id']}"
    seen = admin.get(address)["ETag"]
    answer = admin.patch(address, {"priority": 6}, If_Match=seen)
    assert (answer.status_code, answer["ETag"]) == (200, '"2"')


@pytest.mark.parametrize(
    ("method", "path"), [("PATCH", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/trigger")]
)
def test_a_change_of_an_older_version_is_412(admin, a_schedule, method, path):
    address = f"schedules/{a_schedule()['id']}"
    seen = admin.get(address)["ETag"]
    admin.patch(address, {"priority": 6})
    answer = admin.send(method, address + path, {}, If_Match=seen)
    assert answer.status_code == 412
    assert Schedule.objects.get().version == 2


def test_one_user_has_at_least_600_requests_a_minute_and_then_waits(admin, monkeypatch):
    from rest_framework.throttling import UserRateThrottle

    assert UserRateThrottle().num_requests >= 600
    monkeypatch.setattr(UserRateThrottle, "rate", "2/min", raising=False)
    answers = [admin.get("job-types") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60


@pytest.mark.parametrize("path", ["schedules", "runs", "job-types", "connections", "tokens", "schedules/preview"])
def test_an_address_says_which_methods_it_has(admin, path):
    answer = admin.send("OPTIONS", path)
    assert answer.status_code == 200
    assert "OPTIONS" in answer["Allow"]


def test_head_is_get_without_the_body(admin, a_schedule):
    a_schedule()
    answer = admin.send("HEAD", "schedules/" + str(Schedule.objects.get().pk))
    assert (answer.status_code, answer["ETag"], answer.content) == (200, '"1"', b"")


def test_a_flood_of_unknown_fields_is_not_answered_in_full(admin):
    answer = admin.post("schedules", {f"field{number}": 1 for number in range(5_000)})
    assert answer.status_code == 400
    assert len(answer.json()["errors"]) == 50
