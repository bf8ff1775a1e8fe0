"""Scheduler processes as in production: started, signalled and killed by the tests, on the tests' own database."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from jobtypes import registry

ROOT = Path(__file__).resolve().parent.parent.parent


class SchedulerUnderTest:
    """One `runscheduler` process with its log in a file."""

    def __init__(self, log, *options, program="manage.py", surroundings=None):
        self.log = log
        command = [
            sys.executable,
            program,
            "runscheduler",
            "--log-level",
            "INFO",
            "--log-format",
            "text",
            *options,
        ]
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=surroundings or environment(),
                stdout=stderr,
                stderr=stderr,
                start_new_session=True,
            )
        self.pid = self.process.pid

    def text(self):
        """Return what it has logged so far."""
        return self.log.read_text(errors="replace")

    def wait_until_started(self):
        wait_until(lambda: "scheduler started" in self.text() or self.process.poll() is not None, within=30)
        assert self.process.poll() is None, self.text()

    def stop(self, number=signal.SIGTERM, *, within=20):
        """Ask it to stop, and return its exit code and how many seconds that took."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(within)
        return code, time.monotonic() - began

    def kill(self):
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(10)


def environment():
    """Return the environment of a process that works on the tests' database and knows the tests' job types."""
    return {**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "tests.jobruns.settings"}


def database_url():
    if connection.vendor == "sqlite":
        return f"sqlite:///{connection.settings_dict['NAME']}"
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}"))


def wait_until(holds, *, within=10.0):
    """Wait until `holds()`, and fail if that takes longer than `within` seconds; return how long it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within, "It did not happen in time."
        time.sleep(0.02)
    return time.monotonic() - began


def processes_of(marker):
    """Return the pids of living processes whose environment names the database `marker`."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z" and marker.encode() in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


@pytest.fixture(autouse=True)
def tricks(settings):
    """Let this process, too, know the job types that misbehave."""
    settings.JOB_TYPES = [*settings.JOB_TYPES, "tests.jobruns.kinds.Trick"]
    registry.job_types.cache_clear()
    yield
    registry.job_types.cache_clear()


@pytest.fixture
def start_scheduler(transactional_db, tmp_path):
    """Return a function that starts a scheduler; all of them are killed at the end, and nothing of them is left."""
    started = []

    def start(*options, **how):
        started.append(SchedulerUnderTest(tmp_path / f"scheduler-{len(started)}.log", *options, **how))
        return started[-1]

    yield start
    for one in started:
        one.kill()
    wait_until(lambda: processes_of(database_url()) == [], within=15)
    assert "Traceback" not in "".join(one.text() for one in started)
