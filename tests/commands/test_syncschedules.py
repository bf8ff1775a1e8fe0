"""Schedules as files: what is declared comes true, all of it or nothing; how things stand is the operators' own."""

import json
import re
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from integrations.models import Channel, Connection
from integrations.trail import AuditEntry
from schedules.limits import TagLimit
from schedules.models import Calendar, Schedule
from tests.commands.files import refused, sync, versions, write

__all__ = ["write"]

pytestmark = pytest.mark.django_db

OWN = """
connections:
  warehouse: {kind: sql, url: "${WAREHOUSE_URL}"}
  shop: {kind: http, url: "https://example.com/api", headers: {Authorization: "Bearer ${SHOP_TOKEN}"}}
channels:
  on-call: {kind: webhook, url: "https://example.com/hook", headers: {X-Key: marker-secret}}
calendars:
  works: {timezone: Europe/Riga, weekdays: [mon, tue, wed, thu, fri], closed_dates: [2099-12-25 Christmas]}
tag_limits: {heavy: 2}
schedules:
  - name: after
    job_type: noop
    schedule_type: manual
    depends_on: [{schedule: nightly, on: failure}]
  - name: nightly
    job_type: noop
    cron_expression: "0 3 * * *"
    timezone: Europe/Lisbon
    calendar: works
    tags: [heavy]
    channels: [on-call]
  - name: off
    job_type: noop
    schedule_type: interval
    interval_seconds: 300
    enabled: false
"""


def test_everything_that_a_file_declares_is_made_and_the_second_time_nothing_changes(write):
    file = write(OWN)
    assert "8 created, 0 updated, 0 deleted, 0 unchanged." in sync(file)
    nightly = Schedule.objects.get(name="nightly")
    assert (nightly.timezone, nightly.calendar.name, nightly.tags, nightly.channels) == (
        *("Europe/Lisbon", "works", ["heavy"]),
        ["on-call"],
    )
    assert nightly.source.endswith("/all.yaml")
    assert [one.parent for one in Schedule.objects.get(name="after").dependencies.all()] == [nightly]
    assert Schedule.objects.get(name="off").status == "paused"
    assert Connection.objects.get(name="warehouse").address == "${WAREHOUSE_URL}"
    assert TagLimit.objects.get().max_running == 2
    assert Calendar.objects.get().definition["timezone"] == "Europe/Riga"
    before, entries = versions(), AuditEntry.objects.count()
    assert "0 created, 0 updated, 0 deleted, 8 unchanged." in sync(file)
    assert versions() == before
    assert AuditEntry.objects.count() == entries
    assert Calendar.objects.get().version == 1


def test_a_dry_run_writes_nothing_at_all(write):
    told = sync(write(OWN), "--dry-run")
    assert "8 to create, 0 to update, 0 to delete, 0 unchanged. Nothing was written." in told
    for model in (Schedule, Connection, Channel, Calendar, TagLimit, AuditEntry):
        assert not model.objects.exists()


def test_json_is_read_as_well(write):
    text = '{\t"schedules": [{"name":"j 😀","job_type":"noop","cron_expression":"0 1 * * *"}]\n}'
    sync(write(text, "all.json"))
    assert Schedule.objects.get().name == "j 😀"


def test_the_plan_names_what_changes_and_which_fire_times(write):
    sync(write(OWN))
    told = sync(write(OWN.replace("0 3 * * *", "0 4 * * *")), "--dry-run")
    assert "cron_expression: 0 3 * * * → 0 4 * * *" in told
    assert "fire times in the next 30 days" in told
    plan = json.loads(sync(write(OWN.replace("0 3 * * *", "0 4 * * *")), "--json"))
    assert plan["counts"] == {"create": 0, "update": 1, "delete": 0, "unchanged": 7}
    step = next(one for one in plan["steps"] if one["action"] == "update")
    assert step["changes"] == {"cron_expression": {"before": "0 3 * * *", "after": "0 4 * * *"}}


def test_a_field_that_leaves_the_file_has_its_default_again(write):
    sync(write(OWN))
    sync(write(OWN.replace("    calendar: works\n", "").replace("    tags: [heavy]\n", "")))
    nightly = Schedule.objects.get(name="nightly")
    assert nightly.calendar is None
    assert nightly.tags == []


