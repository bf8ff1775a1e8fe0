"""The page where people sign in; guessing is slowed down."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations import audit, logins

if TYPE_CHECKING:
    from django.contrib.auth.models import User

log = structlog.get_logger(__name__)


class SlowForm(AuthenticationForm):
    """Name and password, not looked at while the account or the address has to wait."""

    wait = 0.0

    def clean(self) -> dict[str, Any]:
        now, account = timezone.now(), str(self.cleaned_data.get("username") or "")
        address = client_address(self.request) if self.request else ""
        self.wait = logins.seconds_to_wait(account, address, now)
        if self.wait:
            raise ValidationError(
                _("Too many attempts. Try again in %(seconds)d s.") % {"seconds": math.ceil(self.wait)}, code="wait"
            )
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            logins.note_failure(account, address, now)
            log.warning("login failed", address=address)
            tell_failure(account, address)
            raise
        logins.forget(account)
        return cleaned


def tell_failure(account: str, address: str) -> None:
    """Write down that a login failed; a name that is no account's is left out, people mistype passwords there."""
    user = get_user_model()._default_manager.filter(username=account).first()
    subject, name = (user, account) if user is not None else (get_user_model(), "somebody")
    audit.record("login_failed", subject, by=name, after={"address": address})


def write_down(user: User, request: HttpRequest) -> None:
    """Keep in the audit trail that somebody signed in, and from where."""
    with audit.acting(user.get_username(), source="page", user=user):
        audit.record("login", user, after={"address": client_address(request)})


class Login(LoginView):
    """Sign in. Too many attempts are answered 429 with `Retry-After`."""

    form_class = SlowForm
    redirect_authenticated_user = True
    extra_context = {"sso": settings.SSO}

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign the user in, and write down that and from where."""
        write_down(form.get_user(), self.request)
        return super().form_valid(form)

    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the form again, and say how long to wait."""
        response = super().form_invalid(form)
        if form.wait:
            response.status_code = 429
            response["Retry-After"] = str(math.ceil(form.wait))
        return response


def client_address(request: HttpRequest) -> str:
    """Return where a request comes from: as the proxy tells, where one is trusted, else the other end of the line."""
    told = request.headers.get("X-Forwarded-For", "") if settings.TRUST_PROXY_HEADERS else ""
    return told.rpartition(",")[2].strip()[:64] or str(request.META.get("REMOTE_ADDR", ""))
