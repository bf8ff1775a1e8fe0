"""Every address of Carillon, taken from its URL patterns, with the methods that it has."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.urls import URLPattern, get_resolver

PLACES = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")
SAFE = {"GET", "HEAD", "OPTIONS"}
# Where an address names something else than an object: what stands there.
FIXED = {
    "verb": "pause",
    "name": "pause",
    "number": "1",
    "correlation_id": "shared",
    "app_label": "schedules",
    "content_type_id": "1",
    "url": "nothing/",
}


@dataclass(frozen=True)
class Address:
    """A pattern such as "api/v1/runs/{pk}", and its methods. `kind` is the word before its first object."""

    pattern: str
    methods: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Return what its object is called: "runs", or "schedules/calendar" in the workshop; "" without one."""
        if "/stats/{object}" in self.pattern:
            return "schedules"  # the only address whose object is not what the word before it says
        before, found, _ = self.pattern.partition("{object}")
        words = before.removeprefix("api/v1/").strip("/").split("/")
        return "/".join(words[1:3] if words[0] == "admin" else words[:1]) if found else ""

    def at(self, pk: object) -> str:
        """Return the address of one object."""
        return "/" + self.pattern.replace("{object}", str(pk))


def every_address() -> list[Address]:
    """Return all addresses, each once."""
    found: dict[str, set[str]] = {}
    for pattern, callback in _walk(get_resolver().url_patterns, ""):
        found.setdefault(pattern, set()).update(_methods(callback))
    return [Address(pattern, tuple(sorted(methods))) for pattern, methods in sorted(found.items())]


def _walk(patterns, before):
    for one in patterns:
        here = before + _plain(str(one.pattern))
        if isinstance(one, URLPattern):
            yield here, one.callback
        else:
            yield from _walk(one.url_patterns, here)


def _plain(pattern):
    text = PLACES.sub(lambda match: FIXED.get(match[1] or match[2], "{object}"), pattern)
    return text.replace("\\Z", "").strip("^$").replace("/^", "/").replace("\\", "")


def _methods(callback):
    if actions := getattr(callback, "actions", None):
        return {method.upper() for method in actions}
    view = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    if view is not None and hasattr(view, "http_method_names"):
        return {name.upper() for name in view.http_method_names if hasattr(view, name)} - {"OPTIONS", "HEAD"}
    return {"GET", "POST"}
