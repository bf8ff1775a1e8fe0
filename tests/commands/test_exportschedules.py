"""`exportschedules` prints what is stored as a file that declares it."""

import json
from io import StringIO

import pytest
import yaml
from django.core.management import CommandError, call_command

from integrations.models import Channel, Connection
from schedules.dependencies import Wanted
from schedules.models import TagLimit

pytestmark = pytest.mark.django_db


def exported(*options):
    out = StringIO()
    call_command("exportschedules", *options, stdout=out)
    return yaml.safe_load(out.getvalue())


def connected(name="shop", kind="http", address="https://shop.example.com", **secrets):
    connection = Connection(name=name, kind=kind, address=address)
    if secrets:
        connection.offer(secrets)
    connection.store(by="tester")


def channelled(name, kind="email", **settings):
    channel = Channel(name=name, kind=kind)
    channel.offer(settings or {"recipients": ["ops@example.com"]})
    channel.store(by="tester")


def test_a_schedule_says_what_is_not_as_proposed(make_schedule):
    make_schedule(name="books", schedule_type="cron", cron_expression="0 1 * * *", tags=["a"], priority=7)
    assert exported() == {
        "schedules": [
            {
                "name": "books",
                "environment": "production",
                "job_type": "noop",
                "cron_expression": "0 1 * * *",
                "timezone": "UTC",
                "tags": ["a"],
                "priority": 7,
            }
        ]
    }


def test_what_a_job_type_proposes_is_left_out_and_anything_else_said(make_schedule):
    params = {"url": "https://a.example.com"}
    make_schedule(name="a", job_type="http_request", params=params)
    make_schedule(name="b", job_type="http_request", params=params, max_retries=0, timeout_seconds=61)
    first, second = exported()["schedules"]
    assert not {"max_retries", "timeout_seconds"} & first.keys()
    assert (second["max_retries"], second["timeout_seconds"]) == (0, 61)


def test_an_interval_says_from_when_it_is_counted(make_schedule):
    schedule = make_schedule(interval_seconds=900)
    [found] = exported()["schedules"]
    assert (found["schedule_type"], found["interval_seconds"]) == ("interval", 900)
    assert found["anchor_at"] == schedule.anchor_at.isoformat().replace("+00:00", "Z")


def test_what_is_held_is_not_enabled(make_schedule):
    make_schedule(name="a").pause(by="tester")
    make_schedule(name="b").suspend(reason="gone")
    make_schedule(name="c")
    make_schedule(name="d").discard(by="tester")
    assert {one["name"]: one.get("enabled") for one in exported()["schedules"]} == {"a": False, "b": False, "c": None}


def test_a_dependency_is_named_or_numbered_where_the_name_would_not_find_it(make_schedule):
    near, far = make_schedule(name="near"), make_schedule(name="far", environment="test")
    child = make_schedule(name="child", schedule_type="manual")
    child.store(by="tester", depends_on=[*wanted(near, "success"), *wanted(far, "finished")])
    found = {one["name"]: one for one in exported()["schedules"]}["child"]
    assert found["depends_on"] == [{"schedule": "near"}, {"schedule_id": far.pk, "on": "finished"}]


def wanted(parent, on):
    return [Wanted(schedule_id=parent.pk, on=on)]


def test_secrets_are_masked_and_references_kept(make_schedule):
    connected("a", headers={"X-Key": "geheim", "Authorization": "Bearer ${TOKEN}", "X-Mixed": "geheim${TOKEN}"})
    connected("b", "sql", "postgresql://u:geheim@db.example.com/x")
    connected("c", "sql", "postgresql://u:${PASSWORD}@db.example.com/x")
    connected("d", "sql", "${WAREHOUSE_URL}")
    channelled("slack", "slack", webhook_url="https://hooks.slack.com/services/geheim", channel="#ops")
    channelled("slack2", "slack", webhook_url="${SLACK_URL}")
    channelled("hook", "webhook", url="https://hook.example.com", headers={"X-Key": "geheim"})
    found = exported()
    assert found["connections"]["a"]["headers"] == {
        "X-Key": "***",
        "Authorization": "Bearer ${TOKEN}",
        "X-Mixed": "***",
    }
    assert found["connections"]["b"]["address"] == "postgresql://u:***@db.example.com/x"
    assert found["connections"]["c"]["address"] == "postgresql://u:${PASSWORD}@db.example.com/x"
    assert found["connections"]["d"]["address"] == "${WAREHOUSE_URL}"
    assert found["channels"] == {
        "hook": {"kind": "webhook", "url": "https://hook.example.com", "headers": {"X-Key": "***"}},
        "slack": {"kind": "slack", "channel": "#ops", "webhook_url": "***"},
        "slack2": {"kind": "slack", "webhook_url": "${SLACK_URL}"},
    }
    for form in ("yaml", "json"):
        out = StringIO()
        call_command("exportschedules", "--format", form, stdout=out)
        assert "geheim" not in out.getvalue()
        assert "whsec_" not in out.getvalue()


