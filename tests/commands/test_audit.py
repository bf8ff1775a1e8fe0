"""What commands change is written down as theirs."""

import getpass
import subprocess
import sys
from io import StringIO

import pytest
from django.contrib.auth.management.commands import changepassword
from django.contrib.auth.models import User
from django.core.management import call_command

from integrations import audit
from integrations.models import AuditEntry
from tests.faults.conftest import ROOT, environment


@pytest.mark.django_db(transaction=True)
def test_a_command_is_the_act_of_who_runs_it(make_schedule):
    make_schedule(name="nightly")
    command = [sys.executable, "manage.py", "pauseschedule", "nightly", "--reason", "The partner moves"]
    subprocess.run(command, cwd=ROOT, env=environment(), check=True, capture_output=True)
    entry = AuditEntry.objects.get(act="pause")
    assert (entry.actor, entry.source, entry.reason) == (getpass.getuser(), "command", "The partner moves")
    checked = subprocess.run(
        [sys.executable, "manage.py", "verifyaudit"], cwd=ROOT, env=environment(), check=True, capture_output=True
    )
    assert b"unbroken: 2 entries" in checked.stdout


@pytest.mark.django_db
def test_users_made_on_the_command_line_are_written_down(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a-long-pass-word")
    with audit.acting("root", source="command"):
        call_command("createsuperuser", "--noinput", username="ada", email="ada@example.com", stdout=StringIO())
        monkeypatch.setattr(changepassword.getpass, "getpass", lambda prompt: "another-pass-word")
        call_command("changepassword", "ada", stdout=StringIO())
    made, changed = AuditEntry.objects.order_by("pk")
    assert (made.actor, made.source, made.act, made.name) == ("root", "command", "create", "ada")
    assert (changed.act, changed.name, changed.after) == ("password", "ada", {"password": "***"})
    assert User.objects.get().check_password("another-pass-word")


@pytest.mark.django_db
def test_a_token_made_on_the_command_line_is_written_down():
    User.objects.create_user("ada")
    out = StringIO()
    with audit.acting("root", source="command"):
        call_command("createtoken", "ada", "--name", "nightly", stdout=out)
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.act, entry.kind, entry.after["user"]) == ("root", "create", "token", "ada")
    assert out.getvalue().split()[-1] not in entry.changes
