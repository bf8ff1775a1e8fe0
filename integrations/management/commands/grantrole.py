"""Give a user a role, in all environments or in some."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations import roles
from integrations.scopes import ROLES


class Command(BaseCommand):
    help = "Give a user a role in place of the one he has, and the environments that he is limited to."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="the name of the user")
        parser.add_argument(
            "--role", required=True, choices=[*ROLES, "none"], help="what he may do; none for nothing"
        )
        parser.add_argument(
            "--environment",
            action="append",
            default=[],
            metavar="E",
            help="sees nothing of any other environment, repeated for more; all of them if left out",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        users = get_user_model()
        try:
            user = users._default_manager.get_by_natural_key(options["user"])
        except users.DoesNotExist:
            raise CommandError(f"There is no user {options['user']!r}.", returncode=2) from None
        role = "" if options["role"] == "none" else options["role"]
        try:
            roles.give(user, role, options["environment"])
        except ValidationError as refused:
            raise CommandError(" ".join(refused.messages), returncode=2) from None
        where = f"in {', '.join(options['environment'])} only" if options["environment"] else "in every environment"
        self.stdout.write(f"{user} is {role} now, {where}." if role else f"{user} has no role now.")
        if user.is_superuser:
            self.stdout.write("As a superuser this account may do everything everywhere all the same.")
