"""`importcrontab` makes schedules of what it understands, and says of each line what became of it."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from schedules.models import Schedule

pytestmark = pytest.mark.django_db
URL = "https://books.example.com/close"


@pytest.fixture
def crontab(tmp_path):
    """Return a function that writes a crontab and imports it: what was printed, and the sentence of a failure."""

    def write(text, *options):
        path = tmp_path / "crontab"
        path.write_text(text)
        out = StringIO()
        try:
            call_command("importcrontab", str(path), *options, stdout=out)
        except CommandError as failed:
            return out.getvalue(), str(failed)
        return out.getvalue(), ""

    return write


@pytest.fixture
def report(crontab):
    """Return a function that imports a crontab and gives the report by line."""
    return lambda text, *options: {one["line"]: one for one in json.loads(crontab(text, "--json", *options)[0])}


def test_a_line_becomes_a_schedule(crontab, settings):
    settings.MANAGEMENT_COMMAND_ALLOWLIST = {"clearsessions": {}}
    text = f"CRON_TZ=Europe/Riga\n# Close the books.\n15 2 * * 1-5 curl -fsS -m 30 {URL}\n"
    text += "\n@daily ./manage.py clearsessions\n"
    out, failed = crontab(text)
    assert failed == ""
    assert "2 made." in out.replace("2 Made", "2 made")
    books, sessions = Schedule.objects.order_by("name")
    assert (books.name, books.job_type, books.cron_expression, books.timezone) == (
        "Close the books",
        "http_request",
        "15 2 * * 1-5",
        "Europe/Riga",
    )
    assert (books.params, books.timeout_seconds, books.max_retries) == ({"url": URL, "method": "GET"}, 30, 0)
    assert (books.status, books.tags, books.created_by) == ("active", ["crontab"], "command line")
    assert "From line 3 of " in books.description
    assert (sessions.name, sessions.params) == ("clearsessions", {"command": "clearsessions", "options": {}})


def test_each_line_stands_by_itself_and_the_exit_code_tells(crontab, report):
    text = f"61 * * * * curl {URL}\n0 0 * * * curl -f {URL}\n@reboot a\n"
    text += "0 0 * * * a | b\n0 0 * * * manage.py flush\nnonsense\n"
    found = report(text)
    assert {line: one["result"] for line, one in found.items()} == {
        1: "refused",
        2: "made",
        3: "refused",
        4: "refused",
        5: "refused",
        6: "refused",
    }
    assert "61 is above 59" in found[1]["error"]
    assert "not in MANAGEMENT_COMMAND_ALLOWLIST" in found[5]["error"]
    assert crontab(text)[1] == "Refused: 5 of 6 lines. All others are in place."
    assert Schedule.objects.count() == 1


def test_a_second_import_changes_nothing_and_a_changed_line_its_schedule(report):
    assert report(f"# Books\n0 1 * * * curl -f {URL}")[2]["result"] == "made"
    version = Schedule.objects.get().version
    assert report(f"# Books\n0 1 * * * curl -f {URL}")[2]["result"] == "unchanged"
    assert Schedule.objects.get().version == version
    assert report(f"# Books\n0 3 * * * curl -f {URL}")[2]["result"] == "changed"
    assert Schedule.objects.get().cron_expression == "0 3 * * *"


def test_a_schedule_from_elsewhere_is_left_alone(report, make_schedule):
    before = make_schedule(name="Books")
    found = report(f"# Books\n0 1 * * * curl -f {URL}")[2]
    assert (found["result"], "did not come from a crontab" in found["error"]) == ("refused", True)
    before.refresh_from_db()
    assert (before.job_type, before.version) == ("noop", 1)


def test_names_are_unique_and_a_heading_is_no_name(report):
    text = f"# Books\n0 1 * * * curl -f {URL}\n0 2 * * * curl -f {URL}\n\n# Own\n0 3 * * * curl -f {URL}\n"
    assert [one["name"] for one in report(text).values()] == [
        "books.example.com/close",
        "books.example.com/close 2",
        "Own",
    ]


def test_a_dry_run_says_the_same_and_stores_nothing(crontab, report):
    found = report(f"0 1 * * * curl -f {URL}", "--dry-run")
    assert (found[1]["result"], found[1]["schedule_id"]) == ("made", None)
    assert "Nothing was stored." in crontab(f"0 1 * * * curl -f {URL}", "--dry-run")[0]
    assert not Schedule.objects.exists()


def test_the_timing_of_what_nothing_here_does_can_move_first(report):
    text = "0 1 * * * /usr/local/bin/backup.sh --password=hunter2 | logger"
    assert report(text)[1]["result"] == "refused"
    assert report(text, "--as-noop")[1]["result"] == "made"
    schedule = Schedule.objects.get()
    assert (schedule.name, schedule.job_type, schedule.status) == ("backup.sh", "noop", "paused")
    assert "backup.sh --password=*** | logger" in schedule.description
    assert report(text.replace("0 1", "0 2"), "--as-noop")[1]["result"] == "changed"
    schedule.refresh_from_db()
    assert (schedule.cron_expression, schedule.status) == ("0 2 * * *", "paused")


def test_all_may_be_made_paused(report):
    report(f"0 1 * * * curl -f {URL}", "--paused")
    assert Schedule.objects.get().status == "paused"


def test_a_column_of_users_is_read_and_told(report):
    report(f"0 1 * * * www-data curl -f {URL}", "--user-column", "--environment", "test", "--timezone", "Asia/Tokyo")
    schedule = Schedule.objects.get()
    assert "where www-data ran it" in schedule.description
    assert (schedule.environment, schedule.timezone) == ("test", "Asia/Tokyo")


def test_an_address_that_may_not_be_called_is_refused(report):
    found = report("0 1 * * * curl -f http://169.254.169.254/latest\n0 1 * * * curl -f file:///etc/passwd")
    assert [one["result"] for one in found.values()] == ["refused", "refused"]


def test_what_was_left_out_is_said_below_the_table(crontab):
    out, _ = crontab(f"MAILTO=ops@example.com\n0 1 * * * curl {URL} >> /var/log/books.log")
    assert "Line 1: MAILTO is not taken over" in out
    assert "Line 2: What it says is kept with each run, not in /var/log/books.log." in out
    assert "Line 2: Without -f every answer counted as done" in out


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (b"\xff\xfe", [], "cannot be read"),
        (b"#" * 1_048_577, [], "larger than"),
        (b"", ["--timezone", "Mars/Base"], "no time zone"),
    ],
)
def test_wrong_files_and_arguments_are_refused(tmp_path, content, options, said):
    path = tmp_path / "crontab"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=said) as refused:
        call_command("importcrontab", str(path), *options)
    assert refused.value.returncode == 2
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("importcrontab", str(tmp_path / "nowhere"))


def test_an_empty_crontab_is_no_failure(crontab):
    assert crontab("# nothing\n\n")[0].strip() == "No line names a job."
