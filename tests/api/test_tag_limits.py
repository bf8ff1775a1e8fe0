"""Limits of tags over HTTP."""

import pytest

from jobruns.engine import claims
from schedules.limits import TagLimit

pytestmark = pytest.mark.django_db
BILLING = {"tag": "billing", "max_running": 2, "note": "Two calls at a time."}


def test_a_limit_is_made_read_changed_and_removed(admin):
    made = admin.post("tag-limits", BILLING)
    assert made.status_code == 201
    address = made["Location"]
    assert admin.get(address).json() == made.json()
    assert {name: made.json()[name] for name in BILLING} == BILLING
    changed = admin.patch(address, {"max_running": 4, "note": None}).json()
    assert (changed["tag"], changed["max_running"], changed["note"]) == ("billing", 4, "")
    assert admin.delete(address).status_code == 204
    assert not TagLimit.objects.exists()


def test_a_limit_says_how_many_run_now(admin, a_schedule):
    admin.post("tag-limits", BILLING)
    admin.post(f"schedules/{a_schedule(tags=['billing'])['id']}/trigger")
    claims.claim_ready(5, "me")
    [shown] = admin.get("tag-limits").json()["results"]
    assert shown["running"] == 1


def test_a_second_limit_of_a_tag_is_a_conflict(admin):
    assert [admin.post("tag-limits", BILLING).status_code for _ in range(2)] == [201, 409]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_running", 0),
        ("max_running", 10_001),
        ("max_running", None),
        ("tag", ""),
        ("tag", "x" * 65),
        ("tag", " a"),
    ],
)
def test_what_cannot_be_a_limit_is_refused_at_its_field(admin, field, value):
    answer = admin.post("tag-limits", {**BILLING, field: value})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_each_act_needs_its_right(having):
    reader = having("schedules.view_taglimit")
    assert reader.get("tag-limits").status_code == 200
    assert reader.post("tag-limits", BILLING).status_code == 403
    assert having().get("tag-limits").status_code == 403
    assert having("schedules.add_taglimit").post("tag-limits", BILLING).status_code == 201
