"""Viewer, operator, editor, admin: groups of Django's own, whose rights follow from `scopes` and not from rows.

So a role has the rights of every model as soon as the model exists, in every database, with nothing to keep in step.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib.auth import get_permission_codename
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group
from django.db import transaction

from integrations import access, audit, scopes
from integrations.scopes import ROLES

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from integrations.access import Viewer

APPS = ("integrations", "jobtypes", "schedules", "jobruns", "auth")
KNOWN = "_role"  # where a user object remembers the answer


class RoleBackend(ModelBackend):
    """Django's own rights, and those of the user's role."""

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return the rights by groups, "app.codename" each, with those of the role."""
        own: set[str] = super().get_group_permissions(user_obj, obj)
        return own if obj is not None else own | rights_of(role_of(user_obj))


@cache
def rights_of(role: str) -> frozenset[str]:
    """Return the rights of a role over the models of Carillon, and over users and groups."""
    return frozenset(right for right in _rights() if scopes.includes(role, right))


def role_of(user: Viewer) -> str:
    """Return a user's role, "" if he has none; asked once for each user object."""
    if not user.is_active:
        return ""
    if KNOWN not in user.__dict__:
        user.__dict__[KNOWN] = scopes.highest(user.groups.values_list("name", flat=True))
    role: str = user.__dict__[KNOWN]
    return role


def give(user: User, role: str, environments: Iterable[str]) -> None:
    """Give a user this role instead of the one he has, "" for none, in these environments, or in all where none is
    named.

    Who has a role may enter the workshop. Raises ValidationError on `environments`.
    """
    with transaction.atomic():
        before = standing(user)
        user.groups.remove(*Group.objects.filter(name__in=ROLES))
        if role:
            user.groups.add(Group.objects.get_or_create(name=role)[0])
        user.is_staff = bool(role) or user.is_superuser
        user.save(update_fields=["is_staff"])
        access.limit(user, environments)
        for known in (KNOWN, "_perm_cache", "_group_perm_cache"):
            user.__dict__.pop(known, None)
        audit.record("grant", user, before=before, after=standing(user))


def standing(user: User) -> dict[str, Any]:
    """Return what the audit trail tells of what a user may."""
    places = access.Access.objects.filter(user_id=user.pk).values_list("environments", flat=True).first()
    return {"role": scopes.highest(user.groups.values_list("name", flat=True)), "environments": places or []}


def lacking(user: Viewer, right: str) -> str:
    """Say which role has a right that a user lacks, and what to do about it."""
    role, needed = role_of(user), scopes.role_for(right)
    have = f"yours is {role}" if role else "you have none"
    return f"This needs the role {needed}; {have}. Ask an administrator for it."


def _rights() -> Iterable[str]:
    for label in APPS:
        for model in apps.get_app_config(label).get_models():
            names = [get_permission_codename(action, model._meta) for action in model._meta.default_permissions]
            for codename in (*names, *(one[0] for one in model._meta.permissions)):
                yield f"{label}.{codename}"
