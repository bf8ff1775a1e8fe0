"""What `explain`, backfills and the pages' months say of closed instants and of runs that move."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from jobruns.backfill import Span, plan
from jobruns.engine import ledger
from jobruns.explain import explain
from schedules.models import Schedule
from schedules.months import grid
from schedules.timing import closing, next_instant, occurrences
from tests.jobruns.conftest import rows

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
CHRISTMAS = {"closed_dates": ["2029-12-25 Christmas Day"]}


def told(schedule, at):
    """Return (outcome, all sentences in one text)."""
    found = explain(Schedule.objects.get(pk=schedule.pk), at, timezone.now())
    return found.outcome, " ".join(found.sentences)


@pytest.fixture
def at_christmas(make_schedule, make_calendar):
    """Return a function that makes a schedule at nine on the 25th of each month, under a calendar."""

    def make(**fields):
        fields = {"schedule_type": "cron", "cron_expression": "0 9 25 * *", **fields}
        return make_schedule(calendar=make_calendar(**CHRISTMAS), **fields)

    return make


def test_an_instant_ahead_on_a_closed_day_is_expected_to_be_skipped(at_christmas):
    outcome, text = told(at_christmas(), datetime(2029, 12, 25, 9, tzinfo=UTC))
    assert outcome == "planned"
    assert "closed on Tuesday, 2029-12-25 (Christmas Day)" in text
    assert "So it is skipped: the calendar was closed." in text


def test_a_run_that_moves_is_explained_at_both_ends(at_christmas):
    schedule = at_christmas(calendar_rule="next")
    _, text = told(schedule, datetime(2029, 12, 25, 9, tzinfo=UTC))
    assert "Its run moves to 2029-12-26 09:00" in text
    outcome, text = told(schedule, datetime(2029, 12, 26, 9, tzinfo=UTC))
    assert outcome == "planned"
    assert "It stands for the instant of 2029-12-25 09:00:00+00:00, when the calendar was closed." in text


def test_a_closed_instant_within_the_row_of_a_stretch_says_that_it_was_closed(make_schedule, overdue, make_calendar):
    now = timezone.now()
    shut = now - timedelta(hours=20)
    window = {"name": "Patches", "from": (shut - timedelta(hours=1)).isoformat(), "to": shut.isoformat()}
    schedule = make_schedule(interval_seconds=60, calendar=make_calendar(windows=[window]))
    Schedule.objects.update(created_at=now - 3 * DAY)
    schedule = overdue(schedule, seconds=86_400 - 60)
    first = schedule.next_run_at
    ledger.fire_due()
    closed = [at for at in occurrences(schedule.timing, first, now, 5_000) if closing(schedule.timing, at)]
    outcome, text = told(schedule, closed[3])
    assert outcome == "missed"
    assert "Patches" in text
    assert "is open until" in text


def test_an_explanation_says_when_the_calendar_was_changed_since(make_schedule, overdue, make_calendar):
    today = timezone.now().date()
    calendar = make_calendar(closed_dates=[str(today + DAY * number) for number in (-1, 0, 1)])
    schedule = overdue(make_schedule(calendar=calendar))
    ledger.fire_due()
    [row] = rows(schedule)
    calendar.define({"closed_dates": []})
    calendar.store(by="tester")
    outcome, text = told(schedule, row.scheduled_for)
    assert outcome == "skipped"
    assert "The calendar Works has been changed since: version 1 then, 2 now." in text


def test_a_backfill_leaves_out_closed_instants(make_schedule, make_calendar):
    yesterday = timezone.now().date() - DAY
    calendar = make_calendar(closed_dates=[f"{yesterday} Stocktaking"])
    schedule = make_schedule(schedule_type="cron", cron_expression="0 9 * * *", calendar=calendar)
    noon = datetime.combine(yesterday, datetime.min.time(), UTC) + DAY / 2
    found = plan(schedule, Span(noon - 2 * DAY, noon), timezone.now())
    assert [step.will_run for step in found.steps] == [True, False]
    assert "Stocktaking" in found.steps[1].why


def test_a_month_shows_closed_days_and_runs_that_moved(at_christmas):
    schedule = at_christmas(calendar_rule="next")
    weeks = grid(schedule.timing, date(2029, 12, 1), datetime(2029, 12, 1, tzinfo=UTC))
    days = {day.date.day: day for week in weeks for day in week if not day.other}
    assert (days[25].closed, days[25].count) == ("Christmas Day", 0)
    assert (days[26].closed, days[26].count, len(days[26].moved)) == ("", 1, 1)
    assert next_instant(schedule.timing, datetime(2029, 12, 1, tzinfo=UTC)).day == 25
