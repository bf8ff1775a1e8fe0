"""Sign in by OpenID Connect: one way out, one way back, and nothing else of django-allauth is reachable."""

from __future__ import annotations

from typing import Any, NoReturn, cast

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.providers.openid_connect.views import callback as complete
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET
from requests import RequestException

from integrations import access, audit, roles
from scheduler_site import sso_claims
from scheduler_site.login import write_down
from scheduler_site.sso_settings import PROVIDER, SingleSignOn

log = structlog.get_logger(__name__)
ASKED = cast(SingleSignOn, settings.SSO)  # urls.py loads this module only where it is set
SESSION_SECONDS = 12 * 3600  # then the identity provider is asked again
WORDS = {
    "unclear": gettext_lazy("The identity provider did not say clearly who you are. Nobody was signed in."),
    "groups": gettext_lazy("You are in none of the groups that may use Carillon. Ask an administrator."),
    "domain": gettext_lazy("Your e-mail address is not of a domain that may use Carillon, or is not verified."),
    "cancelled": gettext_lazy("Signing in was cancelled."),
    "failed": gettext_lazy("Signing in did not work. Try again; if it keeps failing, the log says why."),
    "away": gettext_lazy("The identity provider cannot be reached. Try again, or sign in with a password."),
}


@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """Lead to the identity provider, and from there back to `next`."""
    wanted = request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    provider = get_adapter().get_provider(request, PROVIDER)
    try:
        found: HttpResponse = provider.redirect(request, "login", next_url=wanted if ours else None)
    except (RequestException, KeyError) as away:  # not there, or no OpenID Connect provider
        return back(request, "away", cause=away)
    return found


@require_GET
def finish(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take the identity provider's answer and sign in whom it names."""
    try:
        found: HttpResponse = complete(request, provider_id)
    except KeyError as missing:  # a claim that OpenID Connect promises
        return back(request, "unclear", cause=missing)
    return found


def back(request: HttpRequest, why: str, *, cause: object = None) -> HttpResponse:
    """Lead back to the sign-in page with a sentence."""
    log.warning("single sign-on refused", why=why, cause=type(cause).__name__ if cause else "")
    messages.error(request, str(WORDS[why]))
    return redirect("login")


def kept() -> list[Any]:
    """Return the models of django-allauth that its own admin would show."""
    labels = {"account", "socialaccount"}
    return [model for model in admin.site._registry if model._meta.app_label in labels]


class Identities(DefaultSocialAccountAdapter):
    """Who may come in; a new one becomes a user without a password."""

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Refuse who may not come in, before a user is made or signed in."""
        if why := sso_claims.refusal(sso_claims.merged(sociallogin.account.extra_data), ASKED):
            refuse(request, why)
        sociallogin.email_addresses = []  # an address joins nobody to a user that is there already

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        """Make the user, without a role and without a password."""
        with transaction.atomic():
            user: User = super().save_user(request, sociallogin, form)
            name = user.get_username()
            audit.record("create", user, by=name, reason="Came by single sign-on.", after={"username": name})
        return user

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        """Say that it did not work, on the sign-in page."""
        refuse(request, "cancelled" if error == "cancelled" else "failed", cause=exception)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Whoever may come in becomes a user."""
        return True


class Accounts(DefaultAccountAdapter):
    """What becomes of the user who was named."""

    def pre_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse | None:
        """Give the role that the groups say, if roles are mapped at all; an inactive user does not come in."""
        if not user.is_active:
            messages.error(request, _("Your user is not active. Ask an administrator."))
            return redirect("login")
        if ASKED.roles and not user.is_superuser:
            login = (options["signal_kwargs"] or {})["sociallogin"]
            role = sso_claims.role(sso_claims.merged(login.account.extra_data), ASKED)
            if role != roles.role_of(user):
                with audit.acting(user.get_username(), source="page", reason="Groups of the identity provider."):
                    roles.give(user, role, access.environments_of(user) or ())
        return None

    def login(self, request: HttpRequest, user: User) -> None:
        """Begin a session that ends after half a day, so that who was put out elsewhere is out here too."""
        write_down(user, request)
        super().login(request, user)
        request.session.set_expiry(SESSION_SECONDS)

    def add_message(self, *args: Any, **options: Any) -> None:
        """Say nothing: the page that opens says enough."""


def refuse(request: HttpRequest, why: str, *, cause: object = None) -> NoReturn:
    """Break off and lead back to the sign-in page."""
    raise ImmediateHttpResponse(back(request, why, cause=cause))
