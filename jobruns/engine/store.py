"""How APScheduler sees Carillon: a job store that answers with runs to hand over, and an executor that does so.

APScheduler guards `get_due_jobs` only; an exception from any other method would end its thread while it still says
that it runs. Hence the others do nothing that can fail, and `get_next_run_time` reads what the last look left behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from apscheduler.events import JobSubmissionEvent
from apscheduler.executors.base import BaseExecutor
from apscheduler.job import Job
from apscheduler.jobstores.base import BaseJobStore, JobLookupError
from django.db import Error, close_old_connections, connection
from django_apscheduler.jobstores import DjangoJobStore

from jobruns.engine import claims, glance, ledger, processes, sql
from jobruns.engine.blackouts import Blackouts
from jobruns.engine.dispatch.base import Dispatcher
from jobruns.engine.glance import Glance
from jobruns.models import SchedulerProcess
from schedules.models import Schedule

log = structlog.get_logger(__name__)

SHORTEST_SLEEP = timedelta(milliseconds=20)
LONGEST_SLEEP = timedelta(seconds=5)  # whatever the poll: a heartbeat is fresh for 15 s
UPKEEP_PAUSE = timedelta(seconds=20)
HOUSEKEEPING = 2.0  # seconds between heartbeats, and between looks for lost runs


class RunJob(Job):
    """A run that was taken for execution as a one-shot job: due now, never again."""

    def __init__(self, run: Any) -> None:
        self.id = self.name = f"run-{run.run_id}"
        self.executor = "runs"
        self.coalesce = False
        self.trigger = NEVER_AGAIN
        self.run = run

    def _get_run_times(self, now: datetime) -> list[datetime]:
        return [now]


class _NeverAgain:
    def get_next_fire_time(self, previous: datetime, now: datetime) -> None:
        return None


NEVER_AGAIN = _NeverAgain()


class RunStore(BaseJobStore):
    """Fires what is due, lets the dispatcher take what is ready and answers with it."""

    def __init__(self, process: SchedulerProcess, dispatcher: Dispatcher, *, poll_seconds: float) -> None:
        super().__init__()
        self.process = process
        self.dispatcher = dispatcher
        self.poll = timedelta(seconds=poll_seconds)
        self.housekeeping_due = 0.0
        self.blackouts = Blackouts()
        self.looked_at = time.monotonic()  # when the last look ended, be it for want of a database
        self.wake_at = datetime.now(UTC)
        self.away = False
        self.in_doubt = False  # the last look failed: it may have claimed runs without learning of it
        self.blocked = False  # runs are ready, but wait for others of their schedule

    def get_due_jobs(self, now: datetime) -> list[RunJob]:
        """Return a job for every run that was just taken; none while the database is away."""
        try:
            close_old_connections()
            found = self._look()
        except Error as error:
            self.wake_at = datetime.now(UTC) + min(self.poll, timedelta(seconds=0.5))
            self._stumbled(error)
            return []
        self.dispatcher.took(found)
        if self.away:
            log.info("database back, fires go on")
        self.away = self.in_doubt = False
        self.looked_at = time.monotonic()
        return [RunJob(run) for run in found]

    def _stumbled(self, error: Error) -> None:
        self.looked_at = time.monotonic()
        self.in_doubt = True
        if sql.is_conflict(error):
            log.warning("gave way to another transaction, fires are tried again", error=str(error).strip())
            return
        connection.close()
        if not self.away:
            log.error("database away, nothing fires until it is back", error=str(error).strip())
        self.away = True

    def _look(self) -> Sequence[Any]:
        if self.in_doubt:
            self.dispatcher.recover()
        seen = glance.look()
        if seen.resumes:
            Schedule.objects.resume_ended_pauses(seen.now)
        is_time = time.monotonic() >= self.housekeeping_due
        if is_time:
            self.housekeeping_due = time.monotonic() + HOUSEKEEPING
            processes.rescue()
            self.blackouts.hold(seen.now)
        taken = self._rest(seen) if seen.idle else self._fire_and_take()
        if is_time:  # last, so that a heartbeat says that schedules were fired and runs taken
            processes.beat(self.process, busy=self.dispatcher.busy())
        return taken

    def _rest(self, seen: Glance) -> Sequence[Any]:
        self.blocked, self.wake_at = False, self._at(seen.now, seen.instant, seen.delayed)
        return []

    def _fire_and_take(self) -> Sequence[Any]:
        settled = ledger.fire_due()
        if settled.rows:
            log.debug("fired", schedules=settled.schedules, rows=settled.rows, pending=settled.pending)
        taken = self.dispatcher.take()
        self.wake_at = self._next_wake(at_once=settled.schedules == ledger.BATCH, room=taken.room)
        return taken.runs

    def _next_wake(self, *, at_once: bool, room: bool) -> datetime:
        """Return when to look again after some work: at the next instant or the next delayed run that there is room
        for."""
        if at_once:
            return datetime.now(UTC) + SHORTEST_SLEEP
        there = sql.now()
        following = Schedule.objects.upcoming().values_list("next_run_at", flat=True).first()
        self.blocked, later = claims.outlook(there) if room else (False, None)
        return self._at(there, following, later)

    def _at(self, now: datetime, *moments: datetime | None) -> datetime:
        """Return the first of `moments`, or the end of the poll, on this host's clock; `now` is the database's."""
        latest = now + min(self.poll, LONGEST_SLEEP)
        soonest = min([latest, *(moment for moment in moments if moment is not None)])
        return datetime.now(UTC) + max(SHORTEST_SLEEP, soonest - now)

    def get_next_run_time(self) -> datetime:
        return self.wake_at

    def lookup_job(self, job_id: str) -> None:
        return None

    def get_all_jobs(self) -> list[Job]:
        return []

    def add_job(self, job: Job) -> None:
        raise TypeError("Runs come from the ledger; create a Schedule instead.")

    def update_job(self, job: Job) -> None:
        """Do nothing: the claim already advanced the schedule."""

    def remove_job(self, job_id: str) -> None:
        """Do nothing: a taken run is not in the store any more."""

    def remove_all_jobs(self) -> None:
        """Do nothing: the ledger is not APScheduler's to empty."""


