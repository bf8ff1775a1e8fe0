"""Floods: one user has so many requests, so many schedules, so many runs; and no number is without its bounds."""

import pytest
from rest_framework.throttling import UserRateThrottle

from integrations.models import ApiToken
from jobruns.models import JobRun
from schedules.models import Schedule
from tests.api.conftest import Caller

BODY = {"job_type": "noop", "schedule_type": "manual"}


def test_a_thousand_creates_a_minute_are_throttled(admin, monkeypatch):
    monkeypatch.setattr(UserRateThrottle, "rate", "5/min", raising=False)
    answers = [admin.post("schedules", {**BODY, "name": f"s{number}"}) for number in range(8)]
    assert [answer.status_code for answer in answers] == [201] * 5 + [429] * 3
    assert int(answers[-1]["Retry-After"]) > 0


def test_another_token_of_the_same_user_helps_nobody(admin, monkeypatch):
    monkeypatch.setattr(UserRateThrottle, "rate", "2/min", raising=False)
    other = Caller(admin.user)
    assert ApiToken.objects.filter(user=admin.user).count() == 2
    assert [caller.get("schedules").status_code for caller in (admin, other, admin, other)] == [200, 200, 429, 429]


def test_a_stranger_is_refused_before_anything_is_read(db, django_assert_max_num_queries):
    from django.test import Client

    with django_assert_max_num_queries(0):
        for _ in range(20):
            assert Client().get("/api/v1/schedules").status_code == 401


def test_one_user_has_so_many_schedules_however_they_are_made(admin, settings):
    settings.MAX_SCHEDULES_PER_CREATOR = 3
    many = [{**BODY, "name": f"s{number}"} for number in range(10)]
    admin.post("schedules/bulk/create", {"schedules": many})
    for body in many:
        admin.post("schedules", body)
    assert Schedule.objects.count() <= 3
    assert admin.post("schedules", {**BODY, "name": "more"}).status_code == 429


def test_a_storm_of_triggers_with_one_key_is_one_run(admin):
    pk = admin.post("schedules", {**BODY, "name": "s"}).json()["id"]
    for _ in range(30):
        assert admin.post(f"schedules/{pk}/trigger", {}, Idempotency_Key="once").status_code == 202
    assert JobRun.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("interval_seconds", 0), ("interval_seconds", -1), ("interval_seconds", 10**12), ("interval_seconds", 0.5),
        ("max_retries", 11), ("max_retries", -1), ("retry_delay_seconds", -1), ("retry_delay_seconds", 3_601),
        ("timeout_seconds", 0), ("timeout_seconds", 86_401), ("max_instances", 0), ("max_instances", 1_001),
        ("priority", 0),
        ("priority", 11), ("catchup_limit", 0), ("catchup_limit", 1_001), ("misfire_grace_seconds", 86_401),
        ("max_runs", 0),
        ("jitter_seconds", 3_601), ("jitter_seconds", -1), ("tags", ["x"] * 21), ("tags", ["x" * 65]), ("name",
        "x" * 256),
        ("description", "x" * 1_001), ("channels", ["x"] * 100), ("queue", "x" * 65), ("environment", "x" * 51),
    ],
)  # fmt: skip
def test_every_number_and_length_has_its_bounds(admin, field, value):
    body = {"name": "s", "job_type": "noop", "schedule_type": "interval", "interval_seconds": 60, field: value}
    answer = admin.post("schedules", body)
    assert answer.status_code == 400, answer.content
    assert any(name.startswith(field) for name in answer.json()["errors"])
    assert not Schedule.objects.exists()


def test_a_fire_a_second_is_refused_where_the_floor_is_higher(admin, settings):
    settings.MIN_INTERVAL_SECONDS = 30
    settings.MIN_CRON_INTERVAL_SECONDS = 300
    job = {"name": "s", "job_type": "noop"}
    assert admin.post("schedules", {**job, "schedule_type": "interval", "interval_seconds": 29}).status_code == 400
    assert (
        admin.post("schedules", {**job, "schedule_type": "cron", "cron_expression": "* * * * *"}).status_code == 400
    )


@pytest.mark.parametrize(
    "path", ["schedules?limit=501", "runs?limit=0", "schedules?limit=-1", "runs?page_size=99999999999"]
)
def test_a_page_has_at_most_500_rows(admin, path):
    assert admin.get(path).status_code == 400


def test_a_bulk_request_has_its_bounds(admin):
    many = [{**BODY, "name": f"s{number}"} for number in range(2_000)]
    assert admin.post("schedules/bulk/create", {"schedules": many}).status_code == 400
    ids = {"schedule_ids": list(range(1, 20_000)), "operation": "delete"}
    assert admin.post("schedules/bulk/operation", ids).status_code == 400
    assert not Schedule.objects.exists()
