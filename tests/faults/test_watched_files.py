"""Schedulers that watch files: what the file says fires, whatever becomes of the file meanwhile."""

import pytest

from jobruns.engine.invariants import breaches
from jobruns.models import JobRun
from schedules.files.models import RefusedFile
from schedules.models import Schedule
from tests.faults.conftest import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]
TEXT = "schedules:\n  - {name: tick, job_type: noop, schedule_type: interval, interval_seconds: 1, tags: [TAG]}\n"


def succeeded():
    return JobRun.objects.filter(schedule__name="tick", status="success").count()


def test_what_a_watched_file_says_fires_and_goes_on_while_the_file_is_bad(start_scheduler, tmp_path):
    file = tmp_path / "schedules.yaml"
    file.write_text(TEXT)
    both = [start_scheduler("--processes", "1", "--watch", str(file)) for _ in range(2)]
    for one in both:
        one.wait_until_started()
    wait_until(lambda: succeeded() > 1, within=15)
    file.write_text(TEXT.replace("noop", "nop"))
    wait_until(RefusedFile.objects.exists, within=10)
    before = succeeded()
    wait_until(lambda: succeeded() > before + 1, within=10)
    file.write_text(TEXT.replace("TAG", "mended"))
    wait_until(lambda: Schedule.objects.get().tags == ["mended"], within=10)
    wait_until(lambda: not RefusedFile.objects.exists(), within=10)
    for one in both:
        code, seconds = one.stop()
        assert (code, seconds < 10) == (0, True)
    assert Schedule.objects.get().version == 2
    assert list(breaches()) == []
