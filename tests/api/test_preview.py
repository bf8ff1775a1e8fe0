import pytest

from schedules.models import Schedule


def test_a_preview_shows_instants_and_clock_changes_and_stores_nothing(admin):
    answer = admin.post(
        "schedules/preview",
        {
            "schedule_type": "cron",
            "cron_expression": "30 2 * * *",
            "timezone": "Europe/Riga",
            "after": "2027-03-27T00:00:00Z",
            "count": 2,
        },
    )
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["instants"] == ["2027-03-27T00:30:00Z", "2027-03-28T00:30:00Z"]
    assert body["local_times"] == ["2027-03-27T02:30:00+02:00", "2027-03-28T02:30:00+02:00"]
    assert body["clock_changes"][0]["at"] == "2027-03-28T01:00:00Z"
    assert "02:30" in body["sentence"]
    assert not Schedule.objects.exists()


def test_a_preview_refuses_what_a_schedule_would(admin):
    answer = admin.post("schedules/preview", {"schedule_type": "cron", "cron_expression": "22-4 * * * *"})
    assert answer.status_code == 400
    assert "cron_expression" in answer.json()["errors"]


def test_an_edit_is_previewed_as_patch_takes_it_and_stores_nothing(admin, a_schedule):
    address = f"schedules/{a_schedule()['id']}"
    body = admin.post(f"{address}/preview-change", {"cron_expression": "30 3 * * *", "days": 10}).json()
    assert (body["added_count"], body["removed_count"]) == (10, 10)
    assert len(body["added"]) == 10
    assert body["sentence_before"] != body["sentence_after"]
    assert body["next_run_at_after"] == min(body["added"])
    assert admin.get(address).json()["cron_expression"] == "30 2 * * *"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"cron_expression": "22-4 * * * *"}, "cron_expression"),
        ({"schedule_type": "interval"}, "interval_seconds"),
        ({"days": 0}, "days"),
        ({"priority": 3}, "priority"),
        ({"timezone": "Riga"}, "timezone"),
    ],
)
def test_an_edit_that_patch_would_refuse_is_refused(admin, a_schedule, body, field):
    answer = admin.post(f"schedules/{a_schedule()['id']}/preview-change", body)
    assert answer.status_code == 400
    assert field in answer.json()["errors"]


def test_occurrences_lists_instants_in_a_stretch(admin, a_schedule):
    pk = a_schedule(schedule_type="cron", cron_expression="0 */6 * * *", timezone="UTC")["id"]
    address = f"schedules/{pk}/occurrences?from=2027-01-01T00:00:00+00:00&to=2027-01-01T12:00:00Z"
    body = admin.get(address).json()
    assert body.keys() > {"occurrences"}, body["errors"]
    assert [one[11:13] for one in body["occurrences"]] == ["00", "06", "12"]
    assert body["complete"] is True
    assert admin.get(address + "&limit=2").json()["complete"] is False


def test_occurrences_are_bounded(admin, a_schedule):
    address = f"schedules/{a_schedule()['id']}/occurrences"
    assert admin.get(f"{address}?from=2027-01-01T00:00:00Z&to=2029-01-01T00:00:00Z").status_code == 400
    assert admin.get(f"{address}?from=2027-01-02T00:00:00Z&to=2027-01-01T00:00:00Z").status_code == 400
    assert admin.get(f"{address}?limit=1001").status_code == 400
