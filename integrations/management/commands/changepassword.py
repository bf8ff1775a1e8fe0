"""`manage.py changepassword`: Django's own, and an entry in the audit trail."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.contrib.auth.models import User

from integrations.acting import system_user
from integrations.workshop import contents, tell_password


class Command(changepassword.Command):
    def handle(self, *args: Any, **options: Any) -> str | None:
        """Ask, change, and write it down; nothing is locked while somebody types."""
        before = {
            user.pk: contents(user) for user in User.objects.filter(username=options["username"] or system_user())
        }
        said = super().handle(*args, **options)
        for user in User.objects.filter(pk__in=before):
            tell_password(user, before[user.pk])
        return said
