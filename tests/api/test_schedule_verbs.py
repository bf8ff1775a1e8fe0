import pytest

from jobruns.models import JobRun
from schedules.models import Schedule


@pytest.mark.parametrize(("down", "up"), [("pause", "resume"), ("disable", "enable")])
def test_pausing_and_resuming_twice_is_allowed(admin, a_schedule, down, up):
    pk = a_schedule()["id"]
    for _ in range(2):
        paused = admin.post(f"schedules/{pk}/{down}", {"reason": "Maintenance window"}).json()
        assert (paused["status"], paused["pause_reason"]) == ("paused", "Maintenance window")
    assert [one["id"] for one in admin.get("schedules?status=paused").json()["results"]] == [pk]
    for _ in range(2):
        assert admin.post(f"schedules/{pk}/{up}").json()["enabled"] is True


def test_the_reason_of_a_pause_may_stand_in_the_query(admin, a_schedule):
    assert admin.post(f"schedules/{a_schedule()['id']}/pause?reason=Repairs").json()["pause_reason"] == "Repairs"


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"reason": "x" * 501}, "reason"),
        ({"until": "2001-01-01T00:00:00Z"}, "until"),
        ({"until": "soon"}, "until"),
        ({"for": 3}, "for"),
    ],
)
def test_a_bad_pause_changes_nothing(admin, a_schedule, sent, field):
    pk = a_schedule()["id"]
    answer = admin.post(f"schedules/{pk}/pause", sent)
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert Schedule.objects.get().status == "active"


def test_enabled_pauses_and_resumes(admin, a_schedule):
    pk = a_schedule()["id"]
    assert admin.patch(f"schedules/{pk}", {"enabled": False}).json()["status"] == "paused"
    assert admin.patch(f"schedules/{pk}", {"enabled": True}).json()["status"] == "active"


def test_a_suspended_schedule_is_neither_run_nor_paused(admin, a_schedule):
    pk = a_schedule()["id"]
    Schedule.objects.get().suspend(reason="The owner left.")
    assert admin.post(f"schedules/{pk}/trigger").status_code == 409
    assert admin.post(f"schedules/{pk}/pause").status_code == 409
    assert admin.post(f"schedules/{pk}/resume").json()["status"] == "active"


@pytest.mark.parametrize("verb", ["trigger", "run"])
def test_a_trigger_answers_with_the_id_of_the_real_run(admin, a_schedule, verb):
    before = a_schedule()
    answer = admin.post(f"schedules/{before['id']}/{verb}", X_Correlation_ID="order-17")
    assert answer.status_code == 202
    run = JobRun.objects.get(pk=answer.json()["run_id"])
    assert answer.json() == {"run_id": run.pk, "execution_id": run.pk}
    assert (run.trigger, run.triggered_by, run.correlation_id) == ("api", "ada", "order-17")
    assert admin.get(f"schedules/{before['id']}").json()["next_run_at"] == before["next_run_at"]


def test_two_triggers_are_two_runs(admin, a_schedule):
    pk = a_schedule()["id"]
    assert len({admin.post(f"schedules/{pk}/trigger").json()["run_id"] for _ in range(2)}) == 2


def test_a_paused_schedule_can_be_triggered(admin, a_schedule):
    assert admin.post(f"schedules/{a_schedule(enabled=False)['id']}/trigger").status_code == 202


@pytest.mark.parametrize("name", ["override_params", "params"])
def test_overridden_parameters_hold_for_that_run_only(admin, a_schedule, name):
    pk = a_schedule(params={"message": "usual", "sleep_seconds": 1})["id"]
    run = admin.post(f"schedules/{pk}/trigger", {name: {"message": "now"}}).json()["run_id"]
    assert admin.get(f"runs/{run}").json()["params"] == {"message": "now", "sleep_seconds": 1}
    assert admin.get(f"schedules/{pk}").json()["params"]["message"] == "usual"


def test_overridden_parameters_are_checked(admin, a_schedule):
    answer = admin.post(f"schedules/{a_schedule()['id']}/trigger", {"override_payload": {"a": 1}})
    assert answer.status_code == 400
    assert answer.json()["errors"]["params"] == ["command_payload: There is no such field."]
    assert not JobRun.objects.exists()


def test_the_hundred_and_first_waiting_run_is_put_off(admin, a_schedule):
    pk = a_schedule()["id"]
    for _ in range(100):
        Schedule.objects.get().runs.request(by="ada")
    answer = admin.post(f"schedules/{pk}/trigger")
    assert (answer.status_code, answer["Retry-After"]) == (429, "60")


def test_the_sixty_first_trigger_in_a_minute_is_put_off(admin, a_schedule):
    address = f"schedules/{a_schedule()['id']}/trigger"
    codes = [admin.post(address).status_code for _ in range(61)]
    assert codes == [202] * 60 + [429]
