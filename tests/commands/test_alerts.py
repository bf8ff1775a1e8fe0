import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from integrations.models import Connection, Delivery
from jobruns.models import JobRun
from jobtypes.models import AlertIncident, AlertState
from schedules.files.models import RefusedFile
from tests.jobtypes.databases import sqlite_in
from tests.jobtypes.watching import Alert

pytestmark = pytest.mark.django_db


@pytest.fixture
def alert():
    return Alert()


def test_silencing_says_until_when(alert, capsys):
    call_command("silencealert", "stuck orders", "--for", "2h", "--reason", "Migration")
    assert capsys.readouterr().out.startswith("Silenced stuck orders until 2")
    assert alert.state.silence_reason == "Migration"
    call_command("unsilencealert", str(alert.schedule.pk))
    assert alert.state.silenced_until is None


@pytest.mark.parametrize("span", ["soon", "0", "31d"])
def test_a_span_that_cannot_be_ends_with_2(alert, span):
    with pytest.raises(CommandError) as refused:
        call_command("silencealert", "stuck orders", "--for", span)
    assert refused.value.returncode == 2


def test_an_unknown_alert_ends_with_2():
    with pytest.raises(CommandError, match="no alert 'x'") as refused:
        call_command("unsilencealert", "x")
    assert refused.value.returncode == 2


def test_the_status_is_a_table_or_json(alert, capsys):
    call_command("alertstatus")
    assert "stuck orders" in capsys.readouterr().out
    alert.say("ALERT", value=37)
    call_command("alertstatus", "--json")
    [shown] = json.loads(capsys.readouterr().out)
    assert (shown["state"], shown["actual_value"]) == ("alert", 37)


def test_check_ends_with_1_unless_all_are_ok(alert, capsys):
    alert.say("OK")
    call_command("alertstatus", "--check")
    alert.say("ALERT", minute=1)
    with pytest.raises(CommandError, match="Not OK: stuck orders") as wrong:
        call_command("alertstatus", "--check")
    assert wrong.value.returncode == 1


def test_without_alerts_it_says_so(capsys):
    call_command("alertstatus")
    assert "There are no alerts" in capsys.readouterr().out


@pytest.fixture
def a_query(settings, tmp_path):
    settings.LOCAL_FILES_ROOT = tmp_path
    Connection(name="shop", kind="sql", address=next(sqlite_in(tmp_path)).url).store(by="test")
    return lambda query: Alert(query=query)


def rows():
    return [model.objects.count() for model in (JobRun, Delivery, AlertIncident, AlertState)]


def test_a_dry_run_says_what_would_be_told_and_writes_nothing(a_query, capsys):
    a_query("SELECT 'ALERT' AS status, 37 AS actual_value, 20 AS threshold")
    before = rows()
    call_command("runschedule", "stuck orders", "--dry-run", "--json")
    tried = json.loads(capsys.readouterr().out)["tried"]
    assert (tried["status"], tried["event"], tried["notify"]) == ("ALERT", "alert", ["ops"])
    assert tried["message"]["facts"]["Actual value"] == "37"
    assert rows() == before
    assert AlertState.objects.get().standing == "new"


def test_a_dry_run_without_an_answer_ends_with_1(a_query, capsys):
    a_query("SELECT 1 AS one")
    with pytest.raises(CommandError, match="It would fail") as failed:
        call_command("runschedule", "stuck orders", "--dry-run")
    assert failed.value.returncode == 1
    assert "status: ERROR" in capsys.readouterr().out


def test_a_watched_file_that_is_refused_is_told(alert, capsys):
    RefusedFile.objects.refuse("alerts.yaml", [], timezone.now())
    call_command("alertstatus", "--json")
    answer = capsys.readouterr()
    assert json.loads(answer.out)
    assert "alerts.yaml is refused; what it said before stays in force." in answer.err
