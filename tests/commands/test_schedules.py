"""Schedules from the command line: lists, pause and resume, and one name for one schedule."""

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from schedules.models import Schedule

pytestmark = pytest.mark.django_db


def say(*arguments, **options):
    answer = StringIO()
    call_command(*arguments, stdout=answer, **options)
    return answer.getvalue()


def refused(*arguments):
    with pytest.raises(CommandError) as refusal:
        say(*arguments)
    return refusal.value


def test_the_list_is_aligned_and_says_when_each_fires(make_schedule):
    make_schedule(name="a", interval_seconds=300)
    make_schedule(name="a much longer name", timezone="Europe/Riga", tags=["x"])
    make_schedule(name="gone").discard(by="tester")
    head, *rows = say("listschedules").splitlines()
    assert [row[: head.index("Timing")].split()[-1] for row in rows] == ["active", "active"]
    assert [row[head.index("Timing") :].partition("  ")[0] for row in rows] == ["Every 5 minutes", "Every hour"]
    assert "+02:00" in rows[1] or "+03:00" in rows[1]


def test_the_list_for_programs_has_the_fields_of_the_api(make_schedule, admin_user):
    schedule = make_schedule(name="näme", timezone="Europe/Riga")
    client = Client()
    client.force_login(admin_user)
    assert json.loads(say("listschedules", json=True)) == [client.get(f"/api/v1/schedules/{schedule.pk}").json()]
    Schedule.objects.all().delete()
    assert json.loads(say("listschedules", json=True)) == []


def test_a_hostile_name_cannot_steer_the_terminal(make_schedule):
    schedule = make_schedule()
    Schedule.objects.filter(pk=schedule.pk).update(name="red \x1b[31m\u202e\r\nfake row")
    answer = say("listschedules")
    assert "\x1b" not in answer
    assert len(answer.splitlines()) == 2


def test_pause_takes_a_reason_and_an_end_in_the_schedules_zone(make_schedule):
    make_schedule(name="import", timezone="Europe/Riga")
    answer = say("pauseschedule", "import", "--reason", "hosts move", "--until", "2099-07-01T06:00")
    stored = Schedule.objects.get()
    assert (stored.status, stored.status_reason) == ("paused", "hosts move")
    assert stored.paused_until == datetime(2099, 7, 1, 3, tzinfo=UTC)
    assert answer == "Paused import until 2099-07-01 06:00:00+03:00.\n"


def test_resume_says_when_it_fires_next(make_schedule):
    schedule = make_schedule(name="import")
    schedule.pause(by="tester")
    answer = say("resumeschedule", str(schedule.pk), "--missed", "latest")
    stored = Schedule.objects.get()
    assert (stored.status, stored.pause_catchup) == ("active", "latest")
    assert answer.startswith("Resumed import. Next run: 20")


def test_an_unknown_name_lists_those_that_are_near(make_schedule):
    make_schedule(name="nightly-import")
    refusal = refused("pauseschedule", "nightly-imports")
    assert refusal.returncode == 2
    assert "Candidates: nightly-import" in str(refusal)


def test_a_name_in_two_environments_asks_for_the_environment(make_schedule):
    for environment in ("production", "staging"):
        make_schedule(name="import", environment=environment)
    refusal = refused("pauseschedule", "import")
    assert refusal.returncode == 2
    assert "production" in str(refusal)
    assert "staging" in str(refusal)
    say("pauseschedule", "import", "--environment", "staging")
    assert Schedule.objects.get(status="paused").environment == "staging"


def test_a_name_of_digits_comes_before_a_number(make_schedule):
    first = make_schedule()
    make_schedule(name=str(first.pk))
    say("pauseschedule", str(first.pk))
    assert Schedule.objects.get(status="paused").name == str(first.pk)


@pytest.mark.parametrize("until", ["tomorrow", "2020-01-01T00:00", "2027-13-45T00:00"])
def test_a_bad_end_of_a_pause_changes_nothing(make_schedule, until):
    make_schedule(name="import")
    assert refused("pauseschedule", "import", "--until", until).returncode == 2
    assert Schedule.objects.get().status == "active"


def test_what_cannot_be_paused_fails_with_its_reason(make_schedule):
    make_schedule(name="import").suspend(reason="its owner left")
    refusal = refused("pauseschedule", "import")
    assert refusal.returncode == 1
    assert "suspended" in str(refusal)


@pytest.mark.parametrize("number", ["²", "99999999999999999999", "-1", "0"])
def test_what_looks_like_a_number_is_looked_up_without_an_accident(number):
    assert refused("pauseschedule", "--", number).returncode == 2
