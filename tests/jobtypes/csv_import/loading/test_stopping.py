"""Loads that are stopped, wait for others, or die: what the table holds then, and what stays on the server."""

import os
import random
import signal
import subprocess
import sys
import threading
import time

import psycopg
import pytest
from django.db import connections

from integrations import watchdog
from tests.jobtypes.csv_import.loading.ground import counts

TWO = "id,name\n1,Aurora\n2,Borealis\n"
BUSY = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'carillon'
"""
LOCKED = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
LOAD = """
import os, sys
import django
django.setup()
from pathlib import Path
from jobtypes.csv_import.loading import load_file
from jobtypes.csv_import.plan import FilePlan
target, schema, path, rebuild = sys.argv[1:]
plan = FilePlan(filename="f.csv", table="t", schema=schema, primary_key=("id",), rebuild_table=rebuild == "True")
print("ready", flush=True)
print(load_file(target, plan, Path(path)).status)
"""


def wait_until(holds):
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def held(ground):
    """A table that somebody else holds."""
    ground.load(TWO)
    with psycopg.connect(ground.target) as holder:
        holder.execute(f"LOCK TABLE {ground.schema}.t IN ACCESS EXCLUSIVE MODE")
        yield holder


def test_a_cancelled_load_ends_on_the_server_and_changes_nothing(ground, held):
    asked = threading.Event()
    threading.Timer(0.3, asked.set).start()
    with pytest.raises(watchdog.Stopped):
        ground.load("id,name\n1,x\n", options={"cancelled": asked.is_set})
    wait_until(lambda: ground.ask(BUSY) == [(0,)])
    held.rollback()
    assert ground.rows() == [("1", "Aurora"), ("2", "Borealis")]


def test_a_load_ends_on_the_server_when_its_time_is_over(ground, held):
    with pytest.raises(watchdog.TookTooLong):
        ground.load("id,name\n1,x\n", options={"seconds": 0.3})
    wait_until(lambda: ground.ask(BUSY) == [(0,)])


def test_a_table_that_somebody_holds_is_tried_again_later(ground, held, monkeypatch):
    monkeypatch.setattr("jobtypes.csv_import.loading.session.LOCK_SECONDS", 1)
    result = ground.load("id,name\n1,x\n")
    assert (result.error_type, result.retryable, result.connection_lost) == ("LockTimeout", True, False)


def test_a_connection_that_is_cut_is_tried_again_later_and_the_other_files_are_not_tried(ground, held):
    end = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = 'carillon' AND wait_event_type = 'Lock'"
    )
    killer = threading.Thread(target=lambda: wait_until(lambda: ground.ask(end) == [(1,)]))
    killer.start()
    result = ground.load("id,name\n1,x\n")
    killer.join()
    assert (result.error_type, result.retryable, result.connection_lost) == ("ConnectionLost", True, True)


def test_a_second_import_into_the_table_waits_for_the_first(ground, held, monkeypatch):
    monkeypatch.setattr("jobtypes.csv_import.loading.session.LOCK_SECONDS", 20)
    texts = [f"id,name\n{number},x\n" for number in (7, 8)]
    results = []

    def load(text, name):
        results.append(ground.load(text, filename=name))
        connections.close_all()  # Carillon's own, that this thread opened

    threads = [threading.Thread(target=load, args=(text, f"f{text[8]}.csv")) for text in texts]
    for thread in threads:
        thread.start()
    wait_until(lambda: ground.ask(f"{LOCKED} AND NOT granted") == [(1,)])
    held.rollback()
    for thread in threads:
        thread.join()
    assert [counts(one) for one in results] == [(1, 0, 0, 0, 0)] * 2
    assert len(ground.rows()) == 4


def test_progress_is_told_in_bytes_from_the_callers_own_thread(ground, held, monkeypatch):
    monkeypatch.setattr("jobtypes.csv_import.loading.meter.EVERY_SECONDS", 0.1)
    told = []

    def progress(done, total, text):
        told.append((done, total, text, threading.current_thread() is threading.main_thread()))
        if len(told) == 3:
            held.rollback()

    ground.load("id,name\n1,x\n", options={"progress": progress})
    assert told[2] == (12, 12, f"writing to {ground.schema}.t", True)


@pytest.mark.parametrize("rebuild", [False, True])
def test_a_load_that_is_killed_leaves_the_old_rows_or_the_new_and_nothing_else(ground, rebuild):
    size, rounds = 30_000, 3
    ground.load("id,name\n" + "".join(f"{number},old\n" for number in range(size)))
    path = ground.path("id,name\n" + "".join(f"{number},new\n" for number in range(size)), "new.csv")
    for _ in range(rounds):
        command = [sys.executable, "-c", LOAD, ground.target, ground.schema, str(path), str(rebuild)]
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        worker = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        worker.stdout.readline()
        time.sleep(random.uniform(0.0, 0.6))
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
        wait_until(lambda: ground.ask(BUSY) == [(0,)])
        assert len(ground.ask("SELECT name FROM t GROUP BY name")) == 1
        assert ground.ask("SELECT count(*) FROM t") == [(size,)]
        wait_until(lambda: ground.ask(LOCKED) == [(0,)])
    assert ground.ask("SELECT count(*) FROM pg_class WHERE relname LIKE 'carillon_staging%'") == [(0,)]
