"""Do a write once, however often it is sent: the answer is kept with its Idempotency-Key for a day."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.models import KeptAnswer
from integrations.rest.permissions import caller

READS = {"GET", "HEAD", "OPTIONS"}


class OtherRequest(APIException):
    """The key was used for another request before."""

    status_code = 422
    default_detail = "This Idempotency-Key was sent with another request before. Use a fresh key for a new request."


class Repeated(Exception):
    """The request was answered before; carries that answer."""

    def __init__(self, kept: KeptAnswer) -> None:
        super().__init__(kept.key)
        self.kept = kept


class IdempotentWrites:
    """Mix into a view: a write with an Idempotency-Key and its kept answer commit together, or neither does.

    A second request with the key waits for the first and gets the same answer, marked `Idempotency-Replayed: true`.
    A refused write keeps nothing, so the same key may be sent again.
    """

    answer: KeptAnswer | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer within one transaction where the write carries a key."""
        if request.method in READS or "Idempotency-Key" not in request.headers:
            return super().dispatch(request, *args, **kwargs)  # type: ignore[misc, no-any-return]
        with transaction.atomic():
            response: Response = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
            if response.status_code >= 400:
                transaction.set_rollback(True)
            elif self.answer is not None:
                self.answer.status, self.answer.body = response.status_code, self.kept_data(response.data)
                self.answer.save(update_fields=["status", "body"])
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Take the key after the caller's rights were checked; raises Repeated where it has an answer."""
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        key = request.headers.get("Idempotency-Key")
        if key is not None and request.method not in READS:
            self.answer = _take(key, request)

    def handle_exception(self, error: Exception) -> Response:
        """Give the kept answer instead of doing the write again."""
        if not isinstance(error, Repeated):
            return super().handle_exception(error)  # type: ignore[misc, no-any-return]
        return Response(error.kept.body, status=error.kept.status, headers={"Idempotency-Replayed": "true"})

    def kept_data(self, data: Any) -> Any:
        """Return what is kept of an answer."""
        return data


def _take(key: str, request: Request) -> KeptAnswer:
    """Write down the key, or raise Repeated with what was answered to it; waits for a request still under way."""
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise ValidationError({"Idempotency-Key": ["1 to 255 printable characters."]})
    digest, user = _digest(request), caller(request)
    KeptAnswer.objects.outdated(timezone.now()).filter(user=user).delete()
    try:
        with transaction.atomic():
            return KeptAnswer.objects.create(user=user, key=key, request_digest=digest)
    except IntegrityError:
        kept = KeptAnswer.objects.get(user=user, key=key)
    if kept.request_digest != digest:
        raise OtherRequest
    raise Repeated(kept)


def _digest(request: Request) -> str:
    body = json.dumps(request.data, sort_keys=True, default=str)
    return sha256(f"{request.method} {request.get_full_path()}\n{body}".encode()).hexdigest()
