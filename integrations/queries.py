"""What one may ask of connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from integrations.models import Connection


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
