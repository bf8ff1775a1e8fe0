"""The ledger under a calendar: closed instants are skipped rows, and edits of a calendar fire nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from jobruns.engine import claims, endings, ledger
from schedules.dependencies import Wanted
from schedules.models import Calendar, Schedule
from schedules.timing import closing, next_instant
from tests.jobruns.conftest import rows

pytestmark = pytest.mark.django_db
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def closed_today():
    """Return the fields of a calendar that is closed today and on the days around, whatever the hour is now."""
    today = timezone.now().date()
    return {"closed_dates": [f"{today + timedelta(days=n)} Founder's day" for n in (-1, 0, 1)]}


def test_a_closed_instant_is_a_skipped_row_that_names_the_day(make_schedule, overdue, make_calendar):
    schedule = overdue(make_schedule(calendar=make_calendar(**closed_today())))
    ledger.fire_due()
    [row] = rows(schedule)
    assert (row.status, row.reason) == ("skipped", "holiday")
    assert "The calendar Works (version 1) is closed" in row.summary
    assert "Founder's day" in row.summary
    schedule.refresh_from_db()
    assert schedule.next_run_at == row.scheduled_for + timedelta(hours=1)
    assert schedule.fire_count == 0
    assert claims.claim_ready(5, "me") == []


def test_an_instant_in_a_maintenance_window_is_skipped_as_blackout(make_schedule, overdue, make_calendar):
    now = timezone.now()
    window = {
        "name": "Patches",
        "from": (now - timedelta(hours=1)).isoformat(),
        "to": (now + timedelta(hours=1)).isoformat(),
    }
    schedule = overdue(make_schedule(calendar=make_calendar(windows=[window])))
    ledger.fire_due()
    assert [(row.status, row.reason) for row in rows(schedule)] == [("skipped", "blackout")]


def test_schedules_on_and_off_a_calendar_are_settled_side_by_side(make_schedule, overdue, make_calendar):
    shut, open_one = make_calendar(**closed_today()), make_calendar("Open")
    schedules = [overdue(make_schedule(calendar=calendar)) for calendar in (shut, None, open_one)]
    ledger.fire_due()
    assert [rows(schedule)[0].status for schedule in schedules] == ["skipped", "pending", "pending"]


def test_without_calendars_firing_asks_nothing_about_them(
    make_schedule, overdue, make_calendar, django_assert_max_num_queries
):
    make_calendar()
    overdue(make_schedule())
    with django_assert_max_num_queries(20) as asked:
        ledger.fire_due()
    assert not any("schedules_calendar" in query["sql"] for query in asked.captured_queries)


def test_a_calendar_is_read_once_as_long_as_it_stays_the_same(make_schedule, overdue, make_calendar):
    calendar = make_calendar(**closed_today())
    first = Calendar.objects.ready([calendar.pk])[calendar.pk]
    assert Calendar.objects.ready([calendar.pk])[calendar.pk] is first
    calendar.store(by="tester")
    assert Calendar.objects.ready([calendar.pk])[calendar.pk].version == 2


def test_an_edit_leaves_what_is_due_to_the_engine_which_asks_the_new_version(make_schedule, overdue, make_calendar):
    calendar = make_calendar(**closed_today())
    schedule = overdue(make_schedule(calendar=calendar))
    due = schedule.next_run_at
    calendar.define({"closed_dates": []})
    calendar.store(by="tester", why="It is no holiday after all.")
    schedule.refresh_from_db()
    assert schedule.next_run_at == due
    assert rows(schedule) == []
    ledger.fire_due()
    assert [row.status for row in rows(schedule)] == ["pending"]


def test_an_edit_plans_the_schedules_on_the_calendar_anew(make_schedule, make_calendar):
    calendar = make_calendar(weekdays=["mon"])
    schedule = make_schedule(
        schedule_type="cron", cron_expression="0 9 1 1 *", calendar=calendar, calendar_rule="next"
    )
    [first, moved] = [schedule.next_run_at, next_instant(schedule.timing, schedule.next_run_at)]
    Schedule.objects.filter(pk=schedule.pk).update(next_run_at=moved, last_scheduled_for=first)
    calendar.define({"weekdays": DAYS})
    calendar.store(by="tester")
    schedule.refresh_from_db()
    assert schedule.next_run_at.date() == first.date().replace(year=first.year + 1)


def test_every_version_is_kept_and_an_old_one_comes_back_as_a_new_one(make_calendar):
    calendar = make_calendar(weekdays=["mon"])
    calendar.define({"weekdays": ["tue"]})
    calendar.store(by="bob", why="Moved.")
    calendar.roll_back(1, by="eve")
    told = [(one.number, one.created_by, one.reason, one.definition["weekdays"]) for one in calendar.versions.all()]
    assert told == [
        (3, "eve", "Back to version 1.", ["mon"]),
        (2, "bob", "Moved.", ["tue"]),
        (1, "tester", "", ["mon"]),
    ]


def test_a_refused_edit_changes_nothing(make_calendar):
    calendar = make_calendar(weekdays=["mon"])
    calendar.define({"weekdays": ["noday"]})
    with pytest.raises(ValidationError) as refused:
        calendar.store(by="tester")
    assert "weekdays" in refused.value.message_dict
    assert Calendar.objects.get().definition["weekdays"] == ["mon"]
    assert calendar.versions.count() == 1


def test_the_next_time_that_people_see_is_one_that_runs(make_schedule, make_calendar):
    calendar = make_calendar(weekdays=["wed"])
    schedule = make_schedule(schedule_type="cron", cron_expression="0 9 * * *", calendar=calendar)
    assert schedule.upcoming_at.weekday() == 2
    assert closing(schedule.timing, schedule.upcoming_at) is None


def test_a_run_every_few_seconds_cannot_move(make_schedule, make_calendar):
    with pytest.raises(ValidationError) as refused:
        make_schedule(interval_seconds=10, calendar=make_calendar(), calendar_rule="next")
    assert "calendar_rule" in refused.value.message_dict


def test_a_calendar_that_cannot_be_read_any_more_suspends_its_schedules(make_schedule, overdue, make_calendar):
    calendar = make_calendar()
    broken, sound = overdue(make_schedule(calendar=calendar)), overdue(make_schedule())
    Calendar.objects.update(definition={"timezone": "Gone/Away"}, updated_at=datetime(2026, 1, 1, tzinfo=UTC))
    ledger.fire_due()
    broken.refresh_from_db()
    assert broken.status == "suspended"
    assert "calendar" in broken.status_reason
    assert [row.status for row in rows(sound)] == ["pending"]


def test_what_follows_another_run_on_a_closed_day_is_skipped(make_schedule, ending, make_calendar):
    parent = make_schedule(name="import", schedule_type="manual")
    child = make_schedule(schedule_type="manual", calendar=make_calendar(**closed_today()))
    child.store(by="tester", depends_on=[Wanted(schedule="import")])
    run = parent.runs.request(by="tester")
    endings.record([ending(claims.claim_one(run.pk, "me"))], "me")
    [row] = rows(child)
    assert (row.status, row.reason) == ("skipped", "holiday")


def test_a_child_whose_calendar_cannot_be_read_keeps_no_ending_from_being_recorded(
    make_schedule, ending, make_calendar
):
    parent = make_schedule(name="import", schedule_type="manual")
    calendar = make_calendar(**closed_today())
    child = make_schedule(schedule_type="manual", calendar=calendar)
    child.store(by="tester", depends_on=[Wanted(schedule="import")])
    Calendar.objects.filter(pk=calendar.pk).update(definition={"weekdays": "none"}, version=2)
    run = parent.runs.request(by="tester")
    assert endings.record([ending(claims.claim_one(run.pk, "me"))], "me") == {run.pk}
    assert "Its calendar cannot be read" in rows(child)[0].summary
