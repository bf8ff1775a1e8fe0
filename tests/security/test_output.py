"""Markup, formulas and terminal codes in names, output and errors: shown as the text that they are."""

import csv
import io
import json
import logging

import pytest
from django.test import Client
from django.utils import timezone

from jobruns.models import JobRun, RunLogLine
from schedules.models import Schedule
from tests.security.logbook import logged

SCRIPT = "<script>window.hacked=1</script>"
IMAGE = "\"><img src=x onerror='window.hacked=1'>"
CODES = [
    "\x1b[31mred",
    "\x07",
    "a\u202eb",
    "a\u2066b",
    "a\u200bb",
    "a\u2028b",
    "a\nb",
    "a\rb",
    "a\x00b",
    "a\x9bb",
    "\ufeffa",
]


def planted():
    """Return a schedule and a run with markup wherever a person, a job or a server may put it."""
    schedule = Schedule(
        name=f"n {IMAGE}", description=SCRIPT, environment=SCRIPT, tags=[SCRIPT, IMAGE], job_type="noop",
        schedule_type="cron",
        cron_expression="0 * * * *", params={"message": SCRIPT + IMAGE}
    )  # fmt: skip
    schedule.store(by=IMAGE)
    now = timezone.now()
    run = JobRun.objects.create(
        schedule=schedule, schedule_name=schedule.name, job_type="http_request",
        environment=SCRIPT, params={IMAGE: SCRIPT},
        scheduled_for=now, queued_at=now, available_at=now, started_at=now, finished_at=now, status="failed",
        reason="error", error=IMAGE, summary=SCRIPT, traceback=SCRIPT + IMAGE,
        result={"body": SCRIPT, IMAGE: IMAGE, "url": "javascript:alert(1)"},
        metrics={IMAGE: 1}, triggered_by=IMAGE, idempotency_key="k", correlation_id=SCRIPT[:64],
    )  # fmt: skip
    RunLogLine.objects.create(run=run, number=1, at=now, level="error", text=SCRIPT + IMAGE)
    Schedule.objects.filter(pk=schedule.pk).update(last_run_id=run.pk, last_status="failed", consecutive_failures=1)
    schedule.pause(by=IMAGE, reason=SCRIPT)
    return schedule, run


@pytest.mark.django_db(transaction=True)
def test_no_page_runs_what_somebody_wrote_and_none_breaks_its_policy(browser, live_server, admin):
    schedule, run = planted()
    session = Client()
    session.force_login(admin.user)
    context = browser.new_context(base_url=live_server.url)
    context.add_cookies([{"name": "sessionid", "value": session.cookies["sessionid"].value, "url": live_server.url}])
    page, told = context.new_page(), []
    page.on("console", lambda message: told.append((message.type, message.text, message.location["url"])))
    page.on("pageerror", lambda error: told.append(("error", str(error), "")))
    page.on("dialog", lambda dialog: (told.append(("error", dialog.message, "")), dialog.dismiss()))
    for path in (
        "/", "/schedules", f"/schedules?q={SCRIPT}", f"/schedules/{schedule.pk}",
        f"/schedules/{schedule.pk}?tab=definition",
        f"/schedules/{schedule.pk}?tab=future", f"/schedules/{schedule.pk}/resume", "/runs", f"/runs/{run.pk}",
        f"/runs?q={IMAGE}",
        f"/runs/{run.pk}/log", "/admin/schedules/schedule/", f"/admin/schedules/schedule/{schedule.pk}/change/",
        "/admin/jobruns/jobrun/", f"/admin/jobruns/jobrun/{run.pk}/change/", "/changes", "/api/v1/docs",
    ):  # fmt: skip
        answer = page.goto(path)
        assert answer.status == 200, path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy, path
        assert "unsafe" not in policy, path
        assert page.evaluate("window.hacked") is None, path
    context.close()
    assert [one for one in told if one[0] == "error" and not one[2].endswith("/favicon.ico")] == []


def test_output_goes_out_as_text_that_no_browser_guesses_at(admin):
    _, run = planted()
    browser = Client()
    browser.force_login(admin.user)
    log = browser.get(f"/runs/{run.pk}/log")
    assert (log["Content-Type"], log["X-Content-Type-Options"]) == ("text/plain; charset=utf-8", "nosniff")
    for path in ("/runs", f"/api/v1/runs/{run.pk}", "/metrics", "/health"):
        assert browser.get(path)["X-Content-Type-Options"] == "nosniff"
    assert browser.get(f"/api/v1/runs/{run.pk}")["Content-Type"] == "application/json"
    assert browser.get("/")["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("formula", ["=cmd|'/c calc'!A1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1"])
def test_an_export_holds_no_formula(admin, formula):
    body = {"name": "s", "job_type": "noop", "schedule_type": "manual"}
    pk = admin.post("schedules", body).json()["id"]
    admin.post(f"schedules/{pk}/pause", {"reason": formula})
    admin.patch(f"schedules/{pk}", {"name": formula.strip()})
    browser = Client()
    browser.force_login(admin.user)
    answer = browser.get("/changes?format=csv&span=all")
    text = b"".join(answer).decode() if answer.streaming else answer.content.decode()
    assert answer["Content-Type"].startswith("text/csv")
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert any(formula.strip() in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.encode("unicode_escape").decode())
def test_no_name_holds_a_control_character(admin, code):
    manual = {"job_type": "noop", "schedule_type": "manual"}
    for path, body in (
        ("schedules", {"name": code, **manual}), ("schedules", {"name": "s", "environment": code, **manual}),
        ("schedules", {"name": "s", "tags": [code], **manual}), ("schedules", {"name": "s", "queue": code, **manual}),
        ("connections", {"name": code, "kind": "http", "address": "https://x.invalid/"}),
        ("channels", {"name": code, "kind": "email", "recipients": ["a@example.test"]}),
        ("calendars", {"name": code}), ("tag-limits", {"tag": code, "max_running": 1}), ("tokens", {"name": code}),
    ):  # fmt: skip
        answer = admin.post(path, body)
        assert answer.status_code == 400, (path, answer.content)


@pytest.fixture
def written(request):
    """Return what is logged meanwhile in the form that the test names."""
    with logged(request.param, "INFO") as lines:
        yield lines


@pytest.mark.parametrize("written", ["json", "text"], indirect=True)
def test_nobody_writes_a_line_of_his_own_into_the_log(db, written):
    stranger = Client()
    forged = "x\n2026-01-01T00:00:00Z [critical ] forged \x1b[2J\r\n"
    stranger.get(f"/nowhere/{forged}")
    stranger.get("/api/v1/schedules", headers={"X-Correlation-ID": forged})
    logging.getLogger("job").warning("it said %s", forged)
    lines = written.getvalue().split("\n")
    assert not [line for line in lines if line.startswith("2026-01-01")]
    assert "\x1b[2J" not in written.getvalue()
    if lines[0].startswith("{"):
        assert all(json.loads(line)["event"] for line in lines if line)
