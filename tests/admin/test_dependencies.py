"""What a schedule waits for, in the workshop's editor; limits of tags."""

import pytest

from schedules.dependencies import Wanted
from schedules.limits import TagLimit
from schedules.models import Schedule
from tests.admin.conftest import add, errors, filled

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(make_schedule):
    """A parent and its child."""
    parent = make_schedule(name="import", schedule_type="manual")
    child = make_schedule(name="report", schedule_type="manual")
    child.store(by="tester", depends_on=[Wanted(schedule="import", on="failure")])
    return parent, child


def editor(schedule):
    return f"/admin/schedules/schedule/{schedule.pk}/change/"


def rows(*typed):
    names = ("schedule", "on")
    return {f"depends_on-{place}-{name}": row[at] for place, row in enumerate(typed) for at, name in enumerate(names)}


def parents(schedule):
    return [(one.parent.name, one.on) for one in schedule.dependencies.all()]


def test_the_editor_shows_its_parents_and_offers_names_of_the_environment(boss, pair, make_schedule):
    make_schedule(name="far", environment="elsewhere")
    page = boss.get(editor(pair[1])).content.decode()
    assert 'name="depends_on-0-schedule" id="id_depends_on_0" value="import"' in page
    assert '<option value="failure" selected>' in page
    assert '<option value="import">' in page
    assert '<option value="far">' not in page


def test_parents_that_are_typed_are_stored(boss, pair, make_schedule):
    make_schedule(name="check", schedule_type="manual")
    page = editor(pair[1])
    answer = boss.post(
        page, filled(boss, page, **rows(("import", "finished"), ("", "success"), (" check ", "success")))
    )
    assert answer.status_code == 302
    assert parents(pair[1]) == [("import", "finished"), ("check", "success")]


def test_emptied_rows_clear_what_it_waits_for(boss, pair):
    page = editor(pair[1])
    boss.post(page, filled(boss, page, **rows(("", "success"))))
    assert parents(pair[1]) == []


def test_a_circle_is_refused_beside_the_rows_with_what_was_typed(boss, pair):
    page = editor(pair[0])
    answer = boss.post(page, filled(boss, page, **rows(("report", "success"))))
    assert errors(answer) == {"depends_on": "It would wait for itself: import → report → import."}
    assert 'value="report"' in answer.content.decode()


def test_a_new_schedule_may_wait_for_others(boss, pair):
    add(boss, "noop", name="fresh", **rows(("import", "success")))
    assert parents(Schedule.objects.get(name="fresh")) == [("import", "success")]


def test_a_parent_that_was_deleted_stays_under_its_number(boss, pair):
    parent, child = pair
    parent.discard(by="tester")
    page = editor(child)
    assert f'value="{parent.pk}"' in boss.get(page).content.decode()
    assert boss.post(page, filled(boss, page, **rows((str(parent.pk), "failure")))).status_code == 302
    assert parents(child) == [("import", "failure")]


def test_a_limit_is_made_and_removed_in_the_workshop(boss):
    boss.post("/admin/schedules/taglimit/add/", {"tag": "billing", "max_running": "2", "note": ""})
    limit = TagLimit.objects.get()
    assert (limit.max_running, limit.created_by) == (2, "boss")
    assert "billing" in boss.get("/admin/schedules/taglimit/").content.decode()
    boss.post(f"/admin/schedules/taglimit/{limit.pk}/delete/", {"post": "yes"})
    assert not TagLimit.objects.exists()
