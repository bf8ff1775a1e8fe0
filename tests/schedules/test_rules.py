"""The one gate: what `Schedule.clean` refuses, and under which field it says so."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from schedules.models import Schedule

pytestmark = pytest.mark.django_db

DAILY = {"name": "daily", "job_type": "noop", "schedule_type": "cron", "cron_expression": "0 9 * * *"}


def refused(**fields: Any) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as error:
        Schedule(**{**DAILY, **fields}).store(by="tester")
    assert not Schedule.objects.exists()
    return error.value.message_dict


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\tb"}, "name"),
        ({"name": "‮gnp"}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"description": "x" * 1001}, "description"),
        ({"environment": "x" * 51}, "environment"),
        ({"tags": ["x"] * 21}, "tags"),
        ({"tags": [""]}, "tags"),
        ({"tags": "email"}, "tags"),
        ({"job_type": "unheard-of"}, "job_type"),
        ({"params": {"sleep_seconds": -1}}, "params"),
        ({"params": {"unknown": 1}}, "params"),
        ({"cron_expression": ""}, "cron_expression"),
        ({"cron_expression": "0 0 31 2 *"}, "cron_expression"),
        ({"cron_expression": "*/5 22-4 * * *"}, "cron_expression"),
        ({"interval_seconds": 60}, "interval_seconds"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"priority": 0}, "priority"),
        ({"priority": 11}, "priority"),
        ({"max_retries": 11}, "max_retries"),
        ({"retry_delay_seconds": 3601}, "retry_delay_seconds"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"timeout_seconds": 86_401}, "timeout_seconds"),
        ({"max_runs": 0}, "max_runs"),
        ({"start_at": datetime(2030, 1, 2, tzinfo=UTC), "end_at": datetime(2030, 1, 1, tzinfo=UTC)}, "end_at"),
        ({"end_at": datetime(9999, 12, 31, 23, tzinfo=UTC)}, "end_at"),
        ({"start_at": datetime(1, 1, 1, tzinfo=UTC)}, "start_at"),
        ({"schedule_type": "interval", "cron_expression": "", "interval_seconds": 0}, "interval_seconds"),
        ({"schedule_type": "interval", "cron_expression": "", "interval_seconds": 31_536_001}, "interval_seconds"),
        ({"schedule_type": "one_time", "cron_expression": ""}, "scheduled_at"),
    ],
)
def test_a_value_out_of_bounds_is_refused_at_its_field(fields: dict[str, Any], field: str) -> None:
    assert list(refused(**fields)) == [field]


def test_a_moment_that_has_passed_is_refused() -> None:
    past = timezone.now() - timedelta(seconds=1)
    errors = refused(schedule_type="one_time", cron_expression="", scheduled_at=past)
    assert errors == {"scheduled_at": ["This moment has passed; choose one ahead."]}


def test_a_taken_name_is_refused_in_words() -> None:
    Schedule(**DAILY).store(by="tester")
    with pytest.raises(ValidationError, match="Another schedule of this environment has this name"):
        Schedule(**DAILY).store(by="tester")


def test_a_deleted_name_is_free_again() -> None:
    first = Schedule(**DAILY)
    first.store(by="tester")
    first.discard(by="tester")
    Schedule(**DAILY).store(by="tester")
    assert Schedule.objects.existing().count() == 1


def test_the_job_type_fills_what_is_left_empty() -> None:
    schedule = Schedule(**DAILY)
    schedule.store(by="tester")
    assert (schedule.timeout_seconds, schedule.max_retries) == (60, 0)


def test_an_edit_raises_the_version_and_plans_anew() -> None:
    schedule = Schedule(**DAILY)
    schedule.store(by="tester")
    schedule.cron_expression = "0 10 * * *"
    schedule.store(by="editor")
    assert schedule.version == 2
    assert schedule.updated_by == "editor"
    assert schedule.next_run_at is not None
    assert schedule.next_run_at.hour == 10


def test_a_schedule_that_would_end_before_its_first_instant_is_refused() -> None:
    assert list(refused(end_at=timezone.now() - timedelta(days=1))) == ["end_at"]


def test_an_edit_that_leaves_no_instant_completes_the_schedule() -> None:
    schedule = Schedule(**DAILY)
    schedule.store(by="tester")
    schedule.end_at = timezone.now() - timedelta(seconds=1)
    schedule.store(by="editor")
    assert (schedule.status, schedule.next_run_at) == ("completed", None)
