"""What `exportschedules` prints, `syncschedules` takes over without changing anything."""

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from integrations.models import Channel, Connection
from schedules.dependencies import Dependency, Wanted
from schedules.limits import TagLimit
from schedules.models import Calendar, Schedule

pytestmark = pytest.mark.django_db
ANEW = {"source", "anchor_at", "depends_on", "signing_secret"}  # follow from where and when something is made

WORDS = st.sampled_from(
    ["on", "no", "~", "09", "1e5", "22:00", "a: b", "#a", "- a", "${HOME}", "***", "Grüße 🔔", "x"]
)
NAMES = WORDS | st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=12)
TEXTS = NAMES | st.lists(NAMES, min_size=2, max_size=3).map("\n".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(-1e9, 1e9) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)
TIMINGS = st.one_of(
    st.fixed_dictionaries(
        {"cron_expression": st.sampled_from(["0 1 * * *", "@daily", "H 2 * * 1-5", "*/7 * 1,15 * *"])}
    ),
    st.fixed_dictionaries({"schedule_type": st.just("interval"), "interval_seconds": st.integers(60, 90_000)}),
    st.just({"schedule_type": "manual"}),
    st.fixed_dictionaries(
        {
            "schedule_type": st.just("one_time"),
            "scheduled_at": st.datetimes(datetime(2027, 1, 1), datetime(2027, 3, 1), timezones=st.just(UTC)),
        }
    ),
)
NOTIFIED = st.lists(
    st.sampled_from(
        [
            {"kind": "email", "recipients": ["a@example.com"]},
            {"kind": "slack", "webhook_url": "${SLACK_URL}", "channel": "#a"},
            {"kind": "webhook", "url": "https://hook.example.com", "headers": {"X-Key": "${KEY}"}},
            "ops",
        ]
    ),
    max_size=3,
    unique_by=str,
)
JOBS = st.one_of(
    st.just({"job_type": "noop"}),
    st.fixed_dictionaries({"job_type": st.just("noop"), "params": st.fixed_dictionaries({"message": TEXTS})}),
    st.fixed_dictionaries(
        {
            "job_type": st.just("http_request"),
            "params": st.fixed_dictionaries(
                {"url": st.just("https://a.example.com/x"), "json": st.dictionaries(WORDS, JSON, max_size=2)}
            ),
        }
    ),
    st.fixed_dictionaries(
        {
            "job_type": st.just("sql_alert"),
            "params": st.fixed_dictionaries(
                {
                    "connection": st.just("db"),
                    "query": st.just("SELECT 'OK' AS status\n  , '$x' AS v"),
                    "notify": NOTIFIED,
                }
            ),
        }
    ),
)
OTHERS = st.fixed_dictionaries(
    {},
    optional={
        "description": TEXTS,
        "environment": st.sampled_from(["production", "test", "on"]),
        "timezone": st.sampled_from(["Europe/Riga", "Asia/Tokyo"]),
        "tags": st.lists(NAMES, max_size=3),
        "priority": st.integers(1, 10),
        "overlap_policy": st.sampled_from(Schedule.Overlap.values),
        "misfire_policy": st.sampled_from(Schedule.Misfire.values),
        "catchup_limit": st.integers(1, 1000),
        "max_retries": st.integers(0, 10),
        "timeout_seconds": st.integers(1, 1000),
        "retry_delay_seconds": st.integers(0, 3600),
        "jitter_seconds": st.integers(0, 3600),
        "max_runs": st.integers(1, 9),
        "end_at": st.datetimes(datetime(2028, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC)),
        "channels": st.just(["ops"]),
        "callback_url": st.just("https://back.example.com/"),
    },
)
SCHEDULES = st.builds(
    lambda *parts: {name: value for part in parts for name, value in part.items()}, TIMINGS, JOBS, OTHERS
)
DRAWN = st.lists(st.tuples(NAMES, SCHEDULES, st.booleans()), min_size=1, max_size=4, unique_by=lambda one: one[0])


def surroundings():
    """Store what schedules use; every secret is a reference."""
    Connection(name="db", kind="sql", address="postgresql://u:${PASSWORD}@db.example.com/x").store(by="tester")
    web = Connection(name="web: on", kind="http", address="https://web.example.com", description="09")
    web.offer({"headers": {"Authorization": "Bearer ${TOKEN}", "X-Key": "${KEY}"}})
    web.store(by="tester")
    for name, kind, offered in [
        ("ops", "email", {"recipients": ["ops@example.com"], "subject": "{alert_name}: on"}),
        ("hook", "webhook", {"url": "https://hook.example.com", "headers": {"X": "${KEY}"}, "method": "PUT"}),
    ]:
        channel = Channel(name=name, kind=kind, enabled=name == "ops")
        channel.offer(offered)
        channel.store(by="tester")
    calendar = Calendar(name="Works", description="on")
    calendar.define(
        {
            "timezone": "Europe/Riga",
            "weekdays": ["mon", "fri"],
            "closed_dates": ["2027-12-25 Christmas: Day", "2027-12-26"],
            "windows": [{"name": "Night", "days": ["sun"], "from": "22:00", "to": "04:00"}],
        }
    )
    calendar.store(by="tester")
    TagLimit(tag="on", max_running=3).store(by="tester")
    TagLimit(tag="09", max_running=3, note="no: why").store(by="tester")


