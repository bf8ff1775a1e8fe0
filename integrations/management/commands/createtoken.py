"""Issue an API token for a user."""

import re
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from integrations.models import ApiToken
from integrations.scopes import SCOPES

LENGTH = re.compile(r"([1-9][0-9]{0,4})([hdw])")
UNITS = {"h": "hours", "d": "days", "w": "weeks"}


class Command(BaseCommand):
    help = "Issue an API token and print it once, as the last word of the last line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="the name of the user whose rights the token carries")
        parser.add_argument("--name", required=True, help="what the token is for")
        parser.add_argument(
            "--scope",
            action="append",
            default=[],
            metavar="S",
            help=f"what it may be used for, repeated for more: {', '.join(SCOPES)}; all if left out",
        )
        parser.add_argument("--expires", help="refused after that long: 12h, 90d or 4w; never if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        users = get_user_model()
        try:
            user = users._default_manager.get_by_natural_key(options["user"])
        except users.DoesNotExist:
            raise CommandError(f"There is no user {options['user']!r}.", returncode=2) from None
        try:
            token, text = ApiToken.issue(
                user=user,
                name=options["name"],
                expires_at=self._moment(options["expires"]),
                only=options["scope"],
            )
        except ValidationError as refused:
            raise CommandError(" ".join(refused.messages), returncode=2) from None
        self.stdout.write(f"Token {token} of {user}. It is shown this once:")
        self.stdout.write(text)

    def _moment(self, text: str | None) -> Any:
        if text is None:
            return None
        match = LENGTH.fullmatch(text)
        if match is None:
            raise CommandError(f"--expires {text!r}: write a number with h, d or w, such as 90d.", returncode=2)
        return timezone.now() + timedelta(**{UNITS[match[2]]: int(match[1])})
