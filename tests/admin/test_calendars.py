"""Calendars in the workshop."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from schedules.calendars import models
from schedules.models import Calendar, Schedule
from tests.admin.conftest import errors, filled
from tests.api.test_calendars import ICS

pytestmark = pytest.mark.django_db
LIST = "/admin/schedules/calendar/"
ADD = f"{LIST}add/"


@pytest.fixture
def works(make_calendar):
    return make_calendar(weekdays=["mon", "tue"], closed_dates=["2026-12-25 Christmas Day"])


def page_of(calendar):
    return f"{LIST}{calendar.pk}/change/"


def test_a_calendar_is_made_of_ticks_and_lines(boss):
    typed = filled(
        boss,
        ADD,
        name="Office",
        timezone="Europe/Riga",
        weekdays=["mon", "fri"],
        closed_dates="2026-12-25 Christmas Day\n\n2026-12-26",
        windows="sat 22:00-02:00 | Patch night | stop",
        reason="For the shop",
    )
    assert boss.post(ADD, typed).status_code == 302
    calendar = Calendar.objects.get()
    assert calendar.read.weekdays == ("mon", "fri")
    assert [one.name for one in calendar.read.closed_dates] == ["Christmas Day", ""]
    assert calendar.stops_running
    assert [(one.reason, one.created_by) for one in calendar.versions.all()] == [("For the shop", "boss")]


def test_what_was_refused_is_shown_again_and_changes_nothing(boss, works):
    for typed in ({"weekdays": []}, {"weekdays": ["sun"], "name": ""}):
        form = filled(boss, page_of(works), **typed)
        models._ready.clear()  # as in a process that asks for this calendar for the first time
        assert errors(boss.post(page_of(works), form))
        assert works.closures.definition.weekdays == ("mon", "tue")


def test_the_form_saves_what_it_shows(boss, works):
    before = works.definition
    assert boss.post(page_of(works), filled(boss, page_of(works))).status_code == 302
    works.refresh_from_db()
    assert (works.definition, works.version) == (before, 2)


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"closed_dates": "2026-12-25\nsoon"}, "closed_dates", "Line 2"),
        ({"closed_dates": "2026-02-30 Never"}, "closed_dates", "a date that exists"),
        ({"windows": "sat 22:00 | Patches"}, "windows", "Line 1"),
        ({"windows": "sat 22:00-22:00 | Patches"}, "windows", "differ"),
        ({"weekdays": []}, "weekdays", "at least one"),
        ({"country": "XX"}, "country", "none of the countries"),
        ({"country": "LV", "years": "soon"}, "years", "such as 2026-2028"),
        ({"name": ""}, "name", "required"),
    ],
)
def test_what_cannot_be_read_is_said_at_its_field(boss, works, typed, field, sentence):
    said = errors(boss.post(page_of(works), filled(boss, page_of(works), **typed)))
    assert sentence in said[field]
    works.refresh_from_db()
    assert works.version == 1


def test_a_file_is_imported_beside_what_is_typed(boss, works):
    file = SimpleUploadedFile("days.ics", ICS.encode())
    sent = filled(boss, page_of(works), ics=file, years="2026-2027")
    assert boss.post(page_of(works), sent).status_code == 302
    works.refresh_from_db()
    assert [str(one.date) for one in works.read.closed_dates] == ["2026-06-11", "2026-12-25", "2027-06-11"]


def test_a_file_with_an_error_changes_nothing(boss, works):
    file = SimpleUploadedFile("days.ics", ICS.replace("20200611", "20200611T090000").encode())
    said = errors(boss.post(page_of(works), filled(boss, page_of(works), ics=file)))
    assert "Founder's day" in said["ics"].replace("&#x27;", "'")
    works.refresh_from_db()
    assert works.version == 1


def test_public_holidays_are_imported(boss, works):
    sent = filled(boss, page_of(works), country="DE", subdivision="BY", years="2026")
    assert boss.post(page_of(works), sent).status_code == 302
    works.refresh_from_db()
    assert "Epiphany" in [one.name for one in works.read.closed_dates]


def test_the_preview_says_what_saving_does(boss, works, make_schedule):
    make_schedule(schedule_type="cron", cron_expression="0 9 * * *", calendar=works)
    typed = filled(boss, page_of(works), weekdays=["mon"])
    answer = boss.post(f"{LIST}{works.pk}/preview/", typed).content.decode()
    assert "It takes away" in answer
    works.refresh_from_db()
    assert works.version == 1
    assert "Line 1" in boss.post(f"{LIST}{works.pk}/preview/", {**typed, "windows": "x"}).content.decode()


def test_an_edit_says_what_it_did(boss, works, make_schedule):
    make_schedule(schedule_type="cron", cron_expression="0 9 * * *", calendar=works)
    answer = boss.post(page_of(works), filled(boss, page_of(works), weekdays=["mon"]), follow=True)
    assert "It takes away" in answer.content.decode()


def test_somebody_elses_change_is_not_overwritten_unread(boss, works):
    typed = filled(boss, page_of(works), weekdays=["fri"])
    works.store(by="eve")
    answer = boss.post(page_of(works), typed)
    assert "version 2" in errors(answer)["__all__"]
    again = {**typed, "seen_version": "2"}
    assert boss.post(page_of(works), again).status_code == 302


def test_an_earlier_version_comes_back(boss, works):
    works.define({"weekdays": ["sun"]})
    works.store(by="eve")
    assert boss.post(f"{LIST}{works.pk}/back/1/").status_code == 302
    works.refresh_from_db()
    assert (works.read.weekdays, works.version) == (("mon", "tue"), 3)


def test_a_calendar_in_use_is_not_deleted(boss, works, make_schedule):
    make_schedule(calendar=works)
    boss.post(f"{LIST}{works.pk}/delete/", {"post": "yes"})
    assert Calendar.objects.count() == 1


def test_who_may_only_look_sees_and_changes_nothing(person_who_may, works):
    viewer = person_who_may("schedules.view_calendar")
    assert viewer.get(page_of(works)).status_code == 200
    assert viewer.post(page_of(works), {"name": "Mine"}).status_code == 403
    assert viewer.post(f"{LIST}{works.pk}/preview/").status_code == 403
    assert viewer.post(f"{LIST}{works.pk}/back/1/").status_code == 403


def test_a_schedule_is_put_on_a_calendar_in_the_editor(boss, works):
    address = "/admin/schedules/schedule/add/?job_type=noop"
    typed = filled(
        boss, address, name="nightly", cron_expression="0 9 * * *", calendar=str(works.pk), calendar_rule="next"
    )
    assert boss.post(address, typed).status_code == 302
    schedule = Schedule.objects.get()
    assert (schedule.calendar, schedule.calendar_rule) == (works, "next")
    preview = boss.post(
        f"/admin/schedules/schedule/{schedule.pk}/preview/",
        {"schedule_type": "cron", "cron_expression": "0 9 * * *", "timezone": "UTC", "calendar": works.pk},
    )
    assert "Left out by the calendar" in preview.content.decode()
