"""Calendars over HTTP: created, changed, imported, previewed, and what schedules make of them."""

from datetime import UTC, datetime, timedelta

import pytest

from schedules.models import Calendar, Schedule

pytestmark = pytest.mark.django_db
OFFICE = {
    "name": "Office",
    "timezone": "Europe/Riga",
    "weekdays": ["mon", "tue", "wed", "thu", "fri"],
    "closed_dates": ["2026-12-25 Christmas Day"],
    "windows": [{"name": "Patch night", "days": ["sat"], "from": "22:00", "to": "02:00", "stop_running": True}],
}
ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//tests//EN
BEGIN:VEVENT
UID:1
SUMMARY:Founder's day
DTSTART;VALUE=DATE:20200611
RRULE:FREQ=YEARLY
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture
def office(admin):
    answer = admin.post("calendars", OFFICE)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_calendar_is_shown_as_it_was_sent(admin, office):
    assert office["weekdays"] == OFFICE["weekdays"]
    assert office["closed_dates"] == [{"date": "2026-12-25", "name": "Christmas Day"}]
    assert office["windows"] == [OFFICE["windows"][0]]
    assert office["version"] == 1
    assert admin.get(f"calendars/{office['id']}").json() == office
    assert admin.get("calendars?name=Office").json()["results"] == [office]


def test_a_patch_changes_what_is_sent_and_keeps_the_version_before(admin, office):
    address = f"calendars/{office['id']}"
    answer = admin.patch(address, {"closed_dates": [], "reason": "No holidays"}, if_match='"1"')
    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"2"'
    assert answer.json()["weekdays"] == OFFICE["weekdays"]
    told = admin.get(f"{address}/versions").json()["results"]
    assert [(one["version"], one["reason"], len(one["definition"]["closed_dates"])) for one in told] == [
        (2, "No holidays", 0),
        (1, "", 1),
    ]
    assert admin.patch(address, {"closed_dates": []}, if_match='"1"').status_code == 412


def test_an_earlier_version_comes_back_as_a_new_one(admin, office):
    address = f"calendars/{office['id']}"
    admin.patch(address, {"weekdays": ["sun"]})
    assert admin.post(f"{address}/roll-back", {"version": 1}).json()["weekdays"] == OFFICE["weekdays"]
    assert Calendar.objects.get().version == 3
    assert admin.post(f"{address}/roll-back", {"version": 9}).status_code == 400


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"weekdays": ["caturday"]}, "weekdays"),
        ({"weekdays": {"a": 1}}, "weekdays"),
        ({"weekdays": None}, "weekdays"),
        ({"closed_dates": ["soon"]}, "closed_dates"),
        ({"windows": [{"name": "x", "from": "1", "to": "2"}]}, "windows"),
        ({"windows": 7}, "windows"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"name": "a\x07b"}, "name"),
        ({"name": ""}, "name"),
        ({"color": "red"}, "color"),
    ],
)
def test_bad_input_names_its_field_and_changes_nothing(admin, office, sent, field):
    answer = admin.patch(f"calendars/{office['id']}", sent)
    assert answer.status_code == 400, answer.content
    assert field in answer.json()["errors"]
    assert Calendar.objects.get().version == 1


def test_a_name_that_is_taken_is_a_conflict(admin, office):
    assert admin.post("calendars", OFFICE).status_code == 409


def test_a_schedule_takes_and_shows_its_calendar_by_name(admin, office, a_schedule):
    schedule = a_schedule(calendar="Office", calendar_rule="next")
    assert (schedule["calendar"], schedule["calendar_rule"]) == ("Office", "next")
    assert [one["id"] for one in admin.get("schedules?calendar=Office").json()["results"]] == [schedule["id"]]
    cleared = admin.patch(f"schedules/{schedule['id']}", {"calendar": None, "calendar_rule": None}).json()
    assert (cleared["calendar"], cleared["calendar_rule"]) == (None, "skip")
    refused = admin.patch(f"schedules/{schedule['id']}", {"calendar": "Nowhere"})
    assert refused.json()["errors"] == {"calendar": ["There is no calendar Nowhere."]}


def test_occurrences_part_what_runs_from_what_is_closed(admin, office, a_schedule):
    schedule = a_schedule(calendar="Office")
    found = admin.get(
        f"schedules/{schedule['id']}/occurrences?from=2026-12-24T00:00:00Z&to=2026-12-29T00:00:00Z"
    ).json()
    assert [one[:10] for one in found["occurrences"]] == ["2026-12-24", "2026-12-28"]
    assert [(one["at"][:10], one["reason"]) for one in found["closed"]] == [
        ("2026-12-25", "holiday"),
        ("2026-12-26", "holiday"),
        ("2026-12-27", "holiday"),
    ]
    assert "Christmas Day" in found["closed"][0]["sentence"]


