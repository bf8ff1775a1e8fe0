"""The peer of many machines: celery beat and a worker, Redis as the broker, results in the database.

Set up as its documentation says: `beat` with one entry a schedule, `worker` with as many processes as Carillon has
children. A task does nothing; the lag is taken from the moment of its result, which the worker notes itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection

from bench import ground

BROKER = os.environ.get("BENCH_BROKER", "redis://127.0.0.1:6379/14")


def burst(count: int, *, processes: int) -> ground.Burst:
    """Return how `count` tasks due at one instant went."""
    due = ground.soon(15 + count / 1_000)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS celery_taskmeta, celery_tasksetmeta")
    environment = {
        **os.environ,
        "BENCH_BROKER": BROKER,
        "BENCH_BACKEND": "db+" + os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:", 1),
        "BENCH_DUE": due.isoformat(),
        "BENCH_COUNT": str(count),
    }
    celery = [sys.executable, "-m", "celery", "--app", "bench.celery_app", "--quiet"]
    subprocess.run([*celery, "purge", "--force"], env=environment, check=True, capture_output=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running([*celery, "worker", "--concurrency", str(processes), "--loglevel", "ERROR"], environment),
        running([*celery, "beat", "--schedule", f"{folder}/beat", "--loglevel", "ERROR"], environment),
    ):
        ground.wait_until(lambda: len(_ended()) >= count)
    ended = _ended()
    lags = [(moment - due.replace(tzinfo=None)).total_seconds() for moment in ended]
    return ground.Burst.of(lags, max(lags))


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    """Run a process of celery; it is stopped at the end."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _ended() -> list[datetime]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('celery_taskmeta')")
        if cursor.fetchone()[0] is None:
            return []
        cursor.execute("SELECT date_done FROM celery_taskmeta WHERE status = 'SUCCESS'")
        return [moment for (moment,) in cursor.fetchall()]
