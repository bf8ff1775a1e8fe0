"""What the commands about alerts have in common."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from jobtypes.models import AlertState


def add_arguments(parser: CommandParser) -> None:
    """Add the arguments that choose an alert."""
    parser.add_argument("alert", metavar="NAME_OR_ID")
    parser.add_argument("--environment", default="", help="Where the alert lives, if its name is not unique.")


def named(options: dict[str, Any]) -> AlertState:
    """Return the alert that was chosen; raises CommandError with code 2."""
    try:
        return AlertState.objects.named(options["alert"], options["environment"])
    except (AlertState.DoesNotExist, AlertState.MultipleObjectsReturned) as unknown:
        raise CommandError(str(unknown), returncode=2) from None
