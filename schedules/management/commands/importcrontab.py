"""`manage.py importcrontab`: make schedules of a crontab, with a report line by line."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from integrations import audit
from schedules import defaults
from schedules.clock import zone_names
from schedules.crontab import reader
from schedules.crontab.importing import Report, Wishes, take_over
from schedules.naming import ACTOR
from schedules.tables import array, table

WITH_USERS = ("/etc/crontab", "/etc/cron.d/")


class Command(BaseCommand):
    help = "Make schedules of a crontab and say of each line what became of it. Exit code 1 if a line was refused."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="A crontab, or - for standard input: crontab -l | … -")
        parser.add_argument("--dry-run", action="store_true", help="Say what would be made; store nothing.")
        parser.add_argument(
            "--user-column",
            action="store_true",
            help="A user stands before each command, as always in /etc/crontab and /etc/cron.d.",
        )
        parser.add_argument(
            "--as-noop",
            action="store_true",
            help="Of lines that nothing here can do, take over the timing: paused schedules that do nothing.",
        )
        parser.add_argument("--paused", action="store_true", help="Make all schedules paused.")
        parser.add_argument(
            "--timezone",
            default="",
            metavar="TZ",
            help="Of the machine, where no CRON_TZ says it. Default: that of new schedules.",
        )
        parser.add_argument("--environment", default="", help="Where the schedules shall live.")
        parser.add_argument("--json", action="store_true", help="Print one JSON array, nothing else, on stdout.")

    def handle(self, *args: Any, **options: Any) -> None:
        wishes = self._wishes(options)
        entries = self._entries(options)
        with audit.together(), transaction.atomic():
            reports = list(take_over(entries, wishes))
            if options["dry_run"]:
                transaction.set_rollback(True)
                reports = [_unstored(one) for one in reports]
        if options["json"]:
            self.stdout.write(array([one.as_json() for one in reports]))
        else:
            self._tell(reports, dry_run=options["dry_run"])
        if refused := sum(one.result == "refused" for one in reports):
            rest = "Nothing was stored." if options["dry_run"] else "All others are in place."
            lines = sum(one.result != "noted" for one in reports)
            raise CommandError(f"Refused: {refused} of {lines} lines. {rest}", returncode=1)

    def _wishes(self, options: dict[str, Any]) -> Wishes:
        zone = options["timezone"] or defaults.timezone()
        if zone not in zone_names():
            raise CommandError(
                f"--timezone: {zone!r} is no time zone; write a name such as Europe/Riga.", returncode=2
            )
        return Wishes(
            source="standard input" if options["file"] == "-" else options["file"],
            environment=options["environment"] or defaults.environment(),
            zone=zone,
            by=ACTOR,
            as_noop=options["as_noop"],
            paused=options["paused"],
        )

    def _entries(self, options: dict[str, Any]) -> list[reader.Entry]:
        name = options["file"]
        try:
            content = sys.stdin.buffer.read(reader.LARGEST + 1) if name == "-" else _content(Path(name))
            if len(content) > reader.LARGEST:
                raise reader.Unreadable(f"It is larger than {reader.LARGEST} bytes.")
            has_users = options["user_column"] or str(Path(name).absolute()).startswith(WITH_USERS)
            return reader.read(content.decode("utf-8-sig"), has_users=has_users)
        except (OSError, UnicodeDecodeError, reader.Unreadable) as unreadable:
            raise CommandError(f"{name} cannot be read: {unreadable}", returncode=2) from None

    def _tell(self, reports: list[Report], *, dry_run: bool) -> None:
        if reports:
            self.stdout.write(table(("Line", "Result", "Schedule", "Fires", "What"), map(_row, reports)))
        for one in reports:
            for note in one.notes:
                self.stdout.write(f"Line {one.line}: {note}")
        counts = Counter(one.result for one in reports if one.result != "noted")
        told = ", ".join(f"{count} {result}" for result, count in sorted(counts.items())) or "no line names a job"
        self.stdout.write(f"{told.capitalize()}.{' Nothing was stored.' if dry_run else ''}")


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(reader.LARGEST + 1)


def _unstored(report: Report) -> Report:
    """Return the report of a schedule that was not stored: it has no number unless it was there before."""
    if report.result != "made":
        return report
    return Report(**{**report.as_json(), "schedule_id": None})


def _row(report: Report) -> tuple[str, ...]:
    what = report.error or report.summary or " ".join(report.notes)
    return (str(report.line), report.result, report.name or "–", report.fires or report.cron_expression or "–", what)
