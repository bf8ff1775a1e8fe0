"""`manage.py backfillschedule`: run the instants of a stretch of the past."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from integrations.rest.fields import NoMoment, moment
from jobruns import backfill
from jobruns.backfill_api import as_json
from schedules import naming
from schedules.changes import localise
from schedules.tables import moment as shown
from schedules.tables import table


class Command(BaseCommand):
    help = (
        "Run the instants of a stretch of the past that have not succeeded, oldest first, each as a run of its own."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        naming.add_arguments(parser)
        for name in ("from", "to"):
            parser.add_argument(
                f"--{name}", required=True, metavar="ISO", help="A moment; without an offset in the schedule's zone."
            )
        parser.add_argument("--dry-run", action="store_true", help="Only say what would run.")
        parser.add_argument("--rerun", action="store_true", help="Run once more what succeeded or goes on already.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object with the API's fields.")

    def handle(self, *args: Any, **options: Any) -> None:
        schedule = naming.named(options)
        start, end = (_moment(options[name], name, schedule.timezone) for name in ("from", "to"))
        span = backfill.Span(start, end, options["rerun"])
        try:
            if options["dry_run"]:
                found = backfill.plan(schedule, span, timezone.now())
            else:
                found = backfill.carry_out(schedule, span, by=naming.ACTOR)
        except ValidationError as refused:
            wrong = hasattr(refused, "error_dict")
            raise CommandError(" ".join(refused.messages), returncode=2 if wrong else 1) from None
        if options["json"]:
            self.stdout.write(DjangoJSONEncoder(indent=2, ensure_ascii=False).encode(as_json(found)))
        else:
            self._tell(found)

    def _tell(self, found: backfill.Backfill) -> None:
        zone = found.schedule.timezone
        rows = [[shown(step.at, zone), "run" if step.will_run else "leave out", step.why] for step in found.steps]
        if rows:
            self.stdout.write(table(["Instant", "", "Why"], rows))
        runs = "would run" if not found.correlation_id else "wait in line now"
        self.stdout.write(f"{found.will_run:,} of {len(found.steps):,} instants of {found.schedule.name} {runs}.")
        if found.will_run and found.correlation_id:
            self.stdout.write(f"Their correlation id is {found.correlation_id}.")


def _moment(text: str, name: str, zone: str) -> Any:
    try:
        return localise(moment(text), zone)
    except NoMoment as refused:
        raise CommandError(f"--{name}: {refused}", returncode=2) from None
