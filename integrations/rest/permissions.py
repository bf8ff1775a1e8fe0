"""Who may do what: the rights of Django's own permission table, reading included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import MethodNotAllowed, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from integrations import roles
from integrations.access import environments_of
from integrations.models import ApiToken
from integrations.scopes import scope_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User

VERBS = {"GET": "view", "HEAD": "view", "OPTIONS": "view", "POST": "add", "PUT": "change", "PATCH": "change"}


class ModelPermissions(BasePermission):
    """Ask for the model's view, add, change or delete right, or for what the view names in `rights`.

    `rights` maps an action to a permission ("schedules.trigger_schedule"), or "*" for every action. A user without
    any role has no rights, so he may not even read.
    """

    message = ""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether the user may; raises MethodNotAllowed where the address has no such method."""
        if not request.user.is_authenticated:
            return False
        action = getattr(view, "action", None)
        if action is None and getattr(view, "action_map", None) is not None:
            raise MethodNotAllowed(request.method or "")
        right = self._right(request, view, action)
        if may(request, right):
            return True
        self.message = refusal(request, right)
        return False

    def _right(self, request: Request, view: Any, action: str | None) -> str:
        rights: dict[str, str] = getattr(view, "rights", {})
        named = rights.get(action or "") or rights.get("*")
        if named:
            return named
        model = view.queryset.model._meta
        return f"{model.app_label}.{VERBS.get(request.method or '', 'delete')}_{model.model_name}"


class AnyRight(BasePermission):
    """Ask for any right at all: what is of nobody in particular is kept from users without a role only."""

    message = "This needs a role; you have none. Ask an administrator for one."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether the user has a role or another right."""
        return request.user.is_authenticated and bool(request.user.is_superuser or request.user.get_all_permissions())


class OverAll(ModelPermissions):
    """Ask also for a user who is not limited to environments: for numbers that tell of all of them."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether the user may, and sees every environment."""
        if not super().has_permission(request, view):
            return False
        self.message = "This tells of all environments, and you are limited to some."
        return environments_of(request.user) is None


class Authenticated(BasePermission):
    """Ask only for an active user: for what everybody has of his own. A token needs the scope of `scoped_right`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether somebody is signed in, and whether the token he came with is for this."""
        if not request.user.is_authenticated:
            return False
        verb = VERBS.get(request.method or "", "delete")
        return not isinstance(request.auth, ApiToken) or request.auth.allows(f"{view.scoped_right}".format(verb=verb))


def may(request: Request, right: str) -> bool:
    """Tell whether the user has a right, and whether the token he came with, if any, may be used for it."""
    if isinstance(request.auth, ApiToken) and not request.auth.allows(right):
        return False
    return request.user.has_perm(right)


def refusal(request: Request, right: str) -> str:
    """Say what is needed for a right that the caller lacks: a role, or a token for it."""
    if request.user.has_perm(right):
        return f"The token is not for this: it needs the scope {scope_of(right)}."
    return roles.lacking(request.user, right)


def caller(request: Request) -> User:
    """Return the user behind the request; raises NotAuthenticated where there is none."""
    if not request.user.is_authenticated:
        raise NotAuthenticated
    return request.user
