"""The questions that pages ask of the ledger give the right rows, however many there are."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobruns.models import JobRun
from tests.face.conftest import run_of, schedule

pytestmark = pytest.mark.django_db


def test_the_first_id_of_a_time_is_found_among_gaps() -> None:
    one, now = schedule("one"), timezone.now()
    runs = [run_of(one, now - timedelta(minutes=minute)) for minute in range(30, 0, -1)]
    JobRun.objects.filter(pk__in=[run.pk for run in runs[5:9]]).delete()
    for position in (0, 4, 9, 20, 29):
        since = JobRun.objects.since(runs[position].queued_at).order_by("pk")
        assert since.values_list("pk", flat=True).first() == runs[position].pk
    after_gap = JobRun.objects.since(runs[6].queued_at).order_by("pk")
    assert after_gap.values_list("pk", flat=True).first() == runs[9].pk
    assert JobRun.objects.since(now).count() == 0


def test_an_empty_ledger_has_no_first_id() -> None:
    assert JobRun.objects.first_id_since(timezone.now()) == 0


def test_the_newest_of_each_schedule_come_in_two_questions(django_assert_num_queries: Any) -> None:
    many, few, now = schedule("many"), schedule("few"), timezone.now()
    wanted = [run_of(many, now - timedelta(minutes=minute)).pk for minute in range(9, 0, -1)][-5:]
    only = run_of(few, now).pk
    with django_assert_num_queries(2):
        found = JobRun.objects.outline().newest_of([many.pk, few.pk], 5)
    assert [run.pk for run in found[many.pk]] == wanted
    assert [run.pk for run in found[few.pk]] == [only]


def test_a_page_says_where_the_next_one_begins() -> None:
    one, now = schedule("one"), timezone.now()
    pks = [run_of(one, now - timedelta(minutes=minute)).pk for minute in range(7)]
    first, onward = JobRun.objects.all().older_than(None, 5)
    rest, end = JobRun.objects.all().older_than(onward, 5)
    assert [run.pk for run in [*first, *rest]] == pks[::-1]
    assert end is None


def test_the_last_success_is_older_than_the_run() -> None:
    one, now = schedule("one"), timezone.now()
    success = run_of(one, now - timedelta(hours=3))
    failed = run_of(one, now - timedelta(hours=2), status="failed")
    run_of(one, now - timedelta(hours=1))
    assert JobRun.objects.last_success(failed) == success
