"""`manage.py loaddemo`: the sample data, and as many generated schedules and runs as asked for."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from jobruns.demo import bulk, load

MOST = 100_000_000


class Command(BaseCommand):
    help = "Load the sample shop, its schedules and some days of history; doing it twice adds nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--schedules", type=int, default=0, metavar="N", help="Generate N more schedules.")
        parser.add_argument("--runs", type=int, default=0, metavar="N", help="Generate N past runs for these.")
        parser.add_argument(
            "--address",
            metavar="URL",
            help="Where the web server listens, for the schedule that calls it; at first http://127.0.0.1:8000.",
        )
        parser.add_argument(
            "--admin",
            action="store_true",
            help="Also make the user admin, with the password of CARILLON_ADMIN_PASSWORD or a random one, "
            "which is kept in var/admin-password.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("schedules", "runs"):
            if not 0 <= options[name] <= MOST:
                raise CommandError(f"--{name} must lie between 0 and {MOST}.", returncode=2)
        now = timezone.now()
        loaded = load.load(now, address=(options["address"] or "").rstrip("/"))
        self.stdout.write(f"Sample data: {loaded.schedules} schedules and {loaded.runs} runs are new.")
        for sentence in loaded.left_out:
            self.stdout.write(f"Left out {sentence}")
        if options["admin"]:
            load.admin(os.environ.get("CARILLON_ADMIN_PASSWORD", ""), settings.BASE_DIR / "var" / "admin-password")
        if options["schedules"] or options["runs"]:
            made = bulk.generate(options["schedules"], options["runs"], now, progress=self._progress)
            self.stdout.write(f"Generated: {made} schedules with {options['runs']} runs.")

    def _progress(self, done: int, total: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{done} of {total} runs", ending="\n" if done == total else "")
