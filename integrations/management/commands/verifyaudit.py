"""`manage.py verifyaudit`: say whether the audit trail is complete and unbroken."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations import chain


class Command(BaseCommand):
    help = "Walk the audit trail from its first entry to its last. Exit code 1, naming the first row that is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object, nothing else, on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        found = chain.walk(self._progress if self.stderr.isatty() else lambda done, total: None)
        missing = chain.missing_guards()
        for guard in missing:
            self.stderr.write(f"The database lacks a guard of the trail, the trigger {guard}; migrate puts it there.")
        if options["json"]:
            self.stdout.write(json.dumps(as_json(found, missing), indent=2))
        elif found.broken is None:
            self.stdout.write(f"The audit trail is unbroken: {found.entries:,} entries.")
            self.stdout.write(f"Its digest is {found.digest or 'empty'}.")
        if found.broken is not None:
            raise CommandError(f"The audit trail is broken. {found.broken}", returncode=1)

    def _progress(self, done: int, total: int) -> None:
        self.stderr.write(f"\r{done:,} of {total:,} entries", ending="" if done < total else "\n")


def as_json(found: chain.Walked, missing: list[str]) -> dict[str, Any]:
    """Return what programs read: `ok`, `entries` in order, `digest` after them, `broken`, `missing_guards`."""
    broken = None
    if found.broken is not None:
        broken = {"entry_id": found.broken.entry_id, "sentence": str(found.broken)}
    told = {"ok": broken is None, "entries": found.entries, "digest": found.digest}
    return {**told, "broken": broken, "missing_guards": missing}
