import pytest

from schedules.models import Schedule

ONE = {"job_type": "noop", "schedule_type": "manual"}


def bodies(*names, **more):
    return {"schedules": [{**ONE, "name": name, **more} for name in names]}


def test_many_are_made_in_order(admin):
    answer = admin.post("schedules/bulk/create", bodies("a", "b", "c"))
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["created"], body["failed"]) == (3, [])
    assert [Schedule.objects.get(pk=pk).name for pk in body["schedule_ids"]] == ["a", "b", "c"]


def test_all_or_none_are_made(admin):
    sent = bodies("a", "b")
    sent["schedules"][1]["timeout_seconds"] = 0
    sent["schedules"].append({**ONE, "name": "a"})
    answer = admin.post("schedules/bulk/create", sent)
    assert answer.status_code == 400
    body = answer.json()
    assert (body["created"], body["schedule_ids"]) == (0, [])
    assert [one["index"] for one in body["failed"]] == [1, 2]
    assert "timeout_seconds" in body["failed"][0]["errors"]
    assert not Schedule.objects.exists()


def test_with_partial_each_is_made_by_itself(admin):
    sent = bodies("a", "b")
    sent["schedules"][0]["colour"] = "red"
    body = admin.post("schedules/bulk/create?partial=true", sent).json()
    assert (body["created"], body["failed"][0]["index"]) == (1, 0)
    assert Schedule.objects.get().name == "b"


@pytest.mark.parametrize("number", [0, 101])
def test_no_more_than_a_hundred_at_once(admin, number):
    assert admin.post("schedules/bulk/create", bodies(*map(str, range(number)))).status_code == 400


def test_a_bulk_that_is_repeated_is_made_once(admin):
    for _ in range(2):
        answer = admin.post("schedules/bulk/create", bodies("a", "b"), **{"Idempotency-Key": "once"})
        assert answer.status_code == 201
    assert Schedule.objects.count() == 2


def test_ninety_nine_are_paused_and_the_one_that_is_not_there_is_not_found(admin):
    ids = admin.post("schedules/bulk/create", bodies(*(f"n{number}" for number in range(99)))).json()["schedule_ids"]
    asked = {"schedule_ids": [*ids, 999_999], "operation": "pause", "reason": "Maintenance window"}
    body = admin.post("schedules/bulk/operation", asked).json()
    assert body["success"] == ids
    assert body["failed"] == [{"schedule_id": "999999", "error": "not found"}]
    assert set(Schedule.objects.values_list("status", "status_reason")) == {("paused", "Maintenance window")}


def test_each_operation_does_what_it_says(admin):
    [pk] = admin.post("schedules/bulk/create", bodies("a")).json()["schedule_ids"]
    for operation, status in [
        ("pause", "paused"),
        ("resume", "active"),
        ("trigger", "active"),
        ("delete", "deleted"),
    ]:
        body = admin.post("schedules/bulk/operation", {"schedule_ids": [pk], "operation": operation}).json()
        assert body == {"success": [pk], "failed": []}
        assert Schedule.objects.get().status == status
    assert Schedule.objects.get().runs.count() == 1


def test_what_cannot_be_done_to_one_is_said_and_done_to_the_others(admin):
    first, second = admin.post("schedules/bulk/create", bodies("a", "b")).json()["schedule_ids"]
    Schedule.objects.filter(pk=first).update(status="suspended")
    body = admin.post("schedules/bulk/operation", {"schedule_ids": [first, second], "operation": "trigger"}).json()
    assert body["success"] == [second]
    assert "suspended" in body["failed"][0]["error"]


def test_a_filter_chooses_as_many_as_were_expected(admin):
    admin.post("schedules/bulk/create", bodies("a", "b", tags=["shop"]))
    admin.post("schedules/bulk/create", bodies("c"))
    asked = {"filter": {"tag": ["shop"]}, "operation": "pause", "expected_count": 3}
    assert admin.post("schedules/bulk/operation", asked).status_code == 409
    assert len(admin.post("schedules/bulk/operation", {**asked, "expected_count": 2}).json()["success"]) == 2
    assert Schedule.objects.filter(status="paused").count() == 2


@pytest.mark.parametrize(
    "asked",
    [
        {"operation": "pause"},
        {"operation": "explode", "schedule_ids": [1]},
        {"operation": "pause", "schedule_ids": []},
        {"operation": "pause", "schedule_ids": list(range(101))},
        {"operation": "pause", "filter": {"colour": "red"}},
        {"operation": "pause", "schedule_ids": [1], "filter": {}},
        [],
    ],
)
def test_a_bad_operation_is_refused(admin, asked):
    assert admin.post("schedules/bulk/operation", asked).status_code == 400


def test_odd_ids_are_not_found(admin):
    asked = {"schedule_ids": ["x", "²", -1, "9" * 30, None, {"a": 1}], "operation": "pause"}
    body = admin.post("schedules/bulk/operation", asked).json()
    assert {one["error"] for one in body["failed"]} == {"not found"}
    assert len(body["failed"]) == 6


def test_each_operation_needs_its_own_right(having, a_schedule):
    pk = a_schedule()["id"]
    reader = having("schedules.view_schedule")
    for operation in ("pause", "resume", "delete", "trigger"):
        answer = reader.post("schedules/bulk/operation", {"schedule_ids": [pk], "operation": operation})
        assert answer.status_code == 403
    assert reader.post("schedules/bulk/create", bodies("x")).status_code == 403
    assert Schedule.objects.get().status == "active"


def test_a_user_has_no_more_schedules_than_the_quota_allows(admin, settings):
    settings.MAX_SCHEDULES_PER_CREATOR = 2
    ids = admin.post("schedules/bulk/create", bodies("a", "b")).json()["schedule_ids"]
    refused = admin.post("schedules", {**ONE, "name": "c"})
    assert (refused.status_code, refused["Retry-After"]) == (429, "3600")
    assert "2 schedules" in refused.json()["detail"]
    admin.delete(f"schedules/{ids[0]}")
    assert admin.post("schedules", {**ONE, "name": "c"}).status_code == 201
