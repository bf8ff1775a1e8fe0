"""Carillon's workers: `celery -A scheduler_site worker -Q carillon` executes what schedulers send to that queue."""

from __future__ import annotations

import logging
import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
django.setup()

import structlog  # noqa: E402
from celery import Task, bootsteps, signals  # noqa: E402
from celery.concurrency.thread import TaskPool  # noqa: E402
from click import Option, UsageError  # noqa: E402
from django.conf import settings  # noqa: E402

from jobruns.engine.dispatch.celery import TASK, app  # noqa: E402
from jobruns.engine.worker import Worker  # noqa: E402
from scheduler_site.logs import configure  # noqa: E402

__all__ = ["app"]

log = structlog.get_logger(__name__)


class ExecuteRun(Task):
    """Executes the run of that id; the message says no more, and decides nothing."""

    name = TASK
    worker: Worker

    def run(self, run_id: object = None) -> None:
        """Return once the run is over or back in the line."""
        if type(run_id) is int and 0 < run_id < 2**63:
            self.worker.execute(run_id)
        else:
            log.warning("a message names no run and is dropped", said=repr(run_id)[:100])


execute_run = app.register_task(ExecuteRun())


class Executing(bootsteps.StartStopStep):
    """Starts what executes runs before Celery takes messages, and ends it after Celery has stopped taking them."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, drain_timeout: float = 30.0, **options: Any) -> None:
        super().__init__(parent, **options)
        self.drain_timeout = drain_timeout

    def create(self, parent: Any) -> Worker:
        """Register this process as a worker."""
        if not issubclass(parent.pool_cls, TaskPool):
            raise UsageError("Carillon's runs are executed in child processes of its own; leave --pool out.")
        worker = Worker(slots=parent.concurrency, queues=list(parent.app.amqp.queues.consume_from))
        execute_run.worker = worker
        return worker

    def stop(self, parent: Any) -> None:
        """Let what runs end, and give back what does not end in time."""
        self.obj.close(self.drain_timeout)

    def terminate(self, parent: Any) -> None:
        """Give back at once what runs."""
        self.obj.close(0)


app.steps["worker"].add(Executing)
app.user_options["worker"].add(
    Option(
        ["--drain-timeout"],
        type=float,
        default=30.0,
        show_default=True,
        help="Seconds that running work gets to end after SIGTERM; then it is given back.",
    )
)


def log_as_carillon_does(**_: Any) -> None:
    """Keep Celery from setting up logs of its own, and from telling what the ledger tells of each run."""
    configure(settings.LOGGING)
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel("WARNING")


signals.setup_logging.connect(log_as_carillon_does)
