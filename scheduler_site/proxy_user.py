"""Take the user's name from a header, if it comes from a proxy that is trusted to have signed him in."""

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import ip_address

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.defaults import permission_denied

from integrations import audit
from integrations.rest.problems import CONTENT_TYPE, problem_body

log = structlog.get_logger(__name__)
LONGEST = 150  # characters of a user's name


class ProxyUserMiddleware:
    """Let the request be that of the user whom a trusted proxy names; from anywhere else the header is removed.

    Nothing is kept in a session, so a name counts for one request only. An unknown name becomes a user without a
    role; an inactive user, and what cannot be a name, gets 403.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.TRUSTED_PROXY_USER_HEADER:
            try:
                if name := named(request):
                    request.user = user_named(name)
            except PermissionDenied as refused:
                return _forbidden(request, refused)
        return self.get_response(request)


def named(request: HttpRequest) -> str:
    """Return the name that a trusted proxy sent, "" for none; what others sent is removed from the request."""
    key = "HTTP_" + settings.TRUSTED_PROXY_USER_HEADER.upper().replace("-", "_")
    address = str(request.META.get("REMOTE_ADDR", ""))
    if is_trusted(address):
        return str(request.META.get(key, "")).strip()
    if request.META.pop(key, None) is not None:
        request.__dict__.pop("headers", None)  # they are read from META once
        log.warning("user header from an address that is not trusted", address=address)
    return ""


def user_named(name: str) -> User:
    """Return the active user of that name, made without a role if there is none; raises PermissionDenied."""
    name = User.normalize_username(name)
    user = User.objects.filter(username=name).first() or _made(name)
    if not user.is_active:
        log.warning("inactive user named by the proxy", user=name)
        raise PermissionDenied("Your user is not active. Ask an administrator.")
    return user


def is_trusted(address: str) -> bool:
    """Tell whether the other end of the line is a trusted proxy; an empty address is a Unix socket."""
    if not address:
        return "unix" in settings.TRUSTED_PROXIES
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in network for network in settings.TRUSTED_PROXIES if network != "unix")


def _made(name: str) -> User:
    try:
        UnicodeUsernameValidator()(name)
    except ValidationError:
        raise PermissionDenied("The proxy names a user who cannot be one here.") from None
    if len(name) > LONGEST:
        raise PermissionDenied("The proxy names a user who cannot be one here.")
    with transaction.atomic():
        user, made = User.objects.get_or_create(username=name)
        if made:
            user.set_unusable_password()
            user.save(update_fields=["password"])
            audit.record("create", user, by=name, reason="Named by the proxy.", after={"username": name})
    return user


def _forbidden(request: HttpRequest, refused: PermissionDenied) -> HttpResponse:
    if not request.path.startswith("/api/"):
        return permission_denied(request, refused)
    return HttpResponse(json.dumps(problem_body(403, str(refused))), status=403, content_type=CONTENT_TYPE)
