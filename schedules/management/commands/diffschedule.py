"""`manage.py diffschedule`: which fire times an edit would add and remove; changes nothing."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from schedules import consequences, naming
from schedules.ahead_serializers import ConsequencesSerializer
from schedules.consequences import Consequences
from schedules.tables import moment

MOST_DAYS = 366
LINES = 50


class Command(BaseCommand):
    help = "Show which fire times another timing would add and remove. Changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        naming.add_arguments(parser)
        kind = parser.add_mutually_exclusive_group()
        kind.add_argument("--cron", metavar="EXPR", help="Five fields in quotes, such as '30 2 * * *'.")
        kind.add_argument("--interval", type=int, metavar="SECONDS", help="Seconds between fires.")
        parser.add_argument("--timezone", metavar="TZ", help="An IANA name.")
        parser.add_argument("--days", type=int, default=consequences.DAYS, help="1 to 366. Default: %(default)s.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object with the API's fields.")

    def handle(self, *args: Any, **options: Any) -> None:
        schedule, values = naming.named(options), _values(options)
        if not values:
            raise CommandError("Name what shall change: --cron, --interval or --timezone.", returncode=2)
        if not 1 <= options["days"] <= MOST_DAYS:
            raise CommandError(f"--days must lie between 1 and {MOST_DAYS}.", returncode=2)
        try:
            found = consequences.of_edit(schedule, values, timezone.now(), days=options["days"])
        except ValidationError as refused:
            wrong = hasattr(refused, "error_dict")
            raise CommandError(" ".join(refused.messages), returncode=2 if wrong else 1) from None
        if options["json"]:
            answer = ConsequencesSerializer(found).data
            self.stdout.write(DjangoJSONEncoder(indent=2, ensure_ascii=False).encode(answer))
        else:
            self._tell(found)

    def _tell(self, found: Consequences) -> None:
        self.stdout.write(f"Now:   {found.before} ({found.schedule.timezone})")
        self.stdout.write(f"Then:  {found.after} ({found.edited.timezone})")
        marked = [(at, "+") for at in found.difference.added] + [(at, "-") for at in found.difference.removed]
        for at, sign in sorted(marked)[:LINES]:
            self.stdout.write(f"{sign} {moment(at, found.edited.timezone)}")
        if len(marked) > LINES:
            self.stdout.write(f"and {len(marked) - LINES:,} more")
        self.stdout.write(found.summary)
        for note in found.notes:
            self.stdout.write(note)


def _values(options: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that the options change."""
    values: dict[str, Any] = {}
    if options["cron"] is not None:
        values |= {"schedule_type": "cron", "cron_expression": options["cron"]}
    if options["interval"] is not None:
        values |= {"schedule_type": "interval", "interval_seconds": options["interval"]}
    if options["timezone"] is not None:
        values["timezone"] = options["timezone"]
    return values
