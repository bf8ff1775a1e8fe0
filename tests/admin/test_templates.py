"""Templates in the workshop: real fields, a row for each parameter, versions and what came from it."""

import pytest

from schedules.models import Template
from tests.admin.conftest import errors, filled

pytestmark = pytest.mark.django_db
ADD = "/admin/schedules/template/add/"
ROWS = {"parameters-TOTAL_FORMS": "4", "parameters-INITIAL_FORMS": "0"}
BOOKS = {
    "name": "books",
    "job_type": "http_request",
    "params": '{"url": "https://books.example.com/{{ shop }}", "json": {"keep": "{{ days }}"}}',
    "schedule_type": "cron",
    "cron_expression": "15 2 * * *",
    "timezone": "Europe/Riga",
    "tags": "books, {{ shop }}",
    "rest": '{"priority": 7}',
    "parameters-0-name": "shop",
    "parameters-0-type": "string",
    "parameters-0-required": "on",
    "parameters-0-pattern": "[a-z]+",
    "parameters-1-name": "days",
    "parameters-1-type": "integer",
    "parameters-1-default": "90",
    "parameters-1-min": "1",
    "parameters-2-name": "line",
    "parameters-2-type": "choice",
    "parameters-2-choices": "fast, slow",
    "parameters-3-type": "string",
}


@pytest.fixture
def template(boss):
    assert boss.post(ADD, {**ROWS, **BOOKS}).status_code == 302
    return Template.objects.get()


def page_of(template):
    return f"/admin/schedules/template/{template.pk}/change/"


def test_what_was_typed_is_a_template(template):
    assert template.definition == {
        "job_type": "http_request",
        "params": {"url": "https://books.example.com/{{ shop }}", "json": {"keep": "{{ days }}"}},
        "schedule_type": "cron",
        "cron_expression": "15 2 * * *",
        "timezone": "Europe/Riga",
        "tags": ["books", "{{ shop }}"],
        "priority": 7,
    }
    assert template.parameters == [
        {"name": "shop", "required": True, "pattern": "[a-z]+"},
        {"name": "days", "type": "integer", "default": 90, "min": 1},
        {"name": "line", "type": "choice", "choices": ["fast", "slow"]},
    ]
    assert (template.created_by, template.version) == ("boss", 1)


def test_saving_it_untouched_changes_nothing_but_the_version(boss, template):
    form = boss.get(page_of(template)).context["adminform"].form
    rows = {name: value for name, value in shown(form.rows).items() if value not in (None, False)}
    sent = {**filled(boss, page_of(template)), **rows, "reason": "a look"}
    assert boss.post(page_of(template), sent).status_code == 302
    after = Template.objects.get()
    assert (after.definition, after.parameters) == (template.definition, template.parameters)
    assert [(one.number, one.reason) for one in after.versions.all()] == [(2, "a look"), (1, "")]


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"cron_expression": "15 {{ hour }} * * *"}, "cron_expression", "There is no parameter 'hour'."),
        ({"rest": '{"colour": 1}'}, "rest", "colour: A template has no such field."),
        ({"rest": '{"tags": []}'}, "rest", "tags has a field of its own above."),
        ({"rest": "[1]"}, "rest", "Write a JSON object"),
        ({"parameters-1-default": "soon"}, "__all__", "Parameter 2: The default does not fit"),
        ({"parameters-0-name": "Shop"}, "__all__", "Parameter 1, name: A name begins with a small letter"),
        ({"parameters-1-min": "x"}, "__all__", "Look at the parameters"),
        ({"name": ""}, "name", "required"),
    ],
)
def test_what_is_wrong_is_said_where_it_was_typed(boss, typed, field, sentence):
    assert sentence in errors(boss.post(ADD, {**ROWS, **BOOKS, **typed}))[field]
    assert not Template.objects.exists()


def test_somebody_elses_change_is_not_overwritten(boss, template):
    sent = {**filled(boss, page_of(template)), **ROWS, **BOOKS}
    template.store(by="somebody")
    assert "is at version 2 now" in errors(boss.post(page_of(template), sent))["__all__"]


def test_the_page_lists_versions_and_a_viewer_may_look_only(boss, template, person_who_may):
    assert b"Schedules made from it" in boss.get(page_of(template)).content
    viewer = person_who_may("schedules.view_template")
    page = viewer.get(page_of(template))
    assert page.status_code == 200
    assert b"_save" not in page.content
    assert viewer.post(page_of(template), {**ROWS, **BOOKS}).status_code == 403
    assert viewer.get("/admin/schedules/template/").status_code == 200


def shown(rows):
    management = {f"parameters-{name}": value for name, value in rows.management_form.initial.items()}
    return {**management, **{field.html_name: field.value() for row in rows for field in row}}
