"""The pool executes runs in child processes that can be stopped, killed and replaced, and loses none of them."""

import json
import os
import signal
import time
from multiprocessing import forkserver

import pytest

from jobruns.engine import pool as pools
from jobtypes import registry
from tests.jobruns.books import INSTANT, Book, exists, wait_until


@pytest.fixture(autouse=True)
def tricks(settings, monkeypatch):
    """Let child processes know the job types that misbehave."""
    settings.JOB_TYPES = [*settings.JOB_TYPES, "tests.jobruns.kinds.Trick"]
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.jobruns.settings")
    registry.job_types.cache_clear()
    yield
    registry.job_types.cache_clear()


@pytest.fixture
def book():
    made = []

    def open_book(slots=2):
        made.append(Book(slots))
        return made[-1]

    yield open_book
    for one in made:
        one.pool.close(0)
        wait_until(lambda: not any(slot.process.is_alive() for slot in one.pool.slots))  # noqa: B023


def test_a_run_is_executed_in_a_process_of_its_own(book, tmp_path):
    one = book()
    run_id = one.submit("pid", path=str(tmp_path / "pid"))
    assert one.ending(run_id).status == "success"
    assert int((tmp_path / "pid").read_text()) != os.getpid()


def test_a_child_inherits_neither_connection_nor_thread(book):
    one = book()
    result = json.loads(one.ending(one.submit("look")).result)
    assert result["threads"] == ["MainThread", "listen"]
    assert result["connected"] is False
    assert result["scheduled_for"] == INSTANT.isoformat()
    assert 25 < result["seconds_left"] <= 30


@pytest.mark.parametrize("act", ["sleep", "spin"])
def test_a_run_that_hangs_is_killed_at_its_timeout(book, act):
    one = book(1)
    one.ending(one.submit("nothing"))
    began = time.monotonic()
    said = one.ending(one.submit(act, timeout=1, seconds=60), within=5)
    assert (said.status, said.reason) == ("failed", "timeout")
    assert 0.9 < time.monotonic() - began < 3.5
    assert one.ending(one.submit("nothing")).status == "success"


def test_a_run_that_lets_no_other_thread_work_is_killed_too(book):
    one = book(1)
    said = one.ending(one.submit("choke", timeout=1, seconds=60), within=12)
    assert (said.status, said.reason) == ("failed", "timeout")


def test_others_start_while_runs_hang(book):
    one = book(3)
    for _ in range(2):
        one.submit("spin", timeout=20, seconds=60)
    one.ending(one.submit("nothing"))
    began = time.monotonic()
    one.ending(one.submit("nothing"))
    assert time.monotonic() - began < 1


def test_a_process_group_dies_with_its_run(book, tmp_path):
    one = book(1)
    path = tmp_path / "pid"
    run_id = one.submit("spawn", timeout=2, seconds=300, path=str(path))
    assert one.ending(run_id).reason == "timeout"
    leader = int(path.read_text())
    wait_until(lambda: not exists(leader))


@pytest.mark.parametrize("why", ["requested", "overlap", "blackout"])
def test_a_run_that_obeys_ends_as_soon_as_it_is_asked(book, why):
    one = book(1)
    run_id = one.submit("obey", seconds=60)
    wait_until(lambda: one.pool.busy())
    time.sleep(0.3)
    one.pool.stop_run(run_id, why=why, by="an operator", force=False)
    said = one.ending(run_id, within=1)
    assert (said.status, said.reason) == ("cancelled", why)
    assert "an operator" in said.error


@pytest.mark.parametrize("act", ["sleep", "spin"])
def test_a_run_that_does_not_obey_is_killed_within_three_seconds(book, act):
    one = book(1)
    run_id = one.submit(act, seconds=60)
    wait_until(lambda: one.pool.busy())
    one.pool.stop_run(run_id, why="requested", by="an operator", force=False)
    said = one.ending(run_id, within=3)
    assert (said.status, said.reason) == ("cancelled", "requested")


def test_a_forced_stop_kills_at_once(book):
    one = book(1)
    run_id = one.submit("sleep", seconds=60)
    wait_until(lambda: one.pool.slots and one.pool.slots[0].ready and one.pool.busy())
    one.pool.stop_run(run_id, why="overlap", by="the newer run", force=True)
    said = one.ending(run_id, within=0.9)
    assert (said.status, said.reason) == ("cancelled", "overlap")


def test_a_run_that_waits_for_a_slot_is_cancelled_without_starting(book, tmp_path):
    one = book(1)
    one.submit("sleep", seconds=60)
    wait_until(lambda: one.pool.busy())
    waiting = one.submit("pid", path=str(tmp_path / "pid"))
    one.pool.stop_run(waiting, why="requested", by="an operator", force=False)
    assert one.ending(waiting, within=2).status == "cancelled"
    assert not (tmp_path / "pid").exists()


