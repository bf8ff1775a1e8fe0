"""Chains and limits of tags with real schedulers: nothing lost or doubled by a death, no limit ever exceeded."""

from collections import Counter
from itertools import pairwise

import pytest

from jobruns.engine.invariants import breaches
from jobruns.models import JobRun
from schedules.dependencies import Wanted
from schedules.limits import TagLimit
from tests.faults.conftest import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = {"schedule_type": "manual", "overlap_policy": "allow", "max_instances": 50}


def chain(make_schedule, *names, **fields):
    made = []
    for name in names:
        made.append(make_schedule(name=name, **AT_ONCE, **fields))
        if len(made) > 1:
            made[-1].store(by="tester", depends_on=[Wanted(schedule=made[-2].name)])
    return made


def concluded(schedule):
    return schedule.runs.concluded().filter(status="success")


def most_at_once(runs):
    """Return how many of these runs went on together at most, by what the ledger says of start and end."""
    moments = [(run.started_at, 1) for run in runs] + [(run.finished_at, -1) for run in runs]
    most = going = 0
    for _, step in sorted(moments):
        going += step
        most = max(most, going)
    return most


def test_each_link_of_a_chain_starts_within_a_second_of_the_one_before(make_schedule, start_scheduler):
    first, *_, last = chain(make_schedule, "a", "b", "c")
    start_scheduler("--processes", "2").wait_until_started()
    first.runs.request(by="warm-up")
    wait_until(lambda: concluded(last).count() == 1, within=20)
    asked = first.runs.request(by="tester")
    assert wait_until(lambda: concluded(last).count() == 2, within=10) < 4
    assert JobRun.objects.filter(correlation_id=asked.correlation_id).count() == 3


def test_the_death_of_a_scheduler_between_two_links_loses_no_child_and_runs_none_twice(
    make_schedule, start_scheduler
):
    tried_again = {"max_retries": 3, "retry_delay_seconds": 0, "params": {"sleep_seconds": 0.02}}
    family = first, *_, last = chain(make_schedule, "a", "b", "c", **tried_again)
    asked = [first.runs.request(by="tester").pk for _ in range(40)]
    for ended in (5, 15, 25):
        one = start_scheduler("--processes", "2")
        wait_until(lambda ended=ended: concluded(last).count() >= ended, within=30)
        one.kill()
    start_scheduler("--processes", "2")
    wait_until(lambda: concluded(last).count() == len(asked), within=30)
    wait_until(lambda: not JobRun.objects.active().exists(), within=10)
    for parent, child in pairwise(family):
        followed = Counter(run.parent["run_id"] for run in child.runs.filter(trigger="dependency"))
        assert followed == Counter(concluded(parent).values_list("pk", flat=True))
    assert len(set(JobRun.objects.values_list("correlation_id", flat=True))) == len(asked)
    assert [one for one in breaches() if one.rule != "unowned"] == []


def test_two_schedulers_together_never_exceed_the_limit_of_a_tag_and_use_all_of_it(make_schedule, start_scheduler):
    TagLimit(tag="slow", max_running=3).store(by="tester")
    for number in range(6):
        schedule = make_schedule(name=f"slow-{number}", tags=["slow"], params={"sleep_seconds": 0.1}, **AT_ONCE)
        for _ in range(5):
            schedule.runs.request(by="tester")
    for _ in range(2):
        start_scheduler("--processes", "4")
    wait_until(lambda: JobRun.objects.filter(status="success").count() == 30, within=30)
    runs = list(JobRun.objects.all())
    assert most_at_once(runs) == 3
    spent = max(run.finished_at for run in runs) - min(run.started_at for run in runs)
    assert spent.total_seconds() < 10
