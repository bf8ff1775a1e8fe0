from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobruns import alerting
from jobtypes.sql_alert.durations import seconds
from schedules import naming
from schedules.tables import moment


class Command(BaseCommand):
    help = "Tell nothing of an alert for a while; its query runs on, and what lasts is told afterwards."

    def add_arguments(self, parser: CommandParser) -> None:
        alerting.add_arguments(parser)
        parser.add_argument("--for", dest="span", required=True, metavar="2h", help="90s, 15m, 2h, 1d; at most 30d.")
        parser.add_argument("--reason", default="", help="Why, for whoever looks at it later.")

    def handle(self, *args: Any, **options: Any) -> None:
        alert = alerting.named(options)
        try:
            alert.silence(timedelta(seconds=seconds(options["span"])), by=naming.ACTOR, reason=options["reason"])
        except ValidationError as refused:
            raise CommandError(f"--for: {' '.join(refused.messages)}", returncode=2) from None
        except ValueError as refused:
            raise CommandError(f"--for: {refused}", returncode=2) from None
        self.stdout.write(f"Silenced {alert.name} until {moment(alert.silenced_until)}.")
