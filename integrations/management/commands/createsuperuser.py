"""`manage.py createsuperuser`: Django's own, and an entry in the audit trail."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.contrib.auth.models import User
from django.db.models import Max

from integrations import audit


class Command(createsuperuser.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, create, and write it down; nothing is locked while somebody types."""
        known = User.objects.aggregate(newest=Max("pk"))["newest"] or 0
        super().handle(*args, **options)
        for user in User.objects.filter(pk__gt=known, is_superuser=True):
            audit.record("create", user, after={"username": user.username, "is_superuser": True})
