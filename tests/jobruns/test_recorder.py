"""The recorder writes what runs report, whatever the database does meanwhile."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from jobruns.engine import claims, recorder
from jobruns.engine.recorder import Recorder
from jobruns.models import JobRun, RunLogLine

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def writing():
    """Return a function that starts a recorder for an owner; each is closed at the end."""
    made = []

    def start(owner="me", **options):
        options.setdefault("stop_run", lambda *_, **__: None)
        made.append(Recorder(owner, **options))
        made[-1].thread.start()
        return made[-1]

    yield start
    for one in made:
        one.close(10)
        assert not one.thread.is_alive()


def soon(holds, within=8.0):
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.02)


def status(assignment):
    return JobRun.objects.get(pk=assignment.run_id).status


def test_an_ending_is_written_and_let_go(claimed, ending, writing):
    one, told = claimed()[1], threading.Event()
    keeper = writing(on_written=told.set)
    keeper.took([one.run_id])
    keeper.ended([ending(one)])
    soon(lambda: status(one) == "success")
    assert told.wait(2)
    assert keeper.holding() == set()


def test_endings_wait_until_the_database_is_back(claimed, ending, writing, monkeypatch):
    one, real, tries = claimed()[1], recorder.record, []

    def away(endings, owner):
        tries.append(owner)
        if len(tries) < 3:
            raise OperationalError("the server went away")
        return real(endings, owner)

    monkeypatch.setattr(recorder, "record", away)
    monkeypatch.setattr(recorder, "RETRY", 0.05)
    keeper = writing()
    keeper.took([one.run_id])
    keeper.ended([ending(one)])
    soon(lambda: status(one) == "success")
    assert len(tries) == 3


def test_an_ending_that_the_database_refuses_keeps_no_other_from_being_written(claimed, ending, writing):
    bad, good = claimed(max_retries=0)[1], claimed()[1]
    keeper = writing()
    keeper.took([bad.run_id, good.run_id])
    keeper.ended([ending(bad, "failed", reason="error", metrics="no JSON at all"), ending(good)])
    soon(lambda: status(good) == "success")
    soon(lambda: status(bad) == "failed")
    run = JobRun.objects.get(pk=bad.run_id)
    assert (run.reason, run.metrics) == ("error", {})
    assert "refused" in run.error
    assert keeper.holding() == set()


def test_lines_are_written_in_order_and_once(claimed, writing):
    one = claimed()[1]
    keeper = writing()
    now = timezone.now()
    for number in (1, 2, 2, 3):
        keeper.line(("log", one.run_id, number, now, "info", f"line {number}"))
    soon(lambda: RunLogLine.objects.count() == 3)
    assert [line.text for line in RunLogLine.objects.order_by("number")] == ["line 1", "line 2", "line 3"]


def test_a_run_that_was_given_back_goes_on_after_the_lines_of_its_first_start(claimed, writing):
    one = claimed()[1]
    before, after = writing(), writing()
    for keeper in (before, after):
        keeper.took([one.run_id])
        for number in (1, 2):
            keeper.line(("log", one.run_id, number, timezone.now(), "info", "hello"))
        soon(lambda: keeper.lines.empty() and not keeper.unsaved)  # noqa: B023
    assert [line.number for line in RunLogLine.objects.order_by("number")] == [1, 2, 3, 4]


def test_lines_of_a_run_that_was_deleted_block_no_other(claimed, writing):
    gone, one = claimed()[1], claimed()[1]
    JobRun.objects.filter(pk=gone.run_id).delete()
    keeper = writing()
    for run_id in (gone.run_id, one.run_id):
        keeper.line(("log", run_id, 1, timezone.now(), "info", "hello"))
    soon(lambda: RunLogLine.objects.filter(run_id=one.run_id).exists())


def test_progress_is_shown_while_the_run_goes_on(claimed, writing):
    one = claimed()[1]
    writing().line(("progress", one.run_id, {"done": 1, "total": 2, "text": "half"}))
    soon(lambda: JobRun.objects.get(pk=one.run_id).progress == {"done": 1, "total": 2, "text": "half"})


def test_returned_runs_go_back_to_the_line(claimed, writing):
    one = claimed()[1]
    keeper = writing()
    keeper.took([one.run_id])
    keeper.give_back([one.run_id])
    soon(lambda: status(one) == "pending")
    soon(lambda: keeper.holding() == set())


def test_only_what_is_held_keeps_its_lease(claimed, writing):
    held, forgotten = claimed()[1], claimed()[1]
    early = timezone.now() + timedelta(seconds=1)
    JobRun.objects.update(lease_expires_at=early)
    keeper = Recorder("me", stop_run=lambda *_, **__: None)
    keeper.took([held.run_id])
    keeper._batch()
    assert JobRun.objects.get(pk=held.run_id).lease_expires_at > early
    assert JobRun.objects.get(pk=forgotten.run_id).lease_expires_at == early


def test_a_request_to_stop_is_passed_on(claimed, writing):
    one, asked = claimed()[1], []
    writing(stop_run=lambda run_id, **how: asked.append((run_id, how))).took([one.run_id])
    JobRun.objects.get(pk=one.run_id).cancel(by="an operator")
    soon(lambda: asked)
    assert asked[0] == (one.run_id, {"why": "requested", "by": "an operator", "force": False})


def test_claims_survive_more_endings_than_fit_into_a_batch(claimed, ending, writing, monkeypatch):
    monkeypatch.setattr(recorder, "BATCH", 2)
    made = [claimed()[1] for _ in range(7)]
    keeper = writing()
    keeper.took(one.run_id for one in made)
    keeper.ended([ending(one) for one in made])
    soon(lambda: JobRun.objects.filter(status="success").count() == 7)


def test_closing_writes_what_is_left(claimed, ending, writing):
    one = claimed()[1]
    keeper = writing()
    keeper.took([one.run_id])
    keeper.ended([ending(one)])
    keeper.close(10)
    assert status(one) == "success"


def test_a_run_given_to_another_is_not_written(claimed, ending, writing):
    one = claimed()[1]
    claims.give_back([one.run_id], "me")
    claims.claim_ready(1, "you")
    keeper = writing()
    keeper.took([one.run_id])
    keeper.ended([ending(one)])
    soon(lambda: keeper.holding() == set())
    assert (status(one), JobRun.objects.get(pk=one.run_id).owner) == ("running", "you")
