"""The pages about imports in a real browser, wide and light, narrow and dark."""

import json

import pytest
from playwright.sync_api import Page

from tests.face.importing import a_partial_run, a_project, a_schedule, imported, vessels
from tests.face.test_pictures import KILOBYTES, PICTURES, look, screen  # noqa: F401 - the fixture

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def addresses() -> dict[str, str]:
    """Return the pages by name, filled with a project in trouble, a calm one and a new one."""
    project, calm = a_project(), a_project("alpine-huts", description="What the huts report each evening.")
    a_project("never-imported")
    imported(a_schedule(calm, "huts-evening"), calm, vessels(skipped=1))
    run = a_partial_run(a_schedule(project), project)
    return {
        "imports": "/imports",
        "import-project": f"/imports/{project.pk}",
        "import-run": f"/runs/{run.pk}",
        "import-try": "/imports/try",
    }


def test_a_tried_file_is_shown_without_widening_the_page(screen: Page, addresses: dict[str, str]) -> None:  # noqa: F811
    page = screen.context.new_page()
    page.goto("/imports/try")
    content = b"id,name,%s\n1,Aurora,82\n2,Borealis\n" % b",".join(b"a rather long column %d" % n for n in range(9))
    wide = {"defaults": {"primary_key": "id", "ragged": "pad"}}
    page.set_input_files("input[type=file]", {"name": "vessels.csv", "mimeType": "text/csv", "buffer": content})
    page.fill("textarea", json.dumps(wide))
    page.click("text=Try it")
    assert page.locator(".parsed tbody tr").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    if PICTURES:
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.screenshot(path=f"{PICTURES}/import-tried-{width}.png", full_page=True)


def test_every_page_about_imports_is_clean_narrow_and_light(screen: Page, addresses: dict[str, str]) -> None:  # noqa: F811
    for name, address in addresses.items():
        seen = look(screen, name, address)
        assert seen.said == [], name
        assert seen.wider <= 0, name
        assert seen.elsewhere == [], name
        assert seen.inline == 0, name
        assert seen.weight <= KILOBYTES, name
