"""Import now and the dry run, from a project's page, into a real PostgreSQL."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from jobruns.models import JobRun
from jobtypes.models import ImportFileResult
from schedules.models import Schedule
from tests.face.importing import a_project
from tests.jobtypes.csv_import import worlds

CUSTOMERS = "id,name\n1,Anna\n2,<b>Bert</b>\n3\n"


@pytest.fixture(scope="module")
def imports_database() -> Any:
    running = worlds.database()
    yield next(running)
    next(running, None)


@pytest.fixture
def world(imports_database: str, tmp_path: Path, settings: Any, db: None) -> worlds.World:
    settings.LOCAL_FILES_ROOT = tmp_path
    return worlds.World(tmp_path, imports_database)


def test_a_dry_run_shows_what_would_change_and_changes_nothing(pages: Client, world: worlds.World) -> None:
    project = world.project()
    world.write("customers.csv", CUSTOMERS)
    page = pages.post(f"/imports/{project.pk}/dry-run").content.decode()
    for text in ("Would fail", "1 of 2 cells", "line 4", "rolled back"):
        assert text in page
    project.config = {**project.config, "reject_limit": 1}
    project.store(by="test")
    page = pages.post(f"/imports/{project.pk}/dry-run").content.decode()
    for text in ("<b>1 of 1</b> files would be loaded: <b>2</b> rows new", "&lt;b&gt;Bert&lt;/b&gt;", "new <b>2</b>"):
        assert text in page
    assert world.ask("SELECT to_regclass('customers')") == [(None,)]
    assert not ImportFileResult.objects.exists()


def test_a_dry_run_without_files_says_so(pages: Client, world: worlds.World) -> None:
    project = world.project()
    for found in (world.root / "in").iterdir():
        found.unlink()
    assert "No file was looked at." in pages.post(f"/imports/{project.pk}/dry-run").content.decode()


def test_import_now_asks_for_a_run_and_shows_it(pages: Client) -> None:
    project = a_project()
    answer = pages.post(f"/imports/{project.pk}/import")
    run = JobRun.objects.get()
    assert answer["Location"] == f"/runs/{run.pk}"
    assert (run.job_type, run.params["project"], run.triggered_by) == ("csv_import", "harbour-erp", "operator")


def test_a_name_that_is_taken_is_told_and_nothing_is_asked(pages: Client) -> None:
    project = a_project()
    Schedule(name="harbour-erp by hand", job_type="noop", schedule_type="manual").store(by="test")
    page = pages.post(f"/imports/{project.pk}/import", follow=True).content.decode()
    assert "Rename it." in page
    assert not JobRun.objects.exists()


def test_who_may_only_look_sees_no_buttons(client: Client, viewer: Any) -> None:
    project = a_project()
    viewer.user_permissions.add(Permission.objects.get(codename="view_importproject"))
    client.force_login(viewer)
    page = client.get(f"/imports/{project.pk}").content.decode()
    assert f"/imports/{project.pk}/import" not in page
    assert client.post(f"/imports/{project.pk}/import").status_code == 403
    assert client.post(f"/imports/{project.pk}/dry-run").status_code == 403
