"""The versions of a schedule on its page: what each changed, and going back, asked once."""

import pytest
from django.contrib.auth.models import Permission

from integrations import audit
from schedules.models import Schedule
from tests.face.conftest import schedule
from tests.face.test_pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def edited():
    one = schedule("nightly")
    one.cron_expression = "30 4 * * *"
    with audit.acting("ada", source="api", reason="The partner moved"):
        one.store(by="ada")
    return one


def test_the_definition_lists_the_versions(pages, edited):
    text = text_of(pages.get(f"/schedules/{edited.pk}?tab=definition"))
    assert f'<a class="name" href="/schedules/{edited.pk}/versions/2">Version 2</a>' in text
    assert "The partner moved" in text
    assert f'href="/changes?span=all&amp;q=kind:schedule+id:{edited.pk}"' in text


def test_a_version_says_what_it_changed(pages, edited):
    text = text_of(pages.get(f"/schedules/{edited.pk}/versions/2"))
    assert "<dt>cron expression</dt><dd><del>0 * * * *</del>" in text
    assert "Roll back to version" not in text


def test_going_back_is_asked_with_the_fires_that_change(pages, edited):
    text = text_of(pages.get(f"/schedules/{edited.pk}/versions/1"))
    assert "Rolling back to it would change" in text
    assert "fire times in the next 30 days" in text
    assert "Roll back to version 1" in text
    assert Schedule.objects.get().cron_expression == "30 4 * * *"


def test_going_back_makes_a_new_version(pages, edited):
    answer = pages.post(f"/schedules/{edited.pk}/versions/1", {"reason": "It moved back"}, follow=True)
    assert "nightly says again what version 1 said; that is version 3." in text_of(answer)
    assert Schedule.objects.get().cron_expression == "0 * * * *"
    assert edited.versions.get(number=3).reason == "It moved back"


def test_what_is_refused_is_said_on_the_page(pages, edited):
    edited.name = "another"
    edited.store(by="ada")
    schedule("nightly")
    answer = pages.post(f"/schedules/{edited.pk}/versions/1", {"reason": ""})
    assert answer.status_code == 200
    assert "Another schedule of this environment has this name." in text_of(answer)


def test_a_version_that_cannot_be_read_any_more_says_so(pages, edited):
    edited.versions.filter(number=1).update(definition={**edited.versions.get(number=1).definition, "calendar": "x"})
    answer = pages.get(f"/schedules/{edited.pk}/versions/1")
    assert answer.status_code == 200
    assert "There is no calendar" in text_of(answer)


def test_who_may_not_edit_sees_no_button_and_may_not_post(client, viewer, edited):
    viewer.user_permissions.add(*Permission.objects.filter(codename__in=["view_schedule", "view_jobrun"]))
    client.force_login(viewer)
    assert "Roll back to version" not in text_of(client.get(f"/schedules/{edited.pk}/versions/1"))
    assert client.post(f"/schedules/{edited.pk}/versions/1").status_code == 403
    assert client.get(f"/schedules/{edited.pk}/versions/9").status_code == 404
