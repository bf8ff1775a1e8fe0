"""Schedulers under load on a database of their own, what their jobs wrote down, and the verdict at the end."""

import os
import random
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import environ
from django.db import Error, connection

from jobruns.models import JobRun, SchedulerProcess
from schedules.models import Schedule
from tests.faults.checker import History, Line, Plan, Row, check
from tests.faults.conftest import SchedulerUnderTest, processes_of, wait_until

SEED = int(os.environ.get("FAULT_SEED", "1"))
RECOVERY = 5.0  # seconds after a fault within which every scheduler works again
SECOND = timedelta(seconds=1)


class World:
    """What a fault happens to; `chance` makes the choices, the same ones for the same seed and test."""

    def __init__(self, url, folder, name):
        self.url, self.folder = url, folder
        self.evidence = folder / "evidence"
        self.evidence.touch()
        self.chance = random.Random(f"{SEED} {name}")
        self.schedulers, self.made, self.until = [], [], None

    def connect(self):
        """Let Django in this process work on this world's database."""
        wanted = environ.Env.db_url_config(self.url)
        options = {**connection.settings_dict["OPTIONS"], **wanted.get("OPTIONS", {})}
        connection.close()
        connection.settings_dict.update({**wanted, "OPTIONS": options})

    def surroundings(self, **more):
        return {
            **os.environ,
            "DATABASE_URL": self.url,
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "LOCK_TIMEOUT_SECONDS": "5",
            **more,
        }

    def start(self, number=1, *options, **surroundings):
        """Start schedulers and wait until they work; return the last one."""
        new = []
        for _ in range(number):
            log = self.folder / f"scheduler-{len(self.schedulers) + len(new)}.log"
            options = options or ("--processes", "2", "--drain-timeout", "5")
            new.append(SchedulerUnderTest(log, *options, surroundings=self.surroundings(**surroundings)))
        for one in new:
            one.wait_until_started()
        self.schedulers += new
        return new[-1]

    def schedule(self, *, seconds=0.0, hog=False, **fields):
        """Make a schedule of every second whose runs bear witness."""
        schedule = Schedule(
            name=f"storm-{len(self.made)}",
            job_type="witness",
            schedule_type="interval",
            interval_seconds=fields.pop("interval_seconds", 1),
            params={"path": str(self.evidence), "seconds": seconds, "hog": hog},
            max_retries=fields.pop("max_retries", 0),
            timeout_seconds=fields.pop("timeout_seconds", 30),
            **fields,
        )
        schedule.store(by="tester")
        self.made.append(schedule)
        return schedule

    def load(self):
        """Make work of all kinds: short and long, one at a time and side by side, tried again or not."""
        for _ in range(6):
            self.schedule()
        for policy in ("skip", "buffer_one", "skip"):
            self.schedule(
                seconds=round(self.chance.uniform(0.3, 1.6), 2),
                overlap_policy=policy,
                max_retries=2,
                retry_delay_seconds=1,
            )
        self.schedule(seconds=0.7, overlap_policy="allow", max_instances=2)
        self.schedule(misfire_policy="all")

    def lines(self):
        return [Line.read(text) for text in self.evidence.read_text().splitlines()]

    def wait_for_work(self, runs=12):
        """Wait until so many runs more have begun."""
        wanted = len(self.lines()) + 2 * runs
        wait_until(lambda: len(self.lines()) >= wanted, within=30)

    def linger(self, low, high):
        """Let a time between `low` and `high` seconds pass."""
        time.sleep(self.chance.uniform(low, high))

    def alive(self):
        return [one for one in self.schedulers if one.process.poll() is None]

    def recover(self, within=RECOVERY):
        """Wait until all living schedulers beat and new instants are run; fail after `within` seconds."""
        fault_ended, began = datetime.now(UTC), time.monotonic()
        wait_until(lambda: self._works(fault_ended), within=within)
        self.note(f"recovered in {time.monotonic() - began:.1f} s, load {os.getloadavg()[0]:.1f}")

    def _works(self, since):
        connection.close()
        with suppress(Error):
            fired = {line.instant for line in self.lines() if line.event == "end" and line.instant > since}
            beating = SchedulerProcess.objects.filter(heartbeat_at__gt=since, stopped_at=None)
            pids = set(beating.values_list("pid", flat=True))
            return bool(fired) and {one.pid for one in self.alive()} <= pids
        return False

    def settled(self, within):
        """Wait until no run is active any more; nothing fires then."""
        wait_until(lambda: not JobRun.objects.active().exists(), within=within)

    def stop(self):
        """Stop all schedulers in good order; nothing of them is left."""
        self.until = datetime.now(UTC)
        for one in self.alive():
            one.process.send_signal(signal.SIGTERM)
        for one in self.schedulers:
            if one.process.returncode is None:
                assert one.process.wait(30) == 0, one.text()[-2000:]
        self.end()

    def end(self):
        """Kill what is left and see that nothing survives."""
        for one in self.schedulers:
            with suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGCONT)
            one.kill()
        wait_until(lambda: processes_of(self.url) == [], within=10)

    def history(self):
        connection.close()
        columns = ("id", "schedule_id", "scheduled_for", "status", "attempt", "trigger")
        columns += ("coalesced_from", "coalesced_count", "retry_of_id")
        rows = [Row(*values) for values in JobRun.objects.order_by("id").values_list(*columns)]
        return History([_plan(one) for one in Schedule.objects.order_by("id")], rows, self.lines(), self.until)

    def verdict(self, **allowed):
        """Stop everything, and fail with all that is wrong with what happened."""
        self.stop()
        history = self.history()
        self.note(f"{len(history.rows)} rows, {len(history.lines)} lines of evidence")
        assert check(history, **allowed) == []
        assert any(row.status == "success" for row in history.rows)
        assert not [one for one in self.schedulers if "Traceback" in one.text()]

    def note(self, sentence):
        print(f"[{self.folder.name}, seed {SEED}] {sentence}")  # noqa: T201  # seen with `pytest -s` or on failure


def _plan(one):
    interval = timedelta(seconds=one.interval_seconds)
    return Plan(
        id=one.pk,
        first=one.anchor_at + interval,
        interval=interval,
        last=one.last_scheduled_for,
        limit=one.max_instances if one.overlap_policy == "allow" else 1,
        alive=one.status == "active",
        total=one.total_runs,
        successes=one.successful_runs,
        failures=one.failed_runs,
    )


def descendants(pid):
    """Return the pids of all processes that descend from `pid`."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found = []
    with suppress(OSError):
        for child in children.read_text().split():
            found += [int(child), *descendants(int(child))]
    return found
