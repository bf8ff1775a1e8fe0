"""Say of every request who acts and by which way, so that what it changes is written down as theirs."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from integrations.acting import acting

NOTES = ("Created", "Updated", "Triggered", "Performed", "Requested", "Paused", "Cancelled", "Deleted")
HEADERS = ["X-On-Behalf-Of", *(f"X-{word}-By" for word in NOTES)]
WAYS = {"/api/": "api", "/admin/": "admin"}


class ActingMiddleware:
    """The actor is whoever is authenticated by the time something is changed; what headers say is only a note."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        source = next((way for start, way in WAYS.items() if request.path.startswith(start)), "page")
        with acting(
            "",
            source=source,
            user=SimpleLazyObject(lambda: request.user),
            reason=reason(request, source),
            on_behalf_of=on_behalf_of(request),
        ):
            return self.get_response(request)


def reason(request: HttpRequest, source: str) -> str:
    """Return why something is changed: what a header says, or the field of that name in a form of the workshop."""
    typed = request.POST.get("change_reason", "") if source == "admin" and request.method == "POST" else ""
    return typed or request.headers.get("X-Change-Reason", "")


def on_behalf_of(request: HttpRequest) -> str:
    """Return what the request's headers say of whom it is for, such as `X-Created-By: alice`; nobody checks it."""
    return "; ".join(f"{name}: {request.headers[name]}" for name in HEADERS if request.headers.get(name))
