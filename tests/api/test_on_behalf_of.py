"""Headers may say on whose behalf something is done; the actor stays who is signed in."""

import pytest

from jobruns.models import JobRun
from schedules.models import Schedule

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("header", ["X-Triggered-By", "X-Performed-By", "X-Created-By", "X-On-Behalf-Of"])
def test_a_run_keeps_what_was_said_beside_who_asked(admin, a_schedule, header):
    made = a_schedule()
    run_id = admin.post(f"schedules/{made['id']}/trigger", **{header: "alice"}).json()["run_id"]
    run = admin.get(f"runs/{run_id}").json()
    assert (run["triggered_by"], run["on_behalf_of"]) == ("ada", f"{header}: alice")


def test_nothing_said_is_nothing_kept(admin, a_schedule):
    made = a_schedule()
    run_id = admin.post(f"schedules/{made['id']}/trigger").json()["run_id"]
    assert admin.get(f"runs/{run_id}").json()["on_behalf_of"] == ""


def test_headers_do_not_change_whose_a_schedule_is(admin, having):
    maker = having("schedules.add_schedule", "schedules.view_schedule")
    body = {"name": "a", "job_type": "noop", "schedule_type": "manual"}
    made = maker.post("schedules", body, **{"X-Created-By": "ada", "X-On-Behalf-Of": "ada"})
    assert made.json()["created_by"] == maker.user.username
    assert Schedule.objects.get().owner == maker.user


def test_what_is_said_is_cut_and_cleaned_and_never_a_crash(admin, a_schedule):
    made = a_schedule()
    answer = admin.post(f"schedules/{made['id']}/trigger", **{"X-Triggered-By": "é\x01" + "x" * 5_000})
    assert answer.status_code == 202
    run = JobRun.objects.get(pk=answer.json()["run_id"])
    assert len(run.on_behalf_of) == 200
    assert run.on_behalf_of.isprintable()
