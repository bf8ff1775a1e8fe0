"""The form of an SFTP server in a real browser: a person tries it, sees the host key and confirms it."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from integrations.models import Connection
from tests.face.test_pictures import PICTURES, look, screen  # noqa: F401 - the fixture
from tests.sftp import Place

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place(tmp_path: Path) -> Any:
    with Place(tmp_path / "remote") as server:
        yield server


def test_the_form_is_clean_and_no_wider_than_the_screen(screen: Page) -> None:  # noqa: F811
    seen = look(screen, "sftp-add", "/admin/integrations/connection/add/?kind=sftp")
    assert (seen.said, seen.elsewhere, seen.inline) == ([], [], 0)
    assert seen.wider <= 0


def test_a_host_key_is_seen_and_confirmed(screen: Page, place: Place) -> None:  # noqa: F811
    erp = Connection(name="erp-sftp", kind="sftp", address=place.address.partition("?")[0])
    erp.store(by="somebody")
    page = screen.context.new_page()
    page.goto(f"/admin/integrations/connection/{erp.pk}/change/")
    page.get_by_role("button", name="Test").click()
    page.get_by_text("which nobody has confirmed").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    if PICTURES:
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.screenshot(path=f"{PICTURES}/sftp-tested-{width}.png", full_page=True)
    page.get_by_label("Host key").fill(place.host_key)
    page.get_by_role("button", name="Save and continue").click()
    page.get_by_role("button", name="Test").click()
    page.get_by_text("/ holds 0 files.").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
