"""The audit trail over HTTP."""

import pytest
from django.contrib.auth.models import User

from integrations.models import AuditEntry
from integrations.roles import give
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db


def entries(caller, **filters):
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    return caller.get(f"audit?{query}").json()["results"]


def test_an_edit_is_told_with_who_why_and_what(admin, a_schedule):
    schedule = a_schedule()
    headers = {"X_Change_Reason": "later", "X_Created_By": "bob", "X_Correlation_ID": "abc-1"}
    assert admin.patch(f"schedules/{schedule['id']}", {"priority": 9}, **headers).status_code == 200
    entry = entries(admin, act="update", kind="schedule")[0]
    del entry["id"], entry["at"], entry["chain"]
    assert entry == {
        "actor": "ada",
        "actor_id": admin.user.pk,
        "source": "api",
        "act": "update",
        "kind": "schedule",
        "object_id": schedule["id"],
        "name": "nightly",
        "environment": "production",
        "reason": "later",
        "on_behalf_of": "X-Created-By: bob",
        "correlation_id": "abc-1",
        "bulk_id": "",
        "before": {"priority": 5},
        "after": {"priority": 9},
    }


@pytest.mark.parametrize(
    ("query", "acts"),
    [
        ("act=pause", ["pause"]),
        ("kind=connection", ["create"]),
        ("object_id={pk}&kind=schedule", ["resume", "pause", "create"]),
        ("actor=ada&search=window", ["pause"]),
        ("search=NIGHTLY", ["resume", "pause", "create"]),
        ("source=page", []),
        ("source=api&source=page&act=resume", ["resume"]),
        ("environment=staging", []),
        ("since=2199-01-01", []),
        ("until=2199-01-01&kind=schedule", ["resume", "pause", "create"]),
        ("correlation_id=one", ["pause"]),
    ],
)
def test_filters_leave_what_is_asked_for(admin, a_schedule, query, acts):
    pk = a_schedule()["id"]
    admin.post(f"schedules/{pk}/pause", {"reason": "Maintenance window"}, X_Correlation_ID="one")
    admin.post(f"schedules/{pk}/resume")
    admin.post("connections", {"name": "crm", "kind": "http", "address": "https://crm.example.com"})
    found = admin.get(
        f"audit?kind=schedule&{query.format(pk=pk)}" if "kind" not in query else f"audit?{query.format(pk=pk)}"
    )
    assert [entry["act"] for entry in found.json()["results"]] == acts


def test_one_entry_is_read_by_its_number(admin, a_schedule):
    a_schedule()
    entry = AuditEntry.objects.get(kind="schedule")
    assert admin.get(f"audit/{entry.pk}").json()["after"]["cron_expression"] == "30 2 * * *"
    assert admin.get("audit/999999").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nobody_writes_to_it(admin, a_schedule, method):
    a_schedule()
    address = "audit" if method == "POST" else f"audit/{AuditEntry.objects.first().pk}"
    assert admin.send(method, address, {}).status_code == 405


def test_only_administrators_read_it_and_only_of_their_environments(admin, a_schedule):
    a_schedule(name="here", environment="staging")
    a_schedule(name="there", environment="production")
    for role in ("viewer", "operator", "editor"):
        user = User.objects.create_user(role)
        give(user, role, [])
        assert Caller(user).get("audit").status_code == 403
    limited = User.objects.create_user("limited")
    give(limited, "admin", ["staging"])
    caller = Caller(limited)
    assert [entry["name"] for entry in entries(caller)] == ["here"]
    there = AuditEntry.objects.get(name="there")
    assert caller.get(f"audit/{there.pk}").status_code == 404
    whole = User.objects.create_user("whole")
    give(whole, "admin", [])
    assert {"here", "there", "limited"} <= {entry["name"] for entry in entries(Caller(whole))}


def test_what_is_done_to_many_shares_an_id_and_the_reason(admin, a_schedule):
    ids = [a_schedule(name=name)["id"] for name in ("a", "b")]
    admin.post("schedules/bulk/operation", {"schedule_ids": ids, "operation": "pause", "reason": "window"})
    found = entries(admin, act="pause")
    assert {entry["object_id"] for entry in found} == set(ids)
    assert len({entry["bulk_id"] for entry in found}) == 1
    assert found[0]["bulk_id"]
    assert {entry["reason"] for entry in found} == {"window"}


def test_a_refused_request_leaves_no_entry(admin, a_schedule):
    pk = a_schedule()["id"]
    before = AuditEntry.objects.count()
    assert admin.patch(f"schedules/{pk}", {"priority": 99}).status_code == 400
    sent = {"schedules": [{"name": "x", "job_type": "noop", "schedule_type": "manual"}, {"name": "x"}]}
    assert admin.post("schedules/bulk/create", sent).status_code == 400
    assert AuditEntry.objects.count() == before


def test_a_repeated_request_is_written_down_once(admin, a_schedule):
    pk = a_schedule()["id"]
    for _ in range(2):
        admin.post(f"schedules/{pk}/pause", {}, Idempotency_Key="once")
    assert AuditEntry.objects.filter(act="pause").count() == 1
