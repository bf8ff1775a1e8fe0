"""The pages about imports."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from jobtypes.models import ImportProject
from schedules.models import Schedule
from tests.face.importing import CONFIG, a_partial_run, a_project, a_schedule, imported, vessels


@pytest.fixture
def project(db: None) -> ImportProject:
    return a_project()


@pytest.fixture
def schedule(project: ImportProject) -> Schedule:
    return a_schedule(project)


def shown(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_without_projects_the_page_says_what_one_is(pages: Client) -> None:
    page = shown(pages, "/imports")
    assert "There are no import projects yet." in page
    assert "/admin/jobtypes/importproject/add/" in page


def test_projects_whose_last_import_failed_stand_first_with_the_reason(
    pages: Client, project: ImportProject, schedule: Schedule
) -> None:
    calm = a_project("alpha")
    imported(a_schedule(calm, "alpha-nightly"), calm, vessels())
    a_partial_run(schedule, project)
    page = shown(pages, "/imports")
    assert "The last import of <b>1 of 2</b> projects failed." in page
    assert page.index("harbour-erp") < page.index(">alpha<")
    assert "HxCrew.csv: The key column REC_ID is not in the header &lt;b&gt;." in page
    assert "<b>2</b> of 3" in page


def test_a_project_that_was_never_imported_says_so(pages: Client, project: ImportProject) -> None:
    assert "Not imported yet" in shown(pages, "/imports")
    page = shown(pages, f"/imports/{project.pk}")
    assert "Nothing was imported yet." in page
    assert "No schedule imports it." in page


def test_a_project_shows_its_tables_with_counts_and_what_came_new(
    pages: Client, project: ImportProject, schedule: Schedule
) -> None:
    a_partial_run(schedule, project)
    page = shown(pages, f"/imports/{project.pk}")
    assert "<b>2 of 3</b> files" in page
    assert "public.vessels: <b>flag_state</b>" in page
    for text in ("public.berths", "Hx*.csv", "named after the file", "port, berth", "the folder in", "02:30"):
        assert text in page


def test_a_project_shows_the_newest_file_of_each_table(
    pages: Client, project: ImportProject, schedule: Schedule
) -> None:
    imported(schedule, project, vessels(filename="HxVessels_old.csv"))
    imported(schedule, project, vessels(filename="HxVessels_new.csv"))
    page = shown(pages, f"/imports/{project.pk}")
    tables = page[page.index("Tables") : page.index("Which file goes where")]
    assert "HxVessels_new.csv" in tables
    assert "HxVessels_old.csv" not in tables


def test_a_configuration_that_cannot_be_read_any_more_is_told(pages: Client, project: ImportProject) -> None:
    ImportProject.objects.update(config={**CONFIG, "delimeter": ";"})
    assert "delimeter" in shown(pages, f"/imports/{project.pk}")


def test_a_run_shows_each_file_and_why_rows_were_refused(
    pages: Client, project: ImportProject, schedule: Schedule
) -> None:
    page = shown(pages, f"/runs/{a_partial_run(schedule, project).pk}")
    for text in ("berths_north.csv", "Columns added: flag_state", "3 cells, 4 expected", "line 5", "2 refused rows"):
        assert text in page
    assert "The key column REC_ID is not in the header &lt;b&gt;." in page
    for text in ("HxVessels.csv stays.", "public.fleet, public.ports", "public.crews: out of memory"):
        assert text in page


def test_refused_rows_are_downloaded_without_formulas(
    pages: Client, project: ImportProject, schedule: Schedule
) -> None:
    run = a_partial_run(schedule, project)
    answer = pages.get(f"/runs/{run.pk}/rejects")
    lines = b"".join(answer).decode().splitlines()  # type: ignore[arg-type]
    assert answer["Content-Disposition"] == f'attachment; filename="refused-rows-of-run-{run.pk}.csv"'
    assert lines == [
        "file,table,line,column,reason,row",
        'HxVessels.csv,public.vessels,5,,"3 cells, 4 expected",3|Borealis|NO',
        'HxVessels.csv,public.vessels,9,length,not a number,"\'=HYPERLINK(""http://x.example"")"',
    ]


def test_only_who_may_see_projects_sees_one(client: Client, viewer: Any, project: ImportProject) -> None:
    client.force_login(viewer)
    assert client.get(f"/imports/{project.pk}").status_code == 403
    viewer.user_permissions.add(Permission.objects.get(codename="view_importproject"))
    viewer = type(viewer).objects.get(pk=viewer.pk)
    client.force_login(viewer)
    assert client.get(f"/imports/{project.pk}").status_code == 200
    assert client.get("/imports/999999").status_code == 404
