"""The load of the days ahead over HTTP is what the command says, and is refused where it would take too long."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from jobruns import simulation_api

LOADED = ("fires", "runs", "skipped", "waited", "busy_percent", "schedules")


def test_it_says_what_the_command_says(admin, a_schedule):
    a_schedule(cron_expression="*/5 * * * *")
    body = admin.get("simulation?days=2&slots=3").json()
    printed = StringIO()
    call_command("simulate", "--days", "2", "--slots", "3", "--json", stdout=printed)
    assert body.keys() == json.loads(printed.getvalue()).keys()
    assert (body["fires"], body["slots"], body["schedules"]) == (576, 3, 1)
    assert body["burdened"] == []
    assert len(body["worst_minutes"][0]["names"]) == 1


def test_only_what_was_named_is_followed(admin, a_schedule):
    a_schedule(name="a", tags=["x", "y"])
    a_schedule(name="b", tags=["x"])
    a_schedule(name="c", environment="staging")
    assert admin.get("simulation?days=1&tag=x").json()["schedules"] == 2
    assert admin.get("simulation?days=1&tag=x&tag=y").json()["schedules"] == 1
    assert admin.get("simulation?days=1&environment=staging").json()["schedules"] == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [("days=0", "days"), ("days=32", "days"), ("days=x", "days"), ("slots=0", "slots"), ("weeks=3", "weeks")],
)
def test_what_makes_no_sense_names_the_field(admin, query, field):
    answer = admin.get(f"simulation?{query}")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


@pytest.mark.parametrize("bound", ["MOST_FIRES", "MOST_SCHEDULES"])
def test_too_much_is_refused_with_a_sentence(admin, a_schedule, monkeypatch, bound):
    a_schedule(name="a")
    a_schedule(name="b")
    monkeypatch.setattr(simulation_api, bound, 1)
    answer = admin.get("simulation?days=1")
    assert answer.status_code == 409
    assert "at most 1 are followed. Name fewer days, an environment or a tag." in answer.json()["detail"]


def test_it_asks_for_the_right_to_see_schedules(nobody, having):
    assert nobody.get("simulation").status_code == 403
    assert having("schedules.view_schedule").get("simulation").status_code == 200
