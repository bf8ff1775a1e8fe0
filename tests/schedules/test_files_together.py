"""A sync beside people and programs that change the same schedules: everything is done, nothing waits in a circle."""

import pytest
from django.core.exceptions import ValidationError

from schedules.dependencies import Wanted
from schedules.files.gathering import Gathered
from schedules.files.sync import sync
from schedules.models import Schedule
from tests.jobruns.threads import together

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = [f"s{number}" for number in range(5)]


def file(path, hour, names):
    lines = [f"  - {{name: {name}, job_type: noop, cron_expression: '0 {hour} * * *'}}\n" for name in names]
    return Gathered(path, {"f.yaml": "schedules:\n" + "".join(lines)})


def test_syncs_and_edits_of_the_same_schedules_do_not_wait_for_each_other_in_a_circle(tmp_path, make_schedule):
    parent = make_schedule(name="parent")
    sync(file(tmp_path, 1, NAMES))

    def work(number):
        for turn in range(3):
            if number < 2:
                sync(file(tmp_path, 2 + turn, NAMES if number else reversed(NAMES)), tells_fires=False)
                continue
            for name in NAMES if number % 2 else reversed(NAMES):
                schedule = Schedule.objects.get(name=name)
                schedule.tags = [str(turn)]
                schedule.store(by="ann", depends_on=[Wanted(schedule_id=parent.pk)] if turn % 2 else [])
                try:
                    schedule.pause(by="ann")
                    schedule.resume(by="ann")
                except ValidationError:
                    continue
        return True

    assert together(work, threads=4) == [True] * 4
    sync(file(tmp_path, 9, NAMES))
    assert set(Schedule.objects.filter(name__in=NAMES).values_list("cron_expression", flat=True)) == {"0 9 * * *"}
    assert not Schedule.objects.get(name="s0").dependencies.exists()
