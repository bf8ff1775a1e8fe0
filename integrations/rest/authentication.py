"""Who is asking: a token in a header. Sessions are read by Django REST framework's own class, with CSRF."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from integrations.models import ApiToken


class TokenAuthentication(BaseAuthentication):
    """Accept `Authorization: Bearer TOKEN` or `X-API-Key: TOKEN`; a token in the query string is never read."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        """Return the token's user and the token, None without one; raises AuthenticationFailed if it is no good."""
        text = self._sent(request)
        if text is None:
            return None
        token = ApiToken.objects.matching(text, timezone.now())
        if token is None:
            raise AuthenticationFailed("This token is unknown, expired or revoked, or its user is not active.")
        token.touch()
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 says in WWW-Authenticate."""
        return 'Bearer realm="carillon"'

    def _sent(self, request: Request) -> str | None:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return text.strip()
        return request.headers.get("X-API-Key")


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describe both headers in the OpenAPI document."""

    target_class = "integrations.rest.authentication.TokenAuthentication"
    name = ["bearer", "apiKey"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        """Return one definition for each name."""
        return [{"type": "http", "scheme": "bearer"}, {"type": "apiKey", "in": "header", "name": "X-API-Key"}]
