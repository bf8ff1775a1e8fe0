"""The workshop in a real browser, under the policy that allows no inline script or style."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from integrations.models import Connection
from jobruns.models import SchedulerProcess
from schedules.models import Schedule

pytestmark = pytest.mark.django_db(transaction=True)
SCHEDULES = "/admin/schedules/schedule/"


@pytest.fixture
def opened(browser, live_server):
    """Return a function that opens a page as a superuser; whatever the console complains of fails the test."""
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    complaints, contexts = [], []

    def open_page(address, *, width=1440, scheme="light", script=True):
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=script,
            timezone_id="Asia/Tokyo",
        )
        contexts.append(context)
        context.add_cookies(
            [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
        )
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def test_the_preview_follows_the_typing(opened):
    page = opened(f"{SCHEDULES}add/?job_type=noop")
    page.select_option("[name=timezone]", "Europe/Riga")
    page.fill("[name=cron_expression]", "*/5 22-4 * * *")
    page.locator("#preview .error").wait_for()
    assert "22-23,0-4" in page.locator("#preview .error").inner_text()
    page.fill("[name=cron_expression]", "30 6 * * *")
    page.locator("#preview .preview-sentence").wait_for()
    assert page.locator("#preview .preview-sentence").inner_text() == "Every day at 06:30"
    assert page.locator("#preview tbody tr").count() == 10
    assert page.locator("#preview thead th").all_inner_texts() == ["Riga", "You", "UTC"]
    assert page.locator("#preview tbody td").first.inner_text() == "06:30"


def test_a_schedule_is_made_without_any_script(opened):
    page = opened(f"{SCHEDULES}add/", script=False)
    page.click("text=No operation")
    page.fill("[name=name]", "by hand")
    page.check("[name=schedule_type][value=interval]")
    assert not page.is_visible("[name=cron_expression]")
    page.fill("[name=interval_seconds]", "600")
    page.click("[name=_save]")
    made = Schedule.objects.get()
    assert (made.name, made.schedule_type, made.interval_seconds) == ("by hand", "interval", 600)
    page.click("text=by hand")
    page.click("text=Pause…")
    page.fill("[name=reason]", "to try it")
    page.click("[name=confirmed]")
    assert "Paused by hand" in page.locator(".messages").inner_text()
    assert Schedule.objects.get().status_reason == "to try it"


def test_a_run_is_asked_for_with_one_click(opened, make_schedule):
    schedule = make_schedule()
    page = opened(f"{SCHEDULES}{schedule.pk}/change/")
    page.click("text=Run now")
    page.locator(".messages").wait_for()
    assert schedule.runs.count() == 1


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_every_page_keeps_to_the_policy_and_to_the_screen(opened, make_schedule, width, scheme):
    now = timezone.now()
    schedule = make_schedule(
        name="a-long-name-without-any-blank-" * 4, timezone="Europe/Riga", params={"message": "x"}
    )
    run = schedule.runs.request(by="tester")
    shop = Connection(name="shop", kind="sql", address="sqlite:///shop.sqlite3")
    shop.store(by="tester")
    process = SchedulerProcess.objects.create(
        name="one", host="here", pid=1, version="0", slots=4, heartbeat_at=now - timedelta(seconds=1)
    )
    page = opened("/admin/", width=width, scheme=scheme)
    for address in (
        SCHEDULES,
        f"{SCHEDULES}add/",
        *(f"{SCHEDULES}add/?job_type={kind}" for kind in ("noop", "http_request", "sql_alert", "management_command")),
        f"{SCHEDULES}{schedule.pk}/change/",
        f"{SCHEDULES}{schedule.pk}/act/pause/",
        f"{SCHEDULES}{schedule.pk}/history/",
        "/admin/jobruns/jobrun/",
        f"/admin/jobruns/jobrun/{run.pk}/change/",
        f"/admin/jobruns/schedulerprocess/{process.pk}/change/",
        "/admin/integrations/connection/add/",
        "/admin/integrations/connection/add/?kind=http",
        f"/admin/integrations/connection/{shop.pk}/change/",
        "/admin/integrations/apitoken/add/",
        "/admin/auth/user/",
        "/admin/django_apscheduler/djangojob/",
    ):
        answer = page.goto(address)
        assert answer.status == 200, address
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_a_calendar_says_what_it_closes_as_it_is_typed(opened, make_calendar, width, scheme):
    calendar = make_calendar("Office", weekdays=["mon", "tue", "wed", "thu", "fri"])
    page = opened(f"/admin/schedules/calendar/{calendar.pk}/change/", width=width, scheme=scheme)
    ahead = (timezone.now() + timedelta(days=30)).date()
    page.fill("[name=closed_dates]", f"{ahead} Stocktaking")
    page.locator("#preview", has_text="Stocktaking").wait_for()
    page.fill("[name=windows]", "sometimes")
    page.locator("#preview .error", has_text="Line 1").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == width
