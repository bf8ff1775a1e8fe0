from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jobruns import alerting
from schedules import naming


class Command(BaseCommand):
    help = "End the silence of an alert; what is still owed is told within half a minute."

    def add_arguments(self, parser: CommandParser) -> None:
        alerting.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        alert = alerting.named(options)
        alert.unsilence(by=naming.ACTOR)
        self.stdout.write(f"{alert.name} is told again.")
