"""`manage.py runscheduler`: fire schedules and execute their runs until SIGTERM or SIGINT."""

from __future__ import annotations

import gc
import os
import signal
from argparse import ArgumentParser
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import Tags
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.utils.log import configure_logging

from integrations.checks import SETTINGS
from jobruns.engine import sessions
from jobruns.engine.scheduler import Scheduler

if TYPE_CHECKING:
    from schedules.files.watching import Watcher


class Command(BaseCommand):
    help = "Fire schedules and execute their runs until SIGTERM or SIGINT. Run as many of these as you like."
    # The others load every page and the API to look at their addresses, 20 MB that firing never needs.
    requires_system_checks = [SETTINGS, Tags.models]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--processes",
            type=int,
            default=settings.SCHEDULER_EXECUTOR_POOL_SIZE,
            help="Child processes that execute runs: how many run at once. Default: %(default)s.",
        )
        parser.add_argument(
            "--dispatcher",
            choices=["local", "celery"],
            default=settings.SCHEDULER_DISPATCHER,
            help="Execute runs here, or send them to Celery workers. Default: %(default)s.",
        )
        parser.add_argument(
            "--poll",
            type=float,
            default=settings.SCHEDULER_POLL_SECONDS,
            help="Look for changes made elsewhere at least every so many seconds. Default: %(default)s.",
        )
        parser.add_argument(
            "--drain-timeout",
            type=float,
            default=30.0,
            help="Seconds that running work gets to end after SIGTERM; then it is given back. Default: %(default)s.",
        )
        parser.add_argument(
            "--watch",
            action="append",
            default=[],
            metavar="FILE_OR_DIR",
            help="Take over what these files declare, now and whenever they change. May be repeated.",
        )
        parser.add_argument("--log-format", choices=["json", "text"], default=settings.LOG_FORMAT)
        parser.add_argument("--log-level", choices=["DEBUG", "INFO", "WARNING", "ERROR"], default=settings.LOG_LEVEL)

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["processes"] <= 256:
            raise CommandError("--processes must lie between 1 and 256.", returncode=2)
        if not 0.05 <= options["poll"] <= 60:
            raise CommandError("--poll must lie between 0.05 and 60 seconds.", returncode=2)
        # The processes that it starts read their settings from the environment.
        os.environ.update(LOG_FORMAT=options["log_format"], LOG_LEVEL=options["log_level"])
        configure_logging(settings.LOGGING_CONFIG, {"format": options["log_format"], "level": options["log_level"]})
        sessions.prepare()
        asked: SimpleQueue[int] = SimpleQueue()  # the one thing that a signal handler may put into without a deadlock
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda number, _: asked.put(number))
        gc.freeze()  # what is loaded by now stays: to look through it again and again cost a fifth of the firing
        try:
            scheduler = Scheduler(
                slots=options["processes"],
                poll_seconds=options["poll"],
                dispatcher=options["dispatcher"],
                beside=_watchers(options["watch"]),
            )
        except ImportError as missing:
            raise CommandError(
                f"{missing}. --dispatcher celery needs: pip install -r requirements/celery.txt."
            ) from None
        except ImproperlyConfigured as refused:
            raise CommandError(str(refused)) from None
        if not scheduler.run(partial(_wait, asked), drain_timeout=options["drain_timeout"]):
            raise SystemExit(1)  # the log says why


def _watchers(paths: list[str]) -> list[Watcher]:
    # Loaded only where files are watched: reading them takes the whole API, 30 MB that firing never needs.
    if not paths:
        return []
    from schedules.files import gathering
    from schedules.files.watching import Watcher

    return [Watcher(gathering.absolute(path)) for path in paths]


def _wait(asked: SimpleQueue[int], seconds: float) -> bool:
    """Wait for a signal for up to `seconds`; tell whether one came."""
    try:
        asked.get(timeout=seconds)
    except Empty:
        return False
    return True
