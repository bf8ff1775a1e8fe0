"""What can be listed, made, read, changed and removed over HTTP, one by one."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations import access
from integrations.rest.conditions import check_match, tagged
from integrations.rest.filters import StrictFilterBackend
from integrations.rest.idempotency import IdempotentWrites


class Collection(IdempotentWrites, GenericViewSet[Any]):
    """A view on rows of one model. A change takes the row's lock, and only what is sent changes."""

    filter_backends = [StrictFilterBackend]
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> Any:
        """Return the rows that exist for the caller."""
        rows: Any = super().get_queryset()
        return rows.visible_to(self.request.user)

    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)

    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row = serializer.save()
        return Response(serializer.data, status=201, headers={"Location": f"{request.path}/{row.pk}"})

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    @transaction.atomic
    def update(self, request: Request, pk: str) -> Response:
        serializer = self.get_serializer(self.locked(pk), data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data)

    def partial_update(self, request: Request, pk: str) -> Response:
        return self.update(request, pk)

    @transaction.atomic
    def destroy(self, request: Request, pk: str) -> Response:
        self.remove(self.locked(pk))
        return Response(status=204)

    def locked(self, pk: str) -> Any:
        """Return the row under its lock; raises Http404, and PermissionDenied where it is everybody's."""
        row = get_object_or_404(self.get_queryset().select_for_update(of=("self",)), pk=pk)
        access.refuse_unless_changeable(row, self.request.user)
        return row

    def remove(self, row: Any) -> None:
        """Remove a row."""
        row.remove(by=self.request.user.get_username())


class Versioned(Collection):
    """A collection whose rows have a version: answers carry it as ETag, and changes may name it in If-Match."""

    @transaction.atomic
    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row = serializer.save()
        response = Response(serializer.data, status=201, headers={"Location": f"{request.path}/{row.pk}"})
        return tagged(response, row)

    def retrieve(self, request: Request, pk: str) -> Response:
        return self.shown(self.get_object())

    @transaction.atomic
    def update(self, request: Request, pk: str) -> Response:
        serializer = self.get_serializer(self.locked(pk), data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        return self.shown(serializer.save())

    def locked(self, pk: str) -> Any:
        """Return the row under its lock, at the version that the caller has seen."""
        row = super().locked(pk)
        check_match(self.request, row)
        return row

    def shown(self, row: Any) -> Response:
        """Return a row as it is answered, with its version."""
        return tagged(Response(self.get_serializer(row).data), row)