class RunExecutor(BaseExecutor):
    """Hands taken runs to the dispatcher."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        super().__init__()
        self.dispatcher = dispatcher

    def submit_job(self, job: RunJob, run_times: list[datetime]) -> None:
        """Give a run to the dispatcher."""
        self.dispatcher.hand_over(job.run)

    def _do_submit_job(self, job: Job, run_times: list[datetime]) -> None:
        raise TypeError("The dispatcher takes runs of the ledger only.")


class UpkeepStore(DjangoJobStore):
    """django-apscheduler's store for the rare housekeeping jobs.

    It is asked a few times a minute only; a database that is away, or a job that somebody removed, does not end the
    loop.
    """

    asked_at = float("-inf")

    @classmethod
    def handle_submission_event(cls, event: JobSubmissionEvent) -> int | None:
        """Note that an upkeep job was started; the runs have the ledger for that."""
        if event.jobstore != "upkeep":
            return None
        noted: int | None = super().handle_submission_event(event)
        return noted

    def get_due_jobs(self, now: datetime) -> list[Job]:
        if time.monotonic() - self.asked_at < UPKEEP_PAUSE.total_seconds():
            return []
        self.asked_at = time.monotonic()
        return self._guarded(super().get_due_jobs, now) or []

    def get_next_run_time(self) -> datetime:
        return datetime.now(UTC) + UPKEEP_PAUSE

    def update_job(self, job: Job) -> None:
        self._guarded(super().update_job, job)

    def remove_job(self, job_id: str) -> None:
        self._guarded(super().remove_job, job_id)

    def _guarded(self, act: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return act(*arguments)
        except Error as error:
            connection.close()
            log.info("upkeep waits, database away", error=str(error).strip())
        except JobLookupError as gone:
            log.info("an upkeep job was removed meanwhile", error=str(gone))
        return None