def test_a_secret_that_no_key_opens_is_an_error(settings):
    connected(headers={"X-Key": "geheim"})
    settings.ENCRYPTION_KEYS = ["NzY1NDMyMTA5ODc2NTQzMjEwOTg3NjU0MzIxMDk4NzY="]
    with pytest.raises(CommandError, match="CARILLON_ENCRYPTION_KEYS") as closed:
        exported()
    assert closed.value.returncode == 1


def test_channels_of_a_schedules_own_stand_within_it(make_schedule, settings):
    connected("db", "sql", "postgresql://u:p@db.example.com/x")
    channelled("ops")
    notify = [
        "ops",
        {"kind": "slack", "webhook_url": "${SLACK_URL}", "channel": "#a"},
        {"kind": "email", "recipients": ["a@example.com"]},
    ]
    params = {"connection": "db", "query": "SELECT 'OK' AS status", "notify": notify}
    make_schedule(name="watch", job_type="sql_alert", params=params)
    found = exported()
    assert found["schedules"][0]["params"] == params
    assert list(found["channels"]) == ["ops"]


def test_a_part_holds_what_it_uses(make_schedule, make_calendar):
    connected("used")
    connected("other")
    channelled("ops")
    channelled("nobody")
    make_calendar("Works", closed_dates=["2026-12-25 Christmas Day", "2026-12-26"], weekdays=["mon", "tue"])
    calendar = make_calendar("Home", timezone="Europe/Riga")
    TagLimit(tag="books", max_running=2).store(by="tester")
    TagLimit(tag="x", max_running=2, note="why").store(by="tester")
    params = {"url": "/a", "connection": "used"}
    make_schedule(
        name="a", job_type="http_request", params=params, tags=["books"], channels=["ops"], calendar=calendar
    )
    make_schedule(name="b", environment="test", tags=["x"])
    part = exported("a")
    assert [list(part[section]) for section in ("connections", "channels", "calendars", "tag_limits")] == [
        ["used"],
        ["ops"],
        ["Home"],
        ["books"],
    ]
    assert [one["name"] for one in part["schedules"]] == ["a"]
    assert exported("--tag", "books") == part
    assert [one["name"] for one in exported("--environment", "test")["schedules"]] == ["b"]
    whole = exported()
    assert list(whole["connections"]) == ["other", "used"]
    assert whole["tag_limits"] == {"books": 2, "x": {"max_running": 2, "note": "why"}}
    assert whole["calendars"]["Works"] == {
        "timezone": "UTC",
        "weekdays": ["mon", "tue"],
        "closed_dates": ["2026-12-25 Christmas Day", "2026-12-26"],
    }


def test_json_is_the_same_and_nothing_else_is_printed(make_schedule):
    make_schedule(name="Grüße 🔔")
    out = StringIO()
    call_command("exportschedules", "--format", "json", stdout=out)
    assert json.loads(out.getvalue()) == exported()


def test_yaml_says_at_its_top_how_it_is_used(make_schedule):
    make_schedule(name="a", schedule_type="manual")
    out = StringIO()
    call_command("exportschedules", stdout=out)
    assert "#     manage.py syncschedules FILE --dry-run" in out.getvalue().split("\n\n")[0]


def test_a_schedule_whose_moment_has_passed_is_left_out_and_named(make_schedule):
    once = make_schedule(name="once", schedule_type="immediate")
    type(once).objects.filter(pk=once.pk).update(status="completed", next_run_at=None)
    out = StringIO()
    call_command("exportschedules", stdout=out)
    assert "# Left out, as their one moment has passed: once" in out.getvalue()
    assert yaml.safe_load(out.getvalue()) == {"schedules": []}


def test_a_parent_that_is_not_in_the_file_is_named(make_schedule):
    parent = make_schedule(name="parent")
    make_schedule(name="child", schedule_type="manual").store(by="tester", depends_on=wanted(parent, "success"))
    out = StringIO()
    call_command("exportschedules", "child", stdout=out)
    assert "# child waits for parent in production, which is not in here." in out.getvalue()


def test_an_sqlite_file_is_named_from_the_root_on(settings, tmp_path):
    settings.LOCAL_FILES_ROOT = tmp_path
    connected("db", "sql", "sqlite:///shop.sqlite3")
    assert exported()["connections"]["db"]["address"] == f"sqlite:///{tmp_path.resolve()}/shop.sqlite3"


def test_unknown_names_are_bad_arguments(make_schedule):
    make_schedule(name="books")
    with pytest.raises(CommandError, match="Candidates: books") as unknown:
        exported("bocks")
    assert unknown.value.returncode == 2
