import threading
import time

import pytest

from jobtypes.base import InvalidParams, JobFailed
from jobtypes.registry import parse
from tests.jobtypes.running import TrialContext, execute


def test_nothing_is_required():
    assert execute("noop", {}).summary == "Did nothing, as asked."


def test_a_message_is_printed_and_becomes_the_summary():
    context = TrialContext()
    assert execute("noop", {"message": "hello"}, context).summary == "hello"
    assert context.lines == ["hello"]


def test_it_sleeps_as_long_as_it_is_told():
    began = time.monotonic()
    execute("noop", {"sleep_seconds": 0.2})
    assert 0.2 <= time.monotonic() - began < 1


def test_it_wakes_when_it_is_cancelled():
    context = TrialContext()
    timer = threading.Timer(0.1, context.stop.set)
    timer.start()
    began = time.monotonic()
    execute("noop", {"sleep_seconds": 60}, context)
    assert time.monotonic() - began < 1
    timer.join()


def test_it_fails_on_request():
    with pytest.raises(JobFailed, match="by design"):
        execute("noop", {"fail": True, "message": "by design"})


def test_it_crashes_on_request():
    with pytest.raises(RuntimeError, match="Crashed on request"):
        execute("noop", {"crash": True})


@pytest.mark.parametrize("params", [{"sleep_seconds": -1}, {"sleep_seconds": "nan"}, {"sleep": 1}, {"fail": "maybe"}])
def test_other_parameters_are_refused(params):
    with pytest.raises(InvalidParams):
        parse("noop", params)
