"""The benchmarks run; what they measure is not looked at here."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

QUICK = ["--count", "20", "--rounds", "1", "--processes", "1"]


def bench(*arguments, database):
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": database},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_benchmarks_run_with_a_few_schedules(tmp_path):
    ended = bench("ledger", "throughput", *QUICK, database=f"sqlite:///{tmp_path}/bench.sqlite3")
    assert ended.returncode == 0, ended.stderr
    assert [line.split(",")[0] for line in ended.stdout.splitlines()] == ["ledger", "ledger", "throughput"]


def test_reading_is_measured_beside_the_csv_module(tmp_path):
    ended = bench("reading", "--rows", "1000", "--rounds", "1", database=f"sqlite:///{tmp_path}/bench.sqlite3")
    assert ended.returncode == 0, ended.stderr
    assert [line.split()[2] for line in ended.stdout.splitlines()] == ["plain", "quoted"]


def test_an_unknown_benchmark_is_refused(tmp_path):
    ended = bench("flight", database=f"sqlite:///{tmp_path}/bench.sqlite3")
    assert ended.returncode == 2
    assert "unknown: flight" in ended.stderr


@pytest.mark.parametrize("peer", ["peer", "peer_store", "peer_celery", "several", "idle"])
def test_every_part_can_be_loaded(peer):
    __import__(f"bench.{peer}")
