"""`manage.py checkscheduler`: say whether the ledger keeps its promises."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobruns.engine.invariants import RULES, breaches


class Command(BaseCommand):
    help = "Check what must be true of schedules and runs at any time: a line for each breach, exit code 1 if any."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON array of breaches, nothing else.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = breaches()
        if options["json"]:
            self.stdout.write(json.dumps([one.as_json() for one in found], indent=2))
        else:
            for one in found:
                self.stdout.write(f"{one.rule}: {one.sentence}")
            if not found:
                self.stdout.write(f"All {len(RULES)} invariants hold.")
        if found:
            raise CommandError(f"{len(found)} breaches.", returncode=1)
