"""Forms come in UTF-8; one in another encoding is refused before anything looks into it."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

from scheduler_site.api import bad_request


class EncodingMiddleware:
    """Answer 400 to a form in another encoding; Django would fail on it a second time while it says so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_form = request.content_type == "application/x-www-form-urlencoded"
        if is_form and (request.encoding or "utf-8").lower() != "utf-8":
            return bad_request(request, BadRequest())
        return self.get_response(request)
