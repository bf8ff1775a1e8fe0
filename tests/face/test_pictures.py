"""Every page in a real browser: no error on the console, nothing wider than the screen, light enough to carry."""

import gzip
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, Response

from jobruns.models import SchedulerProcess

pytestmark = pytest.mark.django_db(transaction=True)
KILOBYTES = 100
TEXT = ("text/css", "text/javascript", "application/javascript", "image/svg+xml")
PICTURES = os.environ.get("CARILLON_PICTURES", "")


@pytest.fixture(params=[(1440, "light"), (390, "dark")], ids=["desk-light", "phone-dark"])
def screen(request: Any, browser: Browser, live_server: Any, pages: Client) -> Any:
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        timezone_id="Europe/Berlin",
        base_url=live_server.url,
    )
    context.add_cookies([{"name": "sessionid", "value": pages.cookies["sessionid"].value, "url": live_server.url}])
    yield context.new_page()
    context.close()


def addresses(world: SimpleNamespace) -> dict[str, str]:
    return {
        "today": "/",
        "week": "/?span=week",
        "schedules": "/schedules",
        "schedule": f"/schedules/{world.failing.pk}",
        "future": f"/schedules/{world.calm.pk}?tab=future",
        "definition": f"/schedules/{world.failing.pk}?tab=definition",
        "pause": f"/schedules/{world.calm.pk}/pause",
        "runs": "/runs?span=week",
        "failed": f"/runs/{world.failed.pk}",
        "alert": f"/runs/{world.alert.pk}",
        "alerts": "/alerts",
        "incidents": "/alerts/incidents",
        "again": f"/runs/{world.failed.pk}/again/changed",
        "answer": f"/runs/{world.answer.pk}",
        "running": f"/runs/{world.running.pk}",
        "deliveries": "/deliveries",
        "delivery": f"/deliveries/{world.delivery.pk}",
        "templates": "/templates",
        "template": f"/templates/{world.template.pk}",
        "template-instances": f"/templates/{world.template.pk}/instances",
        "template-editor": f"/admin/schedules/template/{world.template.pk}/change/",
        "version": f"/schedules/{world.calm.pk}/versions/1",
        "changes": "/changes",
        "changes-none": "/changes?q=nobody",
        "workshop-trail": "/admin/integrations/auditentry/",
        "workshop": "/admin/",
        "workshop-list": "/admin/schedules/schedule/",
        "nothing": "/nothing-here",
    }


def look(screen: Page, name: str, address: str) -> SimpleNamespace:
    """Open `address`; return what the console said, the width, scripts and kilobytes on the wire."""
    said: list[str] = []
    answers: list[Response] = []
    page = screen.context.new_page()
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("response", lambda answer: answers.append(answer))
    page.goto(address, wait_until="load")
    page.evaluate("document.fonts.ready")
    width = page.viewport_size["width"] if page.viewport_size else 0
    seen = SimpleNamespace(
        said=[one for one in said if "404" not in one or address != "/nothing-here"],
        wider=page.evaluate("document.documentElement.scrollWidth") - width,
        scripts=page.locator("script[src]").count(),
        inline=page.locator("script:not([src]), style, [style], [onclick]").count(),
        weight=sum(weight(one) for one in answers) / 1024,
        elsewhere=[one.url for one in answers if not one.url.startswith(page.evaluate("location.origin"))],
    )
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{PICTURES}/{name}-{width}.png", full_page=True)
    page.close()
    return seen


def weight(answer: Response) -> int:
    """Return the bytes of an answer, compressed where the server compresses."""
    body = answer.body()
    compressed = any(answer.headers.get("content-type", "").startswith(kind) for kind in (*TEXT, "text/html"))
    return len(gzip.compress(body)) if compressed else len(body)


def test_every_page_is_clean_narrow_and_light(screen: Page, world: SimpleNamespace) -> None:
    for name, address in addresses(world).items():
        seen = look(screen, name, address)
        assert seen.said == [], name
        assert seen.wider <= 0, name
        assert seen.elsewhere == [], name
        assert seen.inline == 0, name
        assert seen.scripts <= 3, name
        assert seen.weight <= KILOBYTES, name


def test_the_first_page_of_an_empty_installation_says_how_to_begin(screen: Page) -> None:
    assert look(screen, "welcome", "/").said == []
    screen.goto("/")
    assert screen.get_by_role("heading", name="Nothing is scheduled yet").is_visible()
    assert screen.get_by_text("No scheduler is running").is_visible()


def test_the_sign_in_page_is_clean(browser: Browser, live_server: Any) -> None:
    context = browser.new_context(base_url=live_server.url, viewport={"width": 390, "height": 800})
    seen = look(context.new_page(), "sign-in", "/login")
    context.close()
    assert (seen.said, seen.wider) == ([], 0)


def test_a_slash_goes_to_the_search(screen: Page, world: SimpleNamespace) -> None:
    screen.goto("/runs")
    screen.keyboard.press("/")
    screen.keyboard.type("late")
    assert screen.locator("input[type=search]").input_value() == "late"


def test_ticked_schedules_are_counted_before_they_are_paused(
    browser: Browser, live_server: Any, pages: Client, world: SimpleNamespace
) -> None:
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": pages.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto("/schedules")
    assert not page.locator("[data-bulk]").is_visible()
    page.get_by_label("Select calm_import").check()
    page.get_by_label("Select late_check").check()
    assert page.locator("[data-picked]").inner_text() == "2"
    page.locator("[data-bulk]").get_by_role("button", name="Pause…").click()
    assert page.get_by_role("heading", name="Pause 2 schedules?").is_visible()
    page.get_by_role("button", name="Pause: 2").click()
    world.calm.refresh_from_db()
    assert world.calm.status == "paused"
    context.close()


def test_a_template_shows_when_it_fires_while_it_is_filled_in(screen: Page, world: SimpleNamespace) -> None:
    screen.goto(f"/templates/{world.template.pk}")
    assert screen.get_by_text("Fill in word to see when it fires.").is_visible()
    screen.get_by_label("Word").fill("hello")
    screen.get_by_label("Minute").fill("40")
    screen.get_by_text("Every day at 06:40").wait_for(timeout=8000)


def test_the_log_follows_while_the_run_goes_on(
    browser: Browser, live_server: Any, pages: Client, world: SimpleNamespace
) -> None:
    context = browser.new_context(base_url=live_server.url)
    context.add_cookies([{"name": "sessionid", "value": pages.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"/runs/{world.running.pk}")
    world.running.log_lines.create(number=1, at=timezone.now(), text="the first word")
    page.get_by_text("the first word").wait_for(timeout=8000)
    world.running.log_lines.create(number=2, at=timezone.now(), text="the second word")
    page.get_by_text("the second word").wait_for(timeout=8000)
    assert page.get_by_text("the first word").count() == 1
    context.close()


def test_the_banner_leaves_when_a_scheduler_reports(screen: Page, world: SimpleNamespace) -> None:
    SchedulerProcess.objects.all().delete()
    screen.goto("/runs")
    assert screen.get_by_text("No scheduler is running").is_visible()
    SchedulerProcess.objects.create(name="new", host="here", pid=2, version="0", slots=4)
    screen.reload()
    assert screen.get_by_text("No scheduler is running").count() == 0
