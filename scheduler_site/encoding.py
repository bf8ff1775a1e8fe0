"""Forms come in UTF-8, and addresses hold no NUL: what differs is refused before anything looks into it."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

from scheduler_site.api import bad_request, not_found


class EncodingMiddleware:
    """Answer 404 to NUL, and 400 to a form in another encoding: Django would fail on it again while it says so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path_info:  # no database can be asked for it
            return not_found(request, None)
        is_form = request.content_type == "application/x-www-form-urlencoded"
        if is_form and (request.encoding or "utf-8").lower() != "utf-8":
            return bad_request(request, BadRequest())
        return self.get_response(request)
