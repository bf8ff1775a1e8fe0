"""The pages of templates: fill one in, look when it fires, bring what came from it up to date."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from integrations.access import limit
from schedules.models import Origin, Schedule, Template
from schedules.patterns import instances
from tests.face.test_pages import permit, text_of

BOOKS = {
    "job_type": "http_request",
    "params": {"url": "https://books.example.com/{{ shop }}", "json": {"keep": "{{ days }}"}},
    "cron_expression": "15 {{ hour }} * * *",
    "timezone": "Europe/Riga",
}
ASKS = [
    {"name": "shop", "required": True, "pattern": "[a-z]+", "description": "As in <the> address."},
    {"name": "hour", "type": "integer", "default": 2, "min": 0, "max": 23},
    {"name": "days", "type": "number", "default": 90},
    {"name": "loud", "type": "boolean", "default": False},
    {"name": "line", "type": "choice", "choices": ["fast", "slow"]},
]
TYPED = {"name": "close riga", "parameters.shop": "riga", "parameters.hour": "3", "parameters.days": "30"}


@pytest.fixture
def template(db: None) -> Template:
    made = Template(name="close the books", definition=BOOKS, parameters=ASKS)
    made.store(by="somebody")
    return made


def change(template: Template, **fields: Any) -> None:
    template.definition = {**template.definition, **fields}
    template.store(by="somebody")


def test_without_a_template_the_page_says_so(pages: Client) -> None:
    assert "There is no template yet." in text_of(pages.get("/templates"))


def test_the_form_has_a_field_for_each_parameter_and_shows_the_next_times(pages: Client, template: Template) -> None:
    assert f'href="/templates/{template.pk}"' in text_of(pages.get("/templates"))
    text = text_of(pages.get(f"/templates/{template.pk}"))
    for name in ("shop", "hour", "days", "loud", "line"):
        assert f'name="parameters.{name}"' in text
    assert "As in &lt;the&gt; address." in text
    assert "Fill in shop to see when it fires." in text
    shown = text_of(pages.post(f"/templates/{template.pk}/preview", TYPED))
    assert "03:15" in shown
    assert "Next 10" in shown


def test_what_was_filled_in_becomes_a_schedule(pages: Client, template: Template) -> None:
    answer = pages.post(f"/templates/{template.pk}", TYPED, follow=True)
    made = Schedule.objects.get()
    assert answer.redirect_chain == [(f"/schedules/{made.pk}", 302)]
    assert "close riga is scheduled." in text_of(answer)
    assert (made.cron_expression, made.params["json"]) == ("15 3 * * *", {"keep": 30})
    assert (made.created_by, made.origin.template) == ("operator", template)
    text = text_of(pages.get(f"/schedules/{made.pk}?tab=definition"))
    assert "close the books, version 1" in text


def test_whose_clock_shows_the_page_is_no_edit_by_hand(pages: Client, template: Template) -> None:
    change(template, start_at="2026-01-01T06:00:00Z")
    pages.cookies["zone"] = "Asia/Tokyo"
    pages.post(f"/templates/{template.pk}", TYPED)
    pages.cookies["zone"] = "America/Lima"
    assert "anchor_at" not in text_of(pages.get(f"/templates/{template.pk}/instances"))
    made = Schedule.objects.get()
    assert (instances.edited(made), instances.state(made)["start_at"]) == ([], "2026-01-01T06:00:00Z")


def test_what_does_not_fit_is_said_beside_its_field(pages: Client, template: Template) -> None:
    text = text_of(pages.post(f"/templates/{template.pk}", {**TYPED, "parameters.shop": "RIGA"}))
    assert "It does not fit the pattern [a-z]+" in text
    change(template, channels=["nowhere"])
    text = text_of(pages.post(f"/templates/{template.pk}", TYPED))
    assert "channels: There is no channel" in text
    assert not Schedule.objects.exists()


def test_a_taken_name_is_said(pages: Client, template: Template) -> None:
    pages.post(f"/templates/{template.pk}", TYPED)
    text = text_of(pages.post(f"/templates/{template.pk}", TYPED))
    assert "has this name" in text
    assert Schedule.objects.count() == 1


def test_the_newest_version_is_shown_first_and_taken_over_when_confirmed(pages: Client, template: Template) -> None:
    pages.post(f"/templates/{template.pk}", TYPED)
    made = Schedule.objects.get()
    made.priority = 9
    made.store(by="somebody")
    change(template, cron_expression="45 {{ hour }} * * *", priority=2)
    address = f"/templates/{template.pk}/instances"
    assert "Show what the newest version changes" in text_of(pages.get(address))
    text = text_of(pages.post(address, {"id": made.pk}))
    assert "<del>15 3 * * *</del>" in text
    assert "9; the template says 2" in text
    assert "Saving this removes 30 and adds 30 fire times" in text
    made.refresh_from_db()
    assert made.cron_expression == "15 3 * * *"
    text = text_of(pages.post(address, {"id": made.pk, "sure": "1"}, follow=True))
    assert "1 schedule is at version 2 now." in text
    made.refresh_from_db()
    assert (made.cron_expression, made.priority) == ("45 3 * * *", 9)


def test_a_new_required_parameter_is_asked_for(pages: Client, template: Template) -> None:
    pages.post(f"/templates/{template.pk}", TYPED)
    made = Schedule.objects.get()
    template.parameters = [*template.parameters, {"name": "town", "required": True}]
    change(template, description="of {{ town }}")
    address = f"/templates/{template.pk}/instances"
    assert 'name="parameters.town"' in text_of(pages.post(address, {"id": made.pk}))
    assert "This field is required." in text_of(pages.post(address, {"id": made.pk, "sure": "1"}))
    pages.post(address, {"id": made.pk, "sure": "1", "parameters.town": "Riga"})
    made.refresh_from_db()
    assert made.description == "of Riga"


def test_many_instances_come_in_pages_the_oldest_versions_first(pages: Client, template: Template) -> None:
    for number in range(52):
        made = Schedule(name=f"s{number:02}", job_type="noop", schedule_type="manual")
        made.store(by="somebody")
        Origin.objects.create(schedule=made, template=template, version=1 + (number < 51), made=instances.state(made))
    first = text_of(pages.get(f"/templates/{template.pk}/instances"))
    assert "1 to 50 of 52, the oldest versions first" in first
    assert first.index(">s51<") < first.index(">s00<")
    second = text_of(pages.get(f"/templates/{template.pk}/instances?page=2"))
    assert ">s50<" in second
    assert ">s00<" not in second


def test_each_page_needs_its_right(client: Client, viewer: User, template: Template) -> None:
    client.force_login(viewer)
    permit(viewer, "view_template", "view_schedule")
    assert client.get("/templates").status_code == 200
    assert client.get(f"/templates/{template.pk}").status_code == 403
    assert client.post(f"/templates/{template.pk}/preview").status_code == 403
    assert client.get(f"/templates/{template.pk}/instances").status_code == 200
    assert client.post(f"/templates/{template.pk}/instances", {"id": 1, "sure": "1"}).status_code == 403


def test_a_template_of_another_environment_does_not_exist(client: Client, viewer: User, template: Template) -> None:
    template.environment = "staging"
    template.store(by="somebody")
    permit(viewer, "view_template", "view_schedule", "add_schedule")
    limit(viewer, ["production"])
    client.force_login(viewer)
    assert template.name not in text_of(client.get("/templates"))
    assert client.get(f"/templates/{template.pk}").status_code == 404
    assert client.get(f"/templates/{template.pk}/instances").status_code == 404
