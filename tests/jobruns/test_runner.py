"""One run, three endings: returned, failed as foreseen, crashed; and nothing that a database would refuse."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from jobruns.runner import ERROR_LIMIT, Assignment, execute, stopped
from jobtypes import registry
from jobtypes.base import Context, InvalidParams, JobCancelled, JobFailed, JobType, Outcome
from jobtypes.noop import NoopConfig

INSTANT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture
def run(monkeypatch):
    """Return a function that executes a run whose job does what `act` does."""

    def execute_act(act, params="{}"):
        class Kind(JobType):
            name = "kind"
            Config = NoopConfig

            def run(self, config, context: Context):
                return act()

        monkeypatch.setattr(registry, "job_types", lambda: {"kind": Kind()})
        return execute(assignment(params), None)

    return execute_act


def assignment(params="{}"):
    return Assignment(
        run_id=5,
        schedule_id=1,
        schedule_name="tea",
        job_type="kind",
        environment="test",
        params=params,
        scheduled_for=INSTANT,
        attempt=2,
        correlation_id="c",
        idempotency_key="k",
        timeout_seconds=7,
    )


def raising(failure):
    def act():
        raise failure

    return act


def test_a_job_that_returns_succeeds(run):
    said = run(lambda: Outcome(summary="Made tea.", metrics={"cups": 2}, result={"kind": "green"}))
    assert (said.run_id, said.attempt, said.status, said.reason) == (5, 2, "success", "")
    assert (said.summary, said.error, said.traceback) == ("Made tea.", "", "")
    assert (json.loads(said.metrics), json.loads(said.result)) == ({"cups": 2}, {"kind": "green"})
    assert said.started_at <= said.finished_at


def test_a_job_that_fails_as_foreseen_keeps_no_traceback(run):
    said = run(raising(JobFailed("No water.", retry=False, retry_after=5, metrics={"cups": 0})))
    assert (said.status, said.reason, said.error, said.traceback) == ("failed", "expected", "No water.", "")
    assert (said.retry, said.retry_after, json.loads(said.metrics)) == (False, 5, {"cups": 0})


@pytest.mark.parametrize("crash", [ZeroDivisionError("by design"), SystemExit(3), RecursionError()])
def test_a_job_that_crashes_keeps_its_traceback(run, crash):
    said = run(raising(crash))
    assert (said.status, said.reason, said.retry) == ("failed", "error", True)
    assert said.error.startswith(type(crash).__name__)
    assert "Traceback" in said.traceback


def test_a_job_that_was_cancelled_is_not_tried_again(run):
    said = run(raising(JobCancelled("Stopped.")))
    assert (said.status, said.reason) == ("cancelled", "requested")


def test_parameters_that_are_no_longer_valid_end_the_instant(run):
    said = run(lambda: Outcome(), params='{"sugar": true}')
    assert (said.status, said.reason, said.retry) == ("failed", "suspended", False)
    assert "sugar: There is no such field." in said.error


def test_a_job_that_returns_no_outcome_crashes(run):
    said = run(lambda: "tea")
    assert (said.status, said.reason) == ("failed", "error")


def test_a_job_type_that_was_removed_is_a_failure_that_says_so():
    said = execute(assignment(), None)
    assert (said.status, said.retry) == ("failed", False)
    assert "There is no job type 'kind'" in said.error


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (float("nan"), "nan"),
        ("a\0b", "a�b"),
        ("\ud800", "?"),
        ("back\\u0000slash", "back\\u0000slash"),
        ({1: (2, {"x": float("inf")})}, {"1": [2, {"x": "inf"}]}),
        (INSTANT, str(INSTANT)),
    ],
)
def test_what_json_in_a_database_cannot_hold_becomes_text(run, value, stored):
    said = run(lambda: Outcome(result={"value": value}))
    assert json.loads(said.result) == {"value": stored}


def test_a_result_in_circles_is_noted_and_changes_no_ending(run):
    circle = {}
    circle["self"] = circle
    done, failed = run(lambda: Outcome(result=circle)), run(raising(JobFailed("No water.", result=circle)))
    assert (done.status, failed.error) == ("success", "No water.")
    assert "cannot be written" in json.loads(done.result)["cut"]
    assert done.result == failed.result


def test_an_exception_that_cannot_describe_itself_is_a_crash_like_any_other(run):
    class Mute(Exception):
        def __str__(self):
            raise ZeroDivisionError

    assert run(raising(Mute())).reason == "error"


def test_what_is_too_long_is_cut(run):
    said = run(raising(JobFailed("x" * 50_000)))
    assert len(said.error) < ERROR_LIMIT + 100
    assert said.error.endswith("50000 characters in all")
    assert "cut" in json.loads(run(lambda: Outcome(result={"text": "x" * 2_000_000})).result)


@pytest.mark.parametrize(
    ("why", "status", "reason"),
    [
        ("timeout", "failed", "timeout"),
        ("requested", "cancelled", "requested"),
        ("overlap", "cancelled", "overlap"),
        ("lost", "failed", "lost"),
    ],
)
def test_a_run_stopped_from_outside_says_by_what(why, status, reason):
    said = stopped(assignment(), datetime.now(UTC) - timedelta(seconds=7), why=why, by="an operator")
    assert (said.status, said.reason) == (status, reason)
    assert said.error


def test_invalid_params_read_as_sentences():
    assert InvalidParams({"": ["Wrong."], "cups": ["Too many."]}).sentences() == ["Wrong.", "cups: Too many."]
