"""Who sees what: a user may be limited to environments, and what lies elsewhere does not exist for him."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

    Viewer = User | AnonymousUser

MOST = 50  # environments of one user
COMMON = "This is for all environments, and you are limited to some; somebody who is not may change it."
KNOWN = "_environments"  # where a user object remembers the answer


class Access(models.Model):
    """The environments that a user is limited to. A user without a row is not limited; a superuser never is."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access")
    environments = models.JSONField(help_text="Names; he sees nothing of any other environment.")

    class Meta:
        verbose_name = "limit to environments"
        verbose_name_plural = "limits to environments"

    def __str__(self) -> str:
        return ", ".join(self.environments)

    def clean(self) -> None:
        """Refuse what is no list of environments; raises ValidationError by field."""
        if sentence := refusal(self.environments):
            raise ValidationError({"environments": [sentence]})


class OfEnvironments:
    """Mix into the QuerySet of a model whose rows belong to environments.

    `environment_paths` are the fields that say to which; rows that say nothing are everybody's where `has_common`:
    all may see them, and only users without a limit may change them.
    """

    environment_paths: tuple[str, ...] = ("environment",)
    has_common = False

    def visible_to(self, user: Viewer) -> Self:
        """Return the rows that exist for this user."""
        return self.within(environments_of(user))

    def within(self, places: Iterable[str] | None) -> Self:
        """Return the rows of these environments, and what is everybody's; all of them for None."""
        rows: Any = self
        if places is None:
            return rows  # type: ignore[no-any-return]
        found = self._placed(places)
        if self.has_common:
            found |= Q(**dict.fromkeys(self.environment_paths[:1], "")) & Q(
                **{path.partition("__")[0]: None for path in self.environment_paths[1:]}
            )
        return rows.filter(found)  # type: ignore[no-any-return]

    def changeable_by(self, user: Viewer) -> Self:
        """Return the rows that this user's rights reach: what is everybody's needs a user without a limit."""
        rows: Any = self
        places = environments_of(user)
        return rows if places is None else rows.filter(self._placed(places))  # type: ignore[no-any-return]

    def _placed(self, places: Iterable[str]) -> Q:
        chosen, found = sorted(places), Q(pk__in=[])
        for path in self.environment_paths:
            found |= Q(**{f"{path}__in": chosen})
        return found


class Common:
    """Mix into the QuerySet of a model that knows no environments: all may see it, who has no limit may change it."""

    def visible_to(self, user: Viewer) -> Self:
        """Return all rows."""
        return self

    def changeable_by(self, user: Viewer) -> Self:
        """Return all rows to a user without a limit, none to others."""
        rows: Any = self
        return rows if environments_of(user) is None else rows.none()  # type: ignore[no-any-return]


def environments_of(user: Viewer) -> frozenset[str] | None:
    """Return the environments that a user is limited to, None if he is not; asked once for each user object."""
    if not user.is_active:
        return frozenset()
    if user.is_superuser:
        return None
    if KNOWN not in user.__dict__:
        found = Access.objects.filter(user_id=user.pk).values_list("environments", flat=True).first()
        user.__dict__[KNOWN] = None if found is None else frozenset(found)
    known: frozenset[str] | None = user.__dict__[KNOWN]
    return known


def limit(user: User, environments: Iterable[str]) -> None:
    """Limit a user to these environments, or to none in particular where there are none; raises ValidationError."""
    names = list(dict.fromkeys(environments))
    user.__dict__.pop(KNOWN, None)
    if not names:
        Access.objects.filter(user_id=user.pk).delete()
        return
    row = Access.objects.filter(user_id=user.pk).first() or Access(user_id=user.pk)
    row.environments = names
    row.full_clean()
    row.save()


def refuse_unless_changeable(row: models.Model, user: Viewer) -> None:
    """Raise PermissionDenied where a row that this user sees is everybody's, and he is limited."""
    if environments_of(user) is None:
        return
    rows: Any = type(row)._default_manager
    if not rows.changeable_by(user).filter(pk=row.pk).exists():
        raise PermissionDenied(COMMON)


def elsewhere(user: Viewer | None, environment: str) -> str:
    """Return why a user may not put something into an environment, "" being all of them; empty if he may."""
    places = None if user is None else environments_of(user)
    if places is None or environment in places:
        return ""
    return f"Name an environment of yours: {', '.join(sorted(places)) or 'you have none'}."


def refusal(environments: object) -> str:
    """Return why these are no environments of a user; empty if they are."""
    if not isinstance(environments, list) or not environments:
        return "Environments are a list of names."
    if len(environments) > MOST:
        return f"At most {MOST} environments; these are {len(environments)}."
    for name in environments:
        if not isinstance(name, str) or not 1 <= len(name) <= 50 or name != name.strip() or not name.isprintable():
            return f"{name!r} is no name of an environment: 1 to 50 characters, none of them a control character."
    return ""
