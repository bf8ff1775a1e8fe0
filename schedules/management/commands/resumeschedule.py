from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from schedules import naming
from schedules.models import Schedule
from schedules.tables import moment


class Command(BaseCommand):
    help = "Let a paused or suspended schedule fire again."

    def add_arguments(self, parser: CommandParser) -> None:
        naming.add_arguments(parser)
        parser.add_argument(
            "--missed",
            choices=Schedule.Catchup.values,
            default="none",
            help="What becomes of the instants in between: none, the latest or all of them run.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        schedule = naming.named(options)
        try:
            schedule.resume(by=naming.ACTOR, missed=options["missed"])
        except ValidationError as refused:
            raise CommandError(" ".join(refused.messages)) from None
        self.stdout.write(f"Resumed {schedule.name}. Next run: {moment(schedule.upcoming_at, schedule.timezone)}.")