def test_a_preview_knows_the_calendar(admin, office):
    found = admin.post(
        "schedules/preview",
        {
            "schedule_type": "cron",
            "cron_expression": "30 2 25 12 *",
            "timezone": "Europe/Riga",
            "calendar": "Office",
            "calendar_rule": "next",
            "after": "2026-12-01T00:00:00Z",
            "count": 1,
        },
    ).json()
    assert found["instants"] == ["2026-12-28T00:30:00Z"]
    assert [one["at"] for one in found["closed"]] == ["2026-12-25T00:30:00Z"]


def test_a_change_is_previewed_without_being_stored(admin, office, a_schedule):
    schedule = a_schedule(calendar="Office")
    tomorrow = (datetime.now(UTC) + timedelta(days=10)).date()
    while tomorrow.weekday() > 4 or str(tomorrow) == "2026-12-25":
        tomorrow += timedelta(days=1)
    found = admin.post(f"calendars/{office['id']}/preview-change", {"closed_dates": [str(tomorrow)]}).json()
    assert found["removed"] >= 1
    assert any(one[:10] >= str(tomorrow - timedelta(days=1)) for one in found["changed"][0]["removed"])
    assert found["changed"][0]["schedule_name"] == schedule["name"]
    assert Calendar.objects.get().version == 1
    assert admin.post(f"calendars/{office['id']}/preview-change", {"weekdays": 1}).status_code == 400


def test_an_ical_file_closes_its_days(admin, office):
    address = f"calendars/{office['id']}/import"
    sent = {"ics": ICS, "first_year": 2026, "last_year": 2027}
    tried = admin.post(address, {**sent, "dry_run": True}).json()
    assert (tried["added"], tried["version"], len(tried["found"])) == (2, 1, 2)
    done = admin.post(address, sent).json()
    assert (done["added"], done["version"]) == (2, 2)
    assert admin.post(address, sent).json()["version"] == 2
    assert {"date": "2027-06-11", "name": "Founder's day"} in Calendar.objects.get().definition["closed_dates"]


def test_a_broken_ical_file_changes_nothing_and_names_the_component(admin, office):
    sent = {"ics": ICS.replace("20200611", "2020061"), "first_year": 2026, "last_year": 2027}
    answer = admin.post(f"calendars/{office['id']}/import", sent)
    assert answer.status_code == 400
    assert "Founder's day" in answer.json()["errors"]["ics"][0]
    assert Calendar.objects.get().version == 1


def test_public_holidays_are_closed(admin, office):
    done = admin.post(f"calendars/{office['id']}/holidays", {"country": "lv", "years": [2026]}).json()
    assert {"date": "2026-01-01", "name": "New Year's Day"} in done["found"]
    refused = admin.post(f"calendars/{office['id']}/holidays", {"country": "zz", "years": [2026]})
    assert "country" in refused.json()["errors"]


def test_a_calendar_in_use_is_not_deleted(admin, office, a_schedule):
    schedule = a_schedule(calendar="Office")
    refused = admin.delete(f"calendars/{office['id']}")
    assert refused.status_code == 409
    assert schedule["name"] in refused.json()["detail"]
    Schedule.objects.get().delete()
    assert admin.delete(f"calendars/{office['id']}").status_code == 204


def test_rights_are_those_of_calendars(having, office):
    viewer, editor = having("schedules.view_calendar"), having("schedules.change_calendar")
    address = f"calendars/{office['id']}"
    assert viewer.get(address).status_code == 200
    assert viewer.get(f"{address}/versions").status_code == 200
    assert viewer.patch(address, {"weekdays": ["mon"]}).status_code == 403
    assert viewer.post(f"{address}/preview-change", {}).status_code == 403
    assert viewer.post(f"{address}/holidays", {"country": "LV", "years": [2026]}).status_code == 403
    assert viewer.post("calendars", OFFICE).status_code == 403
    assert viewer.delete(address).status_code == 403
    assert editor.patch(address, {"weekdays": ["mon"]}).status_code == 200


def test_a_write_is_done_once_for_its_idempotency_key(admin):
    first = admin.post("calendars", OFFICE, idempotency_key="once")
    again = admin.post("calendars", OFFICE, idempotency_key="once")
    assert (first.status_code, again.status_code) == (201, 201)
    assert Calendar.objects.count() == 1