def stored(drawn):
    """Store the schedules, each waiting for the one before it in its environment if it has no timing."""
    before = {}
    for name, fields, is_paused in drawn:
        schedule = Schedule(name=name, **{**fields, "params": dict(fields.get("params", {}))})
        parents = []
        if schedule.schedule_type == "manual" and schedule.environment in before:
            parents = [Wanted(schedule_id=before[schedule.environment].pk, on="finished")]
        elif schedule.schedule_type == "interval":
            schedule.calendar = Calendar.objects.get()
        schedule.store(by="tester", depends_on=parents)
        if is_paused:
            schedule.pause(by="tester", reason="on")
        before[schedule.environment] = schedule


def state(*, without=()):
    """Return all that a file may declare, as it is stored."""
    own = {}
    for one in Channel.objects.filter(schedule_id=None):
        secrets = {name: value for name, value in one.secrets.items() if name not in without}
        own[one.name] = (one.kind, one.shown, secrets, one.enabled)
    connections = {
        one.name: (one.kind, one.address, one.secrets, one.description) for one in Connection.objects.all()
    }
    schedules = {}
    for one in Schedule.objects.existing():
        told = {name: value for name, value in one.definition().items() if name not in without}
        parents = sorted((row.parent.name, row.on) for row in one.dependencies.all())
        channels = [(row.kind, row.shown) for row in Channel.objects.filter(schedule_id=one.pk).order_by("pk")]
        schedules[one.environment, one.name] = (told, parents, channels, one.status)
    calendars = {one.name: (one.definition, one.description) for one in Calendar.objects.all()}
    return own, connections, schedules, calendars, dict(TagLimit.objects.values_list("tag", "max_running"))


def versions():
    calendars, schedules = (
        Calendar.objects.values_list("name", "version"),
        Schedule.objects.values_list("pk", "version"),
    )
    return sorted(calendars), sorted(schedules), sorted(Channel.objects.values_list("name", "updated_at"))


def exported(folder, form, name):
    path = folder / f"{name}.{form}"
    out = StringIO()
    call_command("exportschedules", "--format", form, stdout=out)
    path.write_text(out.getvalue())
    return str(path)


def taken_over(path):
    out = StringIO()
    call_command("syncschedules", path, "--json", stdout=out)
    return json.loads(out.getvalue())


@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(drawn=DRAWN, form=st.sampled_from(["yaml", "json"]))
def test_an_export_changes_nothing_where_it_comes_from_and_makes_the_same_elsewhere(tmp_path, form, drawn):
    with transaction.atomic():
        surroundings()
        stored(drawn)
        before, there = state(without={"source"}), state(without=ANEW)
        first = exported(tmp_path, form, "first")
        plan = taken_over(first)
        assert {field for step in plan["steps"] for field in step["changes"]} <= {"source"}
        assert state(without={"source"}) == before
        known = versions()
        again = taken_over(exported(tmp_path, form, "second"))
        assert again["counts"] == {**again["counts"], "create": 0, "update": 0, "delete": 0}
        assert versions() == known
        for model in (Dependency, Schedule, Channel, Connection, Calendar, TagLimit):
            model.objects.all().delete()
        taken_over(first)
        assert state(without=ANEW) == there
        transaction.set_rollback(True)


def test_secrets_that_are_stored_stay(tmp_path):
    web = Connection(name="web", kind="http", address="https://web.example.com")
    web.offer({"headers": {"X-Key": "geheim"}})
    web.store(by="tester")
    Connection(name="db", kind="sql", address="postgresql://u:geheim@db.example.com/x").store(by="tester")
    hook = Channel(name="hook", kind="webhook")
    hook.offer({"url": "https://hook.example.com", "headers": {"X-Key": "geheim"}})
    hook.store(by="tester")
    notify = [
        {"kind": "slack", "webhook_url": "https://hooks.slack.com/services/one"},
        {"kind": "slack", "webhook_url": "https://hooks.slack.com/services/two", "channel": "#b"},
    ]
    params = {"connection": "db", "query": "SELECT 'OK' AS status", "notify": notify}
    Schedule(name="watch", job_type="sql_alert", schedule_type="manual", params=params).store(by="tester")
    before = state(without={"source"})
    own = [(one.pk, one.secrets) for one in Channel.objects.order_by("pk")]
    taken_over(exported(tmp_path, "yaml", "first"))
    assert state(without={"source"}) == before
    assert [(one.pk, one.secrets) for one in Channel.objects.order_by("pk")] == own


def test_an_sqlite_file_under_the_root_keeps_its_shorter_name(tmp_path, settings):
    settings.LOCAL_FILES_ROOT = tmp_path / "files"
    settings.LOCAL_FILES_ROOT.mkdir()
    Connection(name="shop", kind="sql", address="sqlite:///shop.sqlite3").store(by="tester")
    path = exported(tmp_path, "yaml", "first")
    assert taken_over(path)["counts"]["update"] == 0
    assert Connection.objects.get().address == "sqlite:///shop.sqlite3"
    other = (tmp_path / "first.yaml").read_text().replace("shop.sqlite3", "other.sqlite3")
    (tmp_path / "first.yaml").write_text(other)
    assert taken_over(path)["counts"]["update"] == 1
    assert Connection.objects.get().address.endswith("/files/other.sqlite3")


def test_a_part_of_what_a_file_declares_does_not_pass_for_all_of_it(tmp_path):
    for name in ("a", "b"):
        Schedule(name=name, job_type="noop", schedule_type="manual").store(by="tester")
    taken_over(exported(tmp_path, "yaml", "all"))
    out = StringIO()
    call_command("exportschedules", "a", stdout=out)
    assert "source:" not in out.getvalue()
    whole = StringIO()
    call_command("exportschedules", stdout=whole)
    assert f"source: {tmp_path}/all.yaml" in whole.getvalue()
