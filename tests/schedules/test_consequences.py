"""What an edit is said to change is what changes when it is stored; saying it writes nothing."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone

from schedules import changes, consequences, timing
from schedules.models import Schedule

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 3, 27, 12, 0, tzinfo=UTC)  # clocks go forward in Europe the night after
MONTH = timedelta(days=30)


@pytest.fixture
def nightly(make_schedule):
    with time_machine.travel(NOW, tick=False):
        yield make_schedule(
            name="nightly", schedule_type="cron", cron_expression="30 2 * * *", timezone="Europe/Riga"
        )


def diffed(*options):
    answer = StringIO()
    call_command("diffschedule", "nightly", *options, stdout=answer)
    return answer.getvalue()


@pytest.mark.parametrize(
    "values",
    [
        {"cron_expression": "30 2,3 * * *"},
        {"timezone": "America/New_York"},
        {"schedule_type": "interval", "interval_seconds": 7200},
        {"end_at": NOW + timedelta(days=3)},
        {"schedule_type": "manual"},
    ],
)
def test_what_is_foretold_is_what_storing_changes(nightly, values):
    before = set(timing.occurrences(nightly.timing, NOW, NOW + MONTH, 10_000))
    found = consequences.of_edit(nightly, values, NOW)
    changes.apply(nightly, values)
    nightly.store(by="tester")
    after = set(timing.occurrences(nightly.timing, NOW, NOW + MONTH, 10_000))
    assert set(found.difference.added) == after - before
    assert set(found.difference.removed) == before - after
    assert set(found.difference.kept) == before & after
    assert (found.edited.next_run_at, found.edited.status) == (nightly.next_run_at, nightly.status)


def test_nothing_is_stored(nightly):
    consequences.of_edit(nightly, {"cron_expression": "0 9 * * *"}, NOW)
    stored = Schedule.objects.get(pk=nightly.pk)
    assert (stored.cron_expression, stored.version, nightly.cron_expression) == ("30 2 * * *", 1, "30 2 * * *")


def test_an_instant_that_is_due_is_said_to_stay(nightly):
    later = nightly.next_run_at + timedelta(seconds=5)
    found = consequences.of_edit(nightly, {"cron_expression": "0 9 * * *"}, later)
    assert found.edited.next_run_at == nightly.next_run_at
    assert found.notes == (
        "The instant of 2027-03-28 02:30:00+02:00 is due already: it is settled first, then the new timing counts.",
    )


def test_a_paused_schedule_is_said_to_fire_nothing(nightly):
    nightly.pause(by="tester")
    [note] = consequences.of_edit(nightly, {"cron_expression": "0 9 * * *"}, NOW).notes
    assert note == "It is paused: none of these times fires until that changes."


def test_an_edit_that_leaves_no_instant_is_said_to_complete_it(nightly):
    found = consequences.of_edit(nightly, {"end_at": NOW + timedelta(hours=1)}, NOW)
    assert found.edited.status == "completed"
    assert found.notes == ("It would be completed: no instant lies ahead.",)


def test_what_storing_would_refuse_is_refused(nightly):
    with pytest.raises(ValidationError) as refused:
        consequences.of_edit(nightly, {"cron_expression": "0 0 31 2 *"}, NOW)
    assert list(refused.value.message_dict) == ["cron_expression"]


@pytest.mark.parametrize(
    ("cron", "sentence"),
    [
        ("30 2,3 * * *", "Saving this adds 30 fire times in the next 30 days; 30 stay."),
        ("30 3 * * *", "Saving this removes 30 and adds 30 fire times in the next 30 days; 0 stay."),
        ("30 2 * * *", "Saving this changes no fire time in the next 30 days."),
    ],
)
def test_the_numbers_are_one_sentence(nightly, cron, sentence):
    assert consequences.of_edit(nightly, {"cron_expression": cron}, NOW).summary == sentence


def test_the_command_prints_what_comes_and_goes(nightly):
    text = diffed("--cron", "0 9 * * *", "--days", "1")
    assert text.splitlines()[2:4] == ["- 2027-03-28 02:30:00+02:00", "+ 2027-03-28 09:00:00+03:00"]
    assert "Saving this removes 1 and adds 1 fire time in the next day; 0 stay." in text


def test_the_command_answers_programs_with_the_fields_of_the_api(nightly):
    body = json.loads(diffed("--interval", "86400", "--json"))
    assert (body["added_count"], body["kept_count"], body["removed_count"]) == (30, 0, 30)
    assert body["until"] == (NOW + MONTH).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    "options", [[], ["--cron", "no"], ["--interval", "0"], ["--timezone", "Riga"], ["--interval", "9", "--days", "0"]]
)
def test_the_command_refuses_what_makes_no_sense(nightly, options):
    with pytest.raises(CommandError) as refused:
        diffed(*options)
    assert refused.value.returncode == 2


def test_a_very_frequent_timing_is_compared_as_far_as_it_goes(nightly):
    found = consequences.of_edit(nightly, {"schedule_type": "interval", "interval_seconds": 1}, timezone.now())
    assert found.difference.until < found.end
    assert "in the next day" in found.summary
