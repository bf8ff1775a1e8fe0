"""Remove old runs."""

from __future__ import annotations

import json
import re
import signal
import threading
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from integrations import audit
from jobruns import retention
from jobruns.models import JobRun
from schedules import naming

AGE = re.compile(r"([1-9][0-9]{0,4})d?")


class Command(BaseCommand):
    help = "Remove runs older than RUN_RETENTION_DAYS, in small batches; counters and hourly sums stay."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--older-than", metavar="90d", default="", help="days; RUN_RETENTION_DAYS if not given")
        parser.add_argument("--dry-run", action="store_true", help="say how many would go, and remove none")
        parser.add_argument("--json", action="store_true", help="print an object for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        text = options["older_than"] or f"{settings.RUN_RETENTION_DAYS}d"
        age = AGE.fullmatch(text)
        if age is None:
            raise CommandError(f"--older-than is a number of days such as 90d, not {text!r}.", returncode=2)
        now = timezone.now()
        before = now - timedelta(days=int(age[1]))
        number = retention.old(before).count()
        if options["dry_run"]:
            self._say(options, f"{number} runs older than {age[1]} days would go.", runs=number, dry_run=True)
            return
        stop = threading.Event()
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, lambda *_: stop.set())
        done = retention.prune(before, now=now, stopped=stop.wait, progress=self._progress(number))
        told = {"runs": done.runs, "deliveries": done.deliveries, "older_than_days": int(age[1])}
        audit.record("prune", JobRun, by=naming.ACTOR, after=told)
        sentence = f"{done.runs} runs and {done.deliveries} deliveries older than {age[1]} days are gone."
        if not done.complete:
            sentence += " It was stopped; the rest goes the next time."
        self._say(options, sentence, runs=done.runs, deliveries=done.deliveries, complete=done.complete)

    def _progress(self, number: int) -> retention.Told:
        def told(removed: int, reached: int) -> None:
            self.stderr.write(f"\r{removed} of {number} runs", ending="")

        return told if self.stderr.isatty() else lambda removed, reached: None

    def _say(self, options: dict[str, Any], sentence: str, **about: Any) -> None:
        if self.stderr.isatty() and not about.get("dry_run"):
            self.stderr.write("")
        self.stdout.write(json.dumps(about) if options["json"] else sentence)
