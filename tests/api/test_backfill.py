"""Backfills over HTTP: what they answer, whom they refuse, and that they are done once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobruns.models import JobRun
from schedules.models import Schedule

HOUR = timedelta(hours=1)


@pytest.fixture
def hourly(a_schedule):
    """Return an hourly schedule that began ten hours ago."""
    schedule = a_schedule(schedule_type="interval", interval_seconds=3600, cron_expression="")
    now = timezone.now().replace(microsecond=0)
    Schedule.objects.update(anchor_at=now - 9.5 * HOUR, next_run_at=now + HOUR / 2)
    return f"schedules/{schedule['id']}"


def span(hours=3, **options):
    now = timezone.now()
    return {"from": (now - hours * HOUR).isoformat(), "to": now.isoformat(), **options}


def test_a_dry_run_tells_each_instant_and_changes_nothing(admin, hourly):
    answer = admin.post(f"{hourly}/backfill", span(dry_run=True))
    body = answer.json()
    assert (answer.status_code, body["dry_run"], body["correlation_id"]) == (200, True, "")
    assert [(one["will_run"], one["run_id"]) for one in body["instants"]] == [(True, None)] * 3
    assert JobRun.objects.count() == 0


def test_a_backfill_carries_the_correlation_id_of_its_request(admin, hourly):
    answer = admin.post(f"{hourly}/backfill", span(), X_Correlation_ID="mine-1")
    body = answer.json()
    assert (answer.status_code, body["will_run"], body["left_out"]) == (202, 3, 0)
    listed = admin.get("runs/by-correlation/mine-1").json()["results"]
    assert sorted(run["id"] for run in listed) == [one["run_id"] for one in body["instants"]]
    assert {run["triggered_by"] for run in listed} == {"ada"}


def test_a_repeated_request_is_done_once(admin, hourly):
    body = span()
    first = admin.post(f"{hourly}/backfill", body, Idempotency_Key="k").json()
    again = admin.post(f"{hourly}/backfill", body, Idempotency_Key="k")
    assert (again.json(), again["Idempotency-Replayed"]) == (first, "true")
    assert JobRun.objects.count() == 3


def test_what_waits_is_withdrawn(admin, hourly):
    known_as = admin.post(f"{hourly}/backfill", span()).json()["correlation_id"]
    answer = admin.post(f"{hourly}/backfill/cancel", {"correlation_id": known_as})
    assert answer.json() == {"cancelled": 3, "running": 0}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "from"),
        ({"from": "2026-11-01T00:00:00Z"}, "to"),
        ({"from": "yesterday", "to": "2026-11-01T00:00:00Z"}, "from"),
        ({"from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"}, "to"),
        ({"from": "2026-11-02T00:00:00Z", "to": "2199-11-01T00:00:00Z"}, "to"),
        ({**span(), "until": 1}, "until"),
        ({**span(), "rerun": "perhaps"}, "rerun"),
    ],
)
def test_what_cannot_be_done_names_the_field(admin, hourly, body, field):
    answer = admin.post(f"{hourly}/backfill", body)
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert JobRun.objects.count() == 0


def test_an_unknown_backfill_cannot_be_withdrawn(admin, hourly):
    answer = admin.post(f"{hourly}/backfill/cancel", {"correlation_id": "nobody's"})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["correlation_id"])


def test_a_suspended_schedule_is_a_conflict_and_a_deleted_one_is_not_there(admin, hourly):
    Schedule.objects.update(status="suspended", next_run_at=None)
    assert admin.post(f"{hourly}/backfill", span()).status_code == 409
    admin.delete(hourly)
    assert admin.post(f"{hourly}/backfill", span()).status_code == 404


def test_an_outdated_version_backfills_nothing(admin, hourly):
    assert admin.post(f"{hourly}/backfill", span(), If_Match='"99"').status_code == 412
    assert JobRun.objects.count() == 0


def test_it_asks_for_the_right_to_run(having, hourly):
    viewer = having("schedules.view_schedule", "jobruns.view_jobrun")
    operator = having("schedules.trigger_schedule")
    assert viewer.post(f"{hourly}/backfill", span(dry_run=True)).status_code == 403
    assert operator.post(f"{hourly}/backfill", span(dry_run=True)).status_code == 200
    assert operator.post(f"{hourly}/backfill/cancel", {"correlation_id": "x"}).status_code == 403


def test_hand_made_runs_are_still_taken_while_a_backfill_waits(admin, hourly):
    Schedule.objects.update(interval_seconds=60)
    assert admin.post(f"{hourly}/backfill", span(hours=5)).json()["will_run"] > 100
    assert admin.post(f"{hourly}/trigger").status_code == 202
