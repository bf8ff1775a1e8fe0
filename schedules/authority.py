"""By whose right a schedule runs: its owner's, who stored it last. One without an owner is Carillon's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from integrations.access import environments_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User

RIGHTS = ("schedules.change_schedule", "schedules.add_schedule")


def refusal(owner: User | None, environment: str) -> str:
    """Return why a schedule of `environment` may not run by right of `owner`; empty if it may."""
    if owner is None:
        return ""
    name = owner.get_username()
    if not owner.is_active:
        return f"Its owner {name} is no longer active."
    if not any(owner.has_perm(right) for right in RIGHTS):
        return f"Its owner {name} may no longer make or change schedules."
    places = environments_of(owner)
    if places is not None and environment not in places:
        return f"Its owner {name} no longer has the environment {environment}."
    return ""
