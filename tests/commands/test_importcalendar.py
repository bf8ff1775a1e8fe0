"""`importcalendar` closes what a file or a country names, or says what it would close."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from schedules.models import Calendar
from tests.api.test_calendars import ICS

pytestmark = pytest.mark.django_db


def told(*arguments):
    out = StringIO()
    call_command("importcalendar", *arguments, stdout=out)
    return out.getvalue()


def refused(*arguments):
    with pytest.raises(CommandError) as found:
        told(*arguments)
    return found.value.returncode, str(found.value)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "days.ics"
    path.write_text(ICS)
    return str(path)


def test_a_file_makes_a_calendar(file):
    out = told("Works", "--ics", file, "--years", "2026-2027", "--timezone", "Europe/Riga")
    assert "2026-06-11  Thu  Founder's day" in out
    assert "2 dates to close" in out
    calendar = Calendar.objects.get()
    assert (calendar.version, calendar.read.timezone, len(calendar.read.closed_dates)) == (1, "Europe/Riga", 2)


def test_importing_twice_makes_one_version(file):
    told("Works", "--ics", file, "--years", "2026")
    assert "1 of those found are closed already" in told("Works", "--ics", file, "--years", "2026")
    assert Calendar.objects.get().version == 1


def test_a_dry_run_says_and_stores_nothing(file):
    out = told("Works", "--ics", file, "--years", "2026", "--dry-run")
    assert "2026-06-11" in out
    assert "Nothing was stored." in out
    assert not Calendar.objects.exists()


def test_public_holidays_are_added_to_what_is_closed(make_calendar, make_schedule):
    calendar = make_calendar(closed_dates=["2026-01-01 Our own name"])
    make_schedule(calendar=calendar)
    out = told("Works", "--country", "de", "--subdivision", "by", "--years", "2026-2027")
    assert "Epiphany" in out
    calendar.refresh_from_db()
    assert calendar.version == 2
    assert calendar.read.closed_dates[0].name == "Our own name"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--country", "XX", "--years", "2026"), 2, "none of the countries"),
        (("--country", "LV", "--years", "soon"), 2, "such as 2026-2028"),
        (("--country", "LV", "--years", "2028-2026"), 2, "such as 2026-2028"),
        (("--ics", "/nowhere/days.ics", "--years", "2026"), 2, "cannot be read"),
    ],
)
def test_wrong_arguments_are_refused(arguments, code, sentence):
    found, text = refused("Works", *arguments)
    assert found == code
    assert sentence in text
    assert not Calendar.objects.exists()


def test_a_broken_file_changes_nothing_and_names_the_component(tmp_path):
    path = tmp_path / "days.ics"
    path.write_text(ICS.replace("FREQ=YEARLY", "FREQ=HOURLY"))
    code, text = refused("Works", "--ics", str(path), "--years", "2026")
    assert code == 1
    assert "Founder's day" in text
    assert not Calendar.objects.exists()


def test_a_new_calendar_in_no_time_zone_is_refused(file):
    _, text = refused("Works", "--ics", file, "--years", "2026", "--timezone", "Mars/Base")
    assert "no time zone" in text
    assert not Calendar.objects.exists()


def test_a_preview_goes_by_a_calendar(make_calendar):
    make_calendar("Office", weekdays=["mon", "tue", "wed", "thu", "fri"], closed_dates=["2026-12-25 Christmas Day"])
    out = StringIO()
    call_command(
        *["previewschedule", "0 9 25 12 *", "--after", "2026-12-01", "--count", "1"],
        *["--calendar", "Office", "--rule", "next"],
        stdout=out,
    )
    assert "2026-12-28T09:00:00+00:00" in out.getvalue()
    assert "Closed at 2026-12-25T09:00:00+00:00: The calendar Office" in out.getvalue()
    with pytest.raises(CommandError, match=r"There is no calendar 'Nowhere'\. Calendars: Office\."):
        call_command("previewschedule", "0 9 * * *", "--calendar", "Nowhere")
