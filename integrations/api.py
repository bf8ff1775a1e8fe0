"""Connections and tokens over HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import Any

from django.db.models import QuerySet
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations import audit
from integrations.access import environments_of, refuse_unless_changeable
from integrations.documentation import describe_connections, describe_tokens
from integrations.filters import ConnectionFilter
from integrations.kinds.base import Unusable
from integrations.models import ApiToken, Connection
from integrations.rest.collection import Collection
from integrations.rest.filters import StrictFilterBackend
from integrations.rest.idempotency import IdempotentWrites
from integrations.rest.permissions import Authenticated, caller, may
from integrations.secrets import Undecryptable
from integrations.serializers import ConnectionSerializer, IssuedSerializer, TokenSerializer

LOOK_SECONDS = 0.5  # that saving waits for a database to tell what its role may do; in time to answer within one


@describe_connections
class ConnectionViewSet(Collection):
    """Named ways to other systems."""

    queryset = Connection.objects.all()
    serializer_class = ConnectionSerializer
    filterset_class = ConnectionFilter
    orderings = {"id": "id", "name": "name"}
    usual_ordering = "name"
    rights = {"test": "integrations.change_connection"}

    def create(self, request: Request) -> Response:
        return self._with_warnings(request, super().create(request))

    def update(self, request: Request, pk: str) -> Response:
        return self._with_warnings(request, super().update(request, pk))

    def _with_warnings(self, request: Request, answer: Response) -> Response:
        """Add what a short look at the server of a connection just saved shows of its role."""
        risks: tuple[str, ...] = ()
        sent = dict(request.data)
        if {"address", "url", "database_url", "password"} & set(sent) and sent.get("accept_risk") is not True:
            risks = Connection.objects.get(pk=answer.data["id"]).risks(seconds=LOOK_SECONDS)
        answer.data["warnings"] = list(risks)
        return answer

    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        connection = self.get_object()
        refuse_unless_changeable(connection, request.user)
        audit.record("test", connection)
        try:
            report = connection.test()
        except (Unusable, Undecryptable) as failed:
            facts = failed.facts if isinstance(failed, Unusable) else {}
            return Response({"ok": False, "sentence": str(failed), "warnings": [], **facts})
        warnings = [*report.risks, *report.warnings]
        return Response({"ok": True, "sentence": report.sentence, "warnings": warnings, **report.facts})


@describe_tokens
class TokenViewSet(IdempotentWrites, GenericViewSet[ApiToken]):
    """The caller's own tokens; an administrator of all environments sees and revokes everybody's."""

    queryset = ApiToken.objects.all()
    serializer_class = TokenSerializer
    permission_classes = [Authenticated]
    scoped_right = "integrations.{verb}_apitoken"
    filter_backends = [StrictFilterBackend]
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[ApiToken]:
        """Return the tokens that the caller may see."""
        tokens = ApiToken.objects.select_related("user")
        own = caller(self.request)
        everybodys = may(self.request, "integrations.change_apitoken") and environments_of(own) is None
        return tokens if everybodys else tokens.filter(user=own)

    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)

    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        expires = values.get("expires_at")
        if expires is not None and expires.tzinfo is None:
            expires = expires.replace(tzinfo=UTC)
        token, text = ApiToken.issue(
            user=caller(request), name=values["name"], expires_at=expires, only=self._scopes(values)
        )
        shown = IssuedSerializer(token).data
        return Response({**shown, "token": text}, status=201, headers={"Cache-Control": "no-store"})

    def _scopes(self, values: dict[str, Any]) -> Iterable[str]:
        """Return the scopes for a new token: no more than those of the token by which it is asked for."""
        wanted = values.get("scopes", [])
        own = self.request.auth.scopes if isinstance(self.request.auth, ApiToken) else []
        if own and not set(wanted) <= set(own):
            raise PermissionDenied("The token that asks is for less than this.")
        return wanted or own

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    def destroy(self, request: Request, pk: str) -> Response:
        self.get_object().revoke(by=caller(request).get_username())
        return Response(status=204)

    def kept_data(self, data: Any) -> Any:
        """Keep the answer without the token's text: a repeated request does not show it again."""
        return {name: value for name, value in data.items() if name != "token"} if data else data