def test_a_secret_is_masked_in_the_plan_and_kept_by_three_stars(write):
    told = sync(write(OWN)) + sync(write(OWN.replace("marker-secret", "other-marker")), "--json")
    assert "marker" not in told
    assert Channel.objects.get().secrets["headers"] == {"X-Key": "other-marker"}
    assert "8 unchanged" in sync(write(OWN.replace("marker-secret", '"***"')))
    assert Channel.objects.get().secrets["headers"] == {"X-Key": "other-marker"}


def test_a_signing_secret_that_was_made_here_stays(write):
    sync(write(OWN))
    made = Channel.objects.get().secrets["signing_secret"]
    sync(write(OWN.replace("X-Key", "X-Other")))
    assert Channel.objects.get().secrets["signing_secret"] == made


def test_one_bad_entry_among_fifty_changes_nothing_and_its_line_is_told(write):
    entries = [f"  - {{name: s{number}, job_type: noop, cron_expression: '0 1 * * *'}}\n" for number in range(50)]
    sync(write("schedules:\n" + "".join(entries)))
    before = versions()
    moved = [one.replace("0 1", "0 2") for one in entries]
    moved[30] = "  - name: s30\n    job_type: noop\n    cron_expression: '0 99 * * *'\n"
    told = refused(write("schedules:\n" + "".join(moved)))
    assert "all.yaml:34: schedules[31].cron_expression: " in told
    assert "99" in told
    assert versions() == before
    assert set(Schedule.objects.values_list("cron_expression", flat=True)) == {"0 1 * * *"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("cron_expresion: 1", "all.yaml:4: schedules[1].cron_expresion: There is no such field. Did you mean cron"),
        ("calendar: nope", "all.yaml:4: schedules[1].calendar: There is no calendar nope."),
        ("params: {x: 1}", "all.yaml:4: schedules[1].params.x: There is no such field."),
        ("depends_on: [{schedule: nobody}]", "all.yaml:4: schedules[1].depends_on: There is no schedule 'nobody'"),
        ("tags: [a, '']", "all.yaml:4: schedules[1].tags[2]: "),
        ("job_type: noop", "all.yaml:4: job_type: This key stands here again, as in line 3."),
        ("was: 3", "all.yaml:4: schedules[1].was: Write the name that it had before."),
    ],
)
def test_what_is_wrong_is_told_with_file_line_field_and_hint(write, line, told):
    text = f"schedules:\n  - name: a\n    job_type: noop\n    {line}\n    schedule_type: manual\n"
    assert told in refused(write(text))
    assert not Schedule.objects.exists()


def test_sections_that_are_not_known_are_refused_with_the_nearest(write):
    assert "all.yaml:1: schedulez: There is no such section. Did you mean schedules?" in refused(
        write("schedulez: []")
    )


def test_a_name_used_twice_in_one_sync_names_both_places(write):
    entry = "schedules:\n  - {name: a, job_type: noop, schedule_type: manual}\n"
    write(entry, "many/one.yaml")
    write(entry + "  - {name: b, job_type: noop, schedule_type: manual}\n", "many/two.yml")
    assert "many/two.yml:2: schedules[1]: a is declared twice, first in many/one.yaml:2; keep one." in refused("many")
    write(entry.replace("name: a", "name: c"), "many/two.yml")
    write("not: read", "many/.hidden.yaml")
    assert "2 created" in sync("many")


def test_only_prune_deletes_and_only_what_this_source_made(write, make_schedule):
    make_schedule(name="by hand")
    entry = "  - {{name: {}, job_type: noop, schedule_type: manual}}\n"
    sync(write("schedules:\n" + entry.format("other"), "other.yaml"))
    sync(write("schedules:\n" + entry.format("a") + entry.format("b")))
    file = write("schedules:\n" + entry.format("a"))
    assert "b in production is in these files no more and stays; --prune deletes it." in sync(file)
    assert "1 to delete" in sync(file, "--prune", "--dry-run")
    assert Schedule.objects.get(name="b").status == "active"
    assert "1 deleted" in sync(file, "--prune")
    assert Schedule.objects.get(name="b").status == "deleted"
    assert set(Schedule.objects.existing().values_list("name", flat=True)) == {"a", "other", "by hand"}


