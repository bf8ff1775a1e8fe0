from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime

from schedules import naming
from schedules.tables import moment


class Command(BaseCommand):
    help = "Pause a schedule: what falls into the pause is recorded as skipped."

    def add_arguments(self, parser: CommandParser) -> None:
        naming.add_arguments(parser)
        parser.add_argument("--reason", default="", help="Why, for whoever looks at it later.")
        parser.add_argument(
            "--until", default="", metavar="ISO", help="Resume by itself then, such as 2026-11-27T06:00."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        schedule = naming.named(options)
        until = None
        if text := options["until"]:
            try:
                until = parse_datetime(text)
            except ValueError:
                until = None
            if until is None:
                sentence = f"--until: {text!r} is no date and time. Write one such as 2026-11-27T06:00."
                raise CommandError(sentence, returncode=2)
            if until.tzinfo is None:
                until = until.replace(tzinfo=ZoneInfo(schedule.timezone))
        try:
            schedule.pause(by=naming.ACTOR, reason=options["reason"], until=until)
        except ValidationError as refused:
            raise CommandError(" ".join(refused.messages), returncode=2 if until else 1) from None
        end = f" until {moment(until, schedule.timezone)}" if until else ""
        self.stdout.write(f"Paused {schedule.name}{end}.")
