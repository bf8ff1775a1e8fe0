"""`syncschedules --watch` goes on until it is stopped, and prints what each change did."""

import signal
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from schedules.models import Schedule
from tests.faults.conftest import environment, wait_until

ENTRY = "  - {{name: {}, job_type: noop, schedule_type: manual}}\n"


@pytest.mark.django_db(transaction=True)
def test_it_takes_changes_over_until_it_is_asked_to_stop(tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text("schedules:\n" + ENTRY.format("a") + ENTRY.format("b"))
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "syncschedules", str(file), "--watch", "--prune"]
    told = tmp_path / "told"
    with told.open("wb") as out:
        process = subprocess.Popen(command, env=environment(), stdout=out, stderr=out, cwd=tmp_path)
    try:
        wait_until(lambda: Schedule.objects.count() == 2, within=20)
        file.write_text("schedules:\n" + ENTRY.format("a"))
        wait_until(lambda: Schedule.objects.get(name="b").status == "deleted", within=5)
        file.write_text("schedules: 3")
        wait_until(lambda: "What was declared before stays in force." in told.read_text(), within=5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait(10)
    assert "2 created, 0 updated, 0 deleted, 0 unchanged." in told.read_text()
    assert "0 created, 0 updated, 1 deleted, 1 unchanged." in told.read_text()
    assert Schedule.objects.get(name="a").status == "active"


def test_watching_is_no_dry_run():
    with pytest.raises(CommandError) as refused:
        call_command("syncschedules", "x.yaml", watch=True, dry_run=True)
    assert refused.value.returncode == 2