def test_a_source_named_in_the_file_stays_the_same_where_the_file_moves(write):
    entry = "  - {{name: {}, job_type: noop, schedule_type: manual}}\n"
    sync(write("source: team\nschedules:\n" + entry.format("a") + entry.format("b")))
    assert "1 deleted" in sync(write("source: team\nschedules:\n" + entry.format("a"), "moved.yaml"), "--prune")


def test_one_file_serves_several_environments(write):
    file = write("schedules:\n  - {name: a, job_type: noop, schedule_type: manual}\n")
    sync(file, "--environment", "staging")
    sync(file, "--environment", "production", "--prune")
    assert set(Schedule.objects.existing().values_list("environment", flat=True)) == {"staging", "production"}


def test_was_renames_and_keeps_the_row(write):
    sync(write("schedules:\n  - {name: old, job_type: noop, schedule_type: manual}\n"))
    row = Schedule.objects.get()
    renamed = write("schedules:\n  - {name: new, was: old, job_type: noop, schedule_type: manual}\n")
    assert "name: old → new" in sync(renamed, "--prune")
    assert Schedule.objects.get().pk == row.pk
    assert Schedule.objects.get().name == "new"
    assert "1 unchanged" in sync(renamed)


def test_a_persons_pause_stays_and_a_files_pause_ends_with_its_file(write):
    sync(write(OWN))
    Schedule.objects.get(name="nightly").pause(by="ann", reason="hosts move")
    enabled = OWN.replace("enabled: false", "enabled: true").replace("    tags: [heavy]", "    enabled: true")
    told = sync(write(enabled))
    assert "It is paused by ann and stays so until somebody resumes it." in told
    assert Schedule.objects.get(name="nightly").status == "paused"
    assert Schedule.objects.get(name="off").status == "active"


def test_a_schedule_whose_time_has_passed_stays_as_it_is(write):
    at = timezone.now() + timedelta(hours=1)
    once = f"{{name: once, job_type: noop, schedule_type: one_time, scheduled_at: {at:%Y-%m-%dT%H:%M:%SZ}}}"
    file = write(f"schedules:\n  - {once}\n")
    sync(file)
    with time_machine.travel(at + timedelta(days=1)):
        Schedule.objects.update(status="completed", next_run_at=None)
        assert "1 unchanged" in sync(file)


def test_every_change_is_written_down_as_coming_from_a_file(write):
    sync(write(OWN))
    assert set(AuditEntry.objects.values_list("source", flat=True)) == {"yaml"}


def test_files_are_nobodys_own_and_know_no_quota(write, settings):
    settings.MAX_SCHEDULES_PER_CREATOR = 1
    sync(write(OWN))
    assert Schedule.objects.count() == 3


@pytest.mark.parametrize(
    "entry",
    [
        'connections: {a: {kind: sql, url: "postgresql://u:marker-1@h@x/d"}}',
        'connections: {a: {kind: sql, url: "postgresql://u:marker-1@h/d?password=marker-2"}}',
        'connections: {a: {kind: http, url: "ftp://example.com", headers: {Host: marker-1}}}',
        'connections: {a: {kind: nope, url: "nope://u:marker-1@h", password: marker-2}}',
        'connections: {a: {kind: sql, url: "sqlite:///x.db", password: [marker-1]}}',
        "connections: {a: {kind: sftp, host: h, username: u, port: x, password: marker-1, private_key: marker-2}}",
        'connections: {a: {kind: sftp, url: "sftp://u:marker-1@h:99999/", private_key: [marker-2]}}',
        'channels: {a: {kind: slack, webhook_url: "https://example.com/marker-1", channel: 1}}',
        'channels: {a: {kind: webhook, url: "https://example.com", headers: {X-A: "marker-1\\n"}, method: marker}}',
        'channels: {a: {kind: webhook, url: "https://example.com", signing_secret: whsec_marker}}',
    ],
)
def test_a_refusal_holds_no_secret(write, entry):
    assert "marker-" not in refused(write(entry))


@pytest.mark.parametrize("page", ["reference/files.md", "how-to/keep-schedules-in-files.md"])
def test_what_the_documentation_shows_is_taken_over(write, settings, page):
    shown = re.findall(r"```yaml\n(.*?)```", (settings.BASE_DIR / "docs" / page).read_text(), re.DOTALL)
    assert shown
    for text in shown:
        assert "created" in sync(write(text))
