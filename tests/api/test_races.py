"""Several requests at one moment, on the real database."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from jobruns.models import JobRun
from schedules.models import Schedule

pytestmark = pytest.mark.django_db(transaction=True)
MANUAL = {"name": "n", "job_type": "noop", "schedule_type": "manual"}
RIVALS = 4


def at_once(request):
    """Return what RIVALS threads got that called `request` with their number in the same moment."""
    start = Barrier(RIVALS)

    def one(number):
        start.wait()
        try:
            return request(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(RIVALS) as pool:
        return list(pool.map(one, range(RIVALS)))


def test_one_of_several_rivals_gets_the_name_and_the_others_a_conflict(admin):
    answers = at_once(lambda _: admin.post("schedules", MANUAL).status_code)
    assert sorted(answers) == [201, 409, 409, 409]
    assert Schedule.objects.count() == 1


def test_a_request_repeated_at_once_is_done_once_and_answered_alike(admin, a_schedule):
    address = f"schedules/{a_schedule()['id']}/trigger"
    answers = at_once(lambda _: admin.post(address, Idempotency_Key="k").json())
    assert all(answer == answers[0] for answer in answers)
    assert [run.pk for run in JobRun.objects.all()] == [answers[0]["run_id"]]


def test_changes_of_different_fields_at_once_are_all_kept(admin, a_schedule):
    address = f"schedules/{a_schedule()['id']}"
    fields = [("priority", 9), ("description", "new"), ("max_retries", 7), ("tags", ["x"])]
    codes = at_once(lambda number: admin.patch(address, dict([fields[number]])).status_code)
    body = admin.get(address).json()
    assert codes == [200] * RIVALS
    assert {name: body[name] for name, _ in fields} == dict(fields)
    assert body["version"] == 1 + RIVALS


def test_of_several_changes_of_one_seen_version_only_one_is_made(admin, a_schedule):
    address = f"schedules/{a_schedule()['id']}"
    seen = admin.get(address)["ETag"]
    codes = at_once(lambda number: admin.patch(address, {"priority": 1 + number}, If_Match=seen).status_code)
    assert sorted(codes) == [200, 412, 412, 412]
