"""What one may ask of connections, tokens and kept answers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from integrations.models import ApiToken, Connection, KeptAnswer  # noqa: F401

KEPT_FOR = timedelta(days=1)


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def of_kind(self, kind: str) -> ConnectionQuerySet:
        """Return the connections that lead to systems of that kind."""
        return self.filter(kind=kind)

    def named(self, name: str, *, kind: str) -> Connection:
        """Return the connection of that name and kind; raises Connection.DoesNotExist with a sentence for people."""
        found = self.filter(name=name).first()
        if found is None:
            raise self.model.DoesNotExist(f"There is no connection named {name!r}.")
        if found.kind != kind:
            raise self.model.DoesNotExist(
                f"The connection {name!r} is of kind {found.kind}; choose one of kind {kind}."
            )
        return found


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self, now: datetime) -> ApiTokenQuerySet:
        """Return tokens that are neither revoked nor expired at `now` and whose user is active."""
        return self.filter(
            models.Q(expires_at=None) | models.Q(expires_at__gt=now), revoked_at=None, user__is_active=True
        )

    def matching(self, text: str, now: datetime) -> ApiToken | None:
        """Return the usable token that `text` is, with its user, or None."""
        candidates = self.usable(now).filter(prefix=text[:12]).select_related("user")
        return next((token for token in candidates if token.matches(text)), None)


class KeptAnswerQuerySet(models.QuerySet["KeptAnswer"]):
    def outdated(self, now: datetime) -> KeptAnswerQuerySet:
        """Return answers that are older than a day and given no more."""
        return self.filter(created_at__lt=now - KEPT_FOR)
