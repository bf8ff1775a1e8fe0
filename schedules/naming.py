"""The arguments by which commands name one schedule, and the answer when they do not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from schedules.models import Schedule

ACTOR = "command line"


def add_arguments(parser: CommandParser) -> None:
    """Let a command take NAME_OR_ID and --environment."""
    parser.add_argument("schedule", metavar="NAME_OR_ID", help="The schedule's name, or its number.")
    parser.add_argument("--environment", default="", help="Where to look, if the name is used in several.")


def named(options: dict[str, Any]) -> Schedule:
    """Return the schedule that was named; raises CommandError (exit code 2) with candidates."""
    try:
        return Schedule.objects.named(options["schedule"], options["environment"])
    except (Schedule.DoesNotExist, Schedule.MultipleObjectsReturned) as unclear:
        raise CommandError(str(unclear), returncode=2) from None
