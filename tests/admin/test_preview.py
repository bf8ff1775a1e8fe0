"""The preview beside the editor: what it shows is what previewschedule prints, and what fires."""

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/schedules/schedule/preview/"
NOW = datetime(2027, 3, 27, 12, 0, tzinfo=UTC)


@pytest.fixture
def fixed_now():
    with time_machine.travel(NOW, tick=False):
        yield


def shown(client, address=ADDRESS, **typed):
    defaults = {"job_type": "noop", "schedule_type": "cron", "timezone": "UTC"}
    return client.post(address, {**defaults, **typed}).context["shown"]


@pytest.mark.parametrize(
    ("expression", "zone"),
    [("30 2 * * *", "Europe/Berlin"), ("*/20 22-23 * * mon-fri", "America/New_York"), ("0 0 13 * 5", "UTC")],
)
def test_the_instants_are_those_of_previewschedule(fixed_now, boss, expression, zone):
    found = shown(boss, cron_expression=expression, timezone=zone)
    printed = StringIO()
    call_command("previewschedule", expression, timezone=zone, count=10, json=True, stdout=printed)
    times = [datetime.fromisoformat(text) for text in json.loads(printed.getvalue())]
    assert [row.at for row in found.rows] == times
    assert [row.times[0] for row in found.rows] == [f"{time:%H:%M}" for time in times]
    assert len(times) == 10


def test_the_next_clock_changes_say_what_they_do(fixed_now, boss):
    found = shown(boss, cron_expression="30 2 * * *", timezone="Europe/Berlin")
    assert [(day, effect.change.gap) for day, effect in found.effects] == [
        ("Sun 28 Mar", True),
        ("Sun 31 Oct", False),
    ]
    assert "does not exist" in found.effects[0][1].sentence


def test_the_viewers_zone_stands_beside_the_schedules_own(boss):
    boss.cookies["zone"] = "Asia/Tokyo"
    found = shown(boss, cron_expression="0 12 * * *", timezone="Europe/Riga")
    assert found.zones == ("Riga", "You", "UTC")
    assert found.rows[0].times[1] in ("18:00", "19:00")


def test_an_error_points_at_its_characters(boss):
    found = shown(boss, cron_expression="*/5 22-4 * * *")
    assert (found.caret, found.rows) == ("    ^^^^", ())
    assert "Write 22-23,0-4" in found.error


def test_an_edit_says_what_it_adds_and_removes(boss, make_schedule):
    schedule = make_schedule(schedule_type="cron", cron_expression="0 6 * * *", timezone="UTC")
    address = f"/admin/schedules/schedule/{schedule.pk}/preview/"
    found = shown(boss, address, cron_expression="0 6,18 * * *", name=schedule.name, environment="production")
    assert found.difference == "Saving this adds 30 fire times in the next 30 days; 30 stay."
    assert shown(boss, address, cron_expression="0 6 * * *").difference == ""


@pytest.mark.parametrize(
    "typed",
    [
        {"cron_expression": "0 0 31 2 *"},
        {"cron_expression": "1," * 500_000},
        {"cron_expression": "* * * * *\x00"},
        {"cron_expression": "* * * * *", "timezone": "../../etc/passwd"},
        {"schedule_type": "interval", "interval_seconds": "9" * 5000},
        {"schedule_type": "one_time", "scheduled_at": "9999-99-99T99:99"},
        {"schedule_type": "one_time", "scheduled_at": "2020-01-01T00:00"},
        {"schedule_type": "nonsense"},
        {"cron_expression": "* * * * *", "start_at": "0001-01-01T00:00", "timezone": "Asia/Tokyo"},
        {"cron_expression": "* * * * *", "end_at": "9999-12-31T23:59", "timezone": "America/New_York"},
    ],
)
def test_hostile_input_is_answered_with_a_sentence(boss, typed):
    answer = boss.post(ADDRESS, {"job_type": "noop", "schedule_type": "cron", "timezone": "UTC", **typed})
    assert answer.status_code == 200
    found = answer.context["shown"]
    assert found.error or found.rows


def test_the_preview_cannot_carry_markup(boss):
    page = boss.post(ADDRESS, {"schedule_type": "cron", "cron_expression": "<b>", "timezone": "UTC"}).content.decode()
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
