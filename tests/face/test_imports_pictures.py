"""The pages about imports in a real browser, wide and light, narrow and dark."""

import pytest
from playwright.sync_api import Page

from tests.face.importing import a_partial_run, a_project, a_schedule, imported, vessels
from tests.face.test_pictures import KILOBYTES, look, screen  # noqa: F401 - the fixture

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def addresses() -> dict[str, str]:
    """Return the pages by name, filled with a project in trouble, a calm one and a new one."""
    project, calm = a_project(), a_project("alpine-huts", description="What the huts report each evening.")
    a_project("never-imported")
    imported(a_schedule(calm, "huts-evening"), calm, vessels(skipped=1))
    run = a_partial_run(a_schedule(project), project)
    return {"imports": "/imports", "import-project": f"/imports/{project.pk}", "import-run": f"/runs/{run.pk}"}


def test_every_page_about_imports_is_clean_narrow_and_light(screen: Page, addresses: dict[str, str]) -> None:  # noqa: F811
    for name, address in addresses.items():
        seen = look(screen, name, address)
        assert seen.said == [], name
        assert seen.wider <= 0, name
        assert seen.elsewhere == [], name
        assert seen.inline == 0, name
        assert seen.weight <= KILOBYTES, name
