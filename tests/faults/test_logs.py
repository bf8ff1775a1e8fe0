"""Logs as JSON: one object a line from every process, and one correlation id through all of them."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing, suppress

import pytest
import urllib3
from django.contrib.auth.models import User

from integrations.models import ApiToken
from jobruns.models import JobRun
from tests.faults.conftest import ROOT, environment, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
EVERY = {"timestamp", "level", "event", "logger"}


@pytest.fixture
def web(tmp_path, start_scheduler):
    """A real web server that logs as JSON: its address and the file of its log."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "gunicorn", "scheduler_site.wsgi:application", "--bind", place]
    command += ["--no-control-socket", "--logger-class", "scheduler_site.weblog.WebLogger", "--access-logfile", "-"]
    log = tmp_path / "web.log"
    settings = {**environment(), "LOG_FORMAT": "json", "LOG_LEVEL": "INFO"}
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            command, cwd=ROOT, env=settings, stdout=stderr, stderr=stderr, start_new_session=True
        )
    wait_until(lambda: answers(f"http://{place}/live"), within=30)
    yield f"http://{place}", log
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    process.wait(15)


def answers(address):
    with suppress(urllib3.exceptions.HTTPError):
        return urllib3.request("GET", address, timeout=5, retries=False).status == 200
    return False


def objects(text):
    """Return every line as the JSON object that it is, with the keys that all have."""
    found = [json.loads(line) for line in text.splitlines()]
    assert [one for one in found if not one.keys() >= EVERY] == []
    return found


def test_one_correlation_id_leads_from_a_request_to_what_the_job_logged(make_schedule, start_scheduler, web):
    address, web_log = web
    schedule = make_schedule(job_type="trick", params={"act": "chat"}, schedule_type="manual", interval_seconds=None)
    token = ApiToken.issue(user=User.objects.create_superuser("ada"), name="tests")[1]
    scheduler = start_scheduler("--log-format", "json", "--log-level", "DEBUG")
    scheduler.wait_until_started()
    headers = {"Authorization": f"Bearer {token}", "X-Correlation-ID": "follow-me"}
    answer = urllib3.request("POST", f"{address}/api/v1/schedules/{schedule.pk}/trigger", json={}, headers=headers)
    run_id = answer.json()["run_id"]
    wait_until(lambda: JobRun.objects.filter(pk=run_id, status="success").exists())
    wait_until(lambda: '"run recorded"' in scheduler.text())
    scheduler.stop()
    said = objects(web_log.read_text()) + objects(scheduler.text())
    followed = [one for one in said if one.get("correlation_id") == "follow-me"]
    assert [(one["logger"], one["event"]) for one in followed] == [
        ("schedules.triggering", "run requested"),
        ("gunicorn.access", "request"),
        ("jobruns.engine.dispatch.local", "run claimed"),
        ("jobruns.engine.child", "run started"),
        ("carillon.job", "the job speaks"),
        ("some.library", "a library speaks"),
        ("some.library", "a library speaks in a thread"),
        ("jobruns.engine.child", "run ended"),
        ("jobruns.engine.endings", "run recorded"),
    ]
    assert {one["run_id"] for one in followed if one["event"] != "request"} == {run_id}
    assert {one["schedule_id"] for one in followed if one["event"] != "request"} == {schedule.pk}


def test_a_refused_request_and_a_crash_of_the_process_are_objects_too(web, start_scheduler):
    address, web_log = web
    assert not answers(f"{address}/api/v1/schedules?secret=1")
    broken = {**environment(), "LOG_FORMAT": "json"}
    crash = "import django; django.setup(); raise ZeroDivisionError('by design')"
    ended = subprocess.run([sys.executable, "-c", crash], cwd=ROOT, env=broken, capture_output=True, text=True)
    [last] = objects(ended.stderr)
    assert (last["event"], last["level"]) == ("uncaught exception", "critical")
    assert "ZeroDivisionError: by design" in last["exception"]
    wait_until(lambda: "gunicorn.access" in web_log.read_text())
    refused = [one for one in objects(web_log.read_text()) if one.get("path") == "/api/v1/schedules"]
    assert [(one["logger"], one.get("status", one.get("status_code"))) for one in refused] == [
        ("django.request", 401),
        ("gunicorn.access", 401),
    ]
    assert len({one["correlation_id"] for one in refused}) == 1
    assert "secret" not in json.dumps(refused)


def test_the_level_holds_for_djangos_own_lines_too():
    speak = "import django, logging; django.setup(); logging.getLogger('django.request').{}('it speaks')"
    said = {
        level: subprocess.run(
            [sys.executable, "-c", speak.format(level)],
            cwd=ROOT,
            env={**environment(), "LOG_FORMAT": "json", "LOG_LEVEL": "ERROR"},
            capture_output=True,
            text=True,
        ).stderr
        for level in ("warning", "error")
    }
    assert said["warning"] == ""
    assert "it speaks" in said["error"]
