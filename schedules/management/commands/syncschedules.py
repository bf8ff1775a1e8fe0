"""`manage.py syncschedules`: bring schedules, connections, channels and calendars to what files declare."""

from __future__ import annotations

import json
import signal
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from schedules.files import gathering
from schedules.files.models import RefusedFile
from schedules.files.plan import Plan
from schedules.files.problems import Refused
from schedules.files.sync import source_of, sync
from schedules.files.watching import Watcher


class Command(BaseCommand):
    help = "Take over what a file or a folder of files declares, all or nothing. Exit code 1 if anything is refused."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", metavar="PATH", help="A YAML or JSON file, or a folder of such files.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would be done; write nothing.")
        parser.add_argument(
            "--prune", action="store_true", help="Delete the schedules of this path that are in it no more."
        )
        parser.add_argument("--watch", action="store_true", help="Go on, and take over each change, until stopped.")
        parser.add_argument("--environment", default="", help="Where schedules live that name no environment.")
        parser.add_argument("--json", action="store_true", help="Print the plan as one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        path = gathering.absolute(options["path"])
        if options["watch"]:
            self._watch(path, options)
            return
        try:
            plan = sync(
                gathering.gather(path),
                environment=options["environment"],
                prune=options["prune"],
                dry_run=options["dry_run"],
            )
        except Refused as refused:
            self._tell(refused, as_json=options["json"])
        except OperationalError as busy:
            raise CommandError(f"The database gave up: {busy}. Nothing was changed; try again.") from None
        else:
            self._show(plan, as_json=options["json"])
            if plan.is_done:
                RefusedFile.objects.accept(source_of(path, options["environment"]))

    def _watch(self, path: Path, options: dict[str, Any]) -> None:
        if options["dry_run"]:
            raise CommandError("--watch takes changes over; leave out --dry-run.", returncode=2)
        watcher = Watcher(
            path,
            environment=options["environment"],
            prune=options["prune"],
            on_plan=lambda plan: self._show(plan, as_json=options["json"]),
            on_refused=lambda refused: self.stderr.write(f"{refused}\nWhat was declared before stays in force."),
        )
        asked: SimpleQueue[int] = SimpleQueue()  # the one thing that a signal handler may put into without a deadlock
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda number, _: asked.put(number))
        watcher.start()
        while watcher.thread.is_alive():
            with suppress(Empty):
                asked.get(timeout=1)
                break
        watcher.stop()

    def _show(self, plan: Plan, *, as_json: bool) -> None:
        self.stdout.write(json.dumps(plan.as_json(), indent=2, ensure_ascii=False) if as_json else plan.text())

    def _tell(self, refused: Refused, *, as_json: bool) -> None:
        if as_json:
            problems = [problem.as_json() for problem in refused.problems]
            self.stdout.write(json.dumps({"is_done": False, "problems": problems}, indent=2, ensure_ascii=False))
        raise CommandError(f"{refused}\nNothing was changed.", returncode=1)