@pytest.mark.parametrize(
    ("act", "reason"), [("die", "lost"), ("exit", "error"), ("crash", "error"), ("fail", "expected")]
)
def test_an_end_out_of_order_says_why(book, act, reason):
    one = book(1)
    said = one.ending(one.submit(act))
    assert (said.status, said.reason) == ("failed", reason)
    assert bool(said.traceback) == (reason == "error")
    assert one.ending(one.submit("nothing")).status == "success"


def test_a_child_killed_from_outside_loses_its_run_and_no_other(book, tmp_path):
    one = book(1)
    path = tmp_path / "pid"
    first = one.submit("pid", seconds=60, path=str(path), usual=0.001)
    others = [one.submit("nothing", usual=0.001) for _ in range(5)]
    wait_until(path.exists)
    wait_until(lambda: path.read_text().endswith("\n"))
    os.kill(int(path.read_text()), signal.SIGKILL)
    assert one.ending(first).reason == "lost"
    wait_until(lambda: set(others) <= {*one.endings, *one.returned})
    assert {one.endings[other].status for other in others if other in one.endings} <= {"success"}


def test_runs_behind_one_that_lingers_go_to_another_child(book):
    one = book(2)
    one.ending(one.submit("nothing"))
    one.submit("sleep", seconds=60, usual=0.001)
    others = [one.submit("nothing", usual=0.001) for _ in range(30)]
    began = time.monotonic()
    for other in others:
        one.ending(other)
    assert time.monotonic() - began < 3


def test_runs_that_found_no_slot_go_back_to_the_line(book):
    one = book(1)
    one.submit("sleep", seconds=60)
    waiting = one.submit("nothing")
    wait_until(lambda: one.returned == [waiting], within=pools.LINGER + 3)


def test_a_large_result_arrives_whole(book):
    one = book(1)
    assert len(json.loads(one.ending(one.submit("big")).result)["text"]) == 900_000


def test_a_child_killed_in_the_middle_of_a_message_is_replaced(book):
    one = book(1)
    assert one.ending(one.submit("mumble")).reason == "lost"
    assert one.ending(one.submit("nothing")).status == "success"


def test_a_child_outlives_the_process_that_forked_it_and_can_still_be_killed(book):
    one = book(1)
    run_id = one.submit("spin", timeout=1, seconds=60)
    wait_until(lambda: one.pool.busy() and one.pool.slots[0].ready)
    os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)
    assert one.ending(run_id, within=6).reason == "timeout"
    assert one.ending(one.submit("nothing")).status == "success"


def test_lines_and_progress_arrive_while_the_run_goes_on(book):
    one = book(1)
    run_id = one.submit("talk")
    one.ending(run_id)
    texts = [message[5] for message in one.lines if message[0] == "log"]
    assert texts == [f"line {number}" for number in range(5)]
    assert [message[4] for message in one.lines if message[0] == "log"] == ["info"] + ["warning"] * 4
    assert ("progress", run_id, {"done": 1, "total": 2, "text": "half"}) in one.lines


def test_what_no_database_takes_is_made_harmless(book):
    one = book(1)
    said = one.ending(one.submit("odd"))
    result = json.loads(said.result)
    assert said.status == "success"
    assert result["nan"] == "nan"
    assert "\0" not in result["nul"]
    assert result["lone"].encode() == b"?"


def test_closing_lets_running_work_end(book):
    one = book(1)
    run_id = one.submit("sleep", seconds=0.5)
    wait_until(lambda: one.pool.busy())
    assert one.pool.close(10) == []
    assert one.endings[run_id].status == "success"


def test_closing_returns_what_did_not_end_and_leaves_no_process(book, tmp_path):
    one = book(2)
    path = tmp_path / "pids"
    runs = [one.submit("pid", seconds=60, path=str(path)) for _ in range(2)]
    wait_until(lambda: path.exists() and path.read_text().count("\n") == 2)
    assert sorted(one.pool.close(0.2)) == runs
    wait_until(lambda: not any(exists(int(pid)) for pid in path.read_text().split()))
    assert one.endings == {}


def test_a_child_shrugs_off_the_signal_that_asks_its_parent_to_stop(book, tmp_path):
    one = book(1)
    path = tmp_path / "pid"
    run_id = one.submit("pid", seconds=1, path=str(path))
    wait_until(lambda: path.exists() and path.read_text().endswith("\n"))
    os.kill(int(path.read_text()), signal.SIGTERM)
    assert one.ending(run_id).status == "success"
