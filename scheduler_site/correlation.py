"""Give every request and its answer a correlation id, and bind it to the log lines in between."""

import re
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

ALLOWED = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class CorrelationMiddleware:
    """Take `X-Correlation-ID` from the request if it is well formed, else make one; send it back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.headers.get("X-Correlation-ID", "")
        correlation_id = sent if ALLOWED.fullmatch(sent) else uuid.uuid4().hex
        request.correlation_id = correlation_id  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            response = self.get_response(request)
        response.headers["X-Correlation-ID"] = correlation_id
        return response
