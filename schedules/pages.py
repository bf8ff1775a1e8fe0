"""What every page asks first: who looks, with which rights, and in which time zone."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from integrations import roles

known_zones = cache(available_timezones)  # it reads a folder each time
View = Callable[..., HttpResponseBase]
ZONE_COOKIE = "zone"


def page(*permissions: str) -> Callable[[View], View]:
    """Let only users with all `permissions` in, anonymous ones by way of the login; render in their time zone."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return to_login(request)
            for permission in permissions:
                need(request, permission)
            with timezone.override(viewer_zone(request)):
                return view(request, *args, **kwargs)

        return guarded

    return decorate


def need(request: HttpRequest, permission: str) -> None:
    """Raise PermissionDenied, naming the role that is needed, unless the user has a right."""
    if not request.user.has_perm(permission):
        raise PermissionDenied(roles.lacking(request.user, permission))


def to_login(request: HttpRequest) -> HttpResponseBase:
    """Lead to the login and back; a part of a page that refreshes itself reloads the whole page instead."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Refresh": "true"})
    return redirect_to_login(request.get_full_path())


def row_number(text: str | None) -> int | None:
    """Return the number of a row that an address or a form names; None for all that is no such number."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 18 else None


def viewer_zone(request: HttpRequest) -> ZoneInfo:
    """Return the time zone that the browser told, or the SCHEDULER_TIMEZONE setting."""
    told = request.COOKIES.get(ZONE_COOKIE, "")
    return ZoneInfo(told if told in known_zones() else settings.SCHEDULER_TIMEZONE)
