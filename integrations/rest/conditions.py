"""Change only what the caller has seen: ETag and If-Match, made from an object's version."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from integrations.rest.problems import Outdated


def etag(thing: Any) -> str:
    """Return the strong ETag of an object: its version in quotes."""
    return f'"{thing.version}"'


def check_match(request: Request, thing: Any) -> None:
    """Raise Outdated if the request names versions in If-Match and none is that of `thing`, read under its lock."""
    wanted = request.headers.get("If-Match")
    if wanted is None or wanted.strip() == "*":
        return
    if etag(thing) not in [one.strip() for one in wanted.split(",")]:
        raise Outdated


def tagged(response: Response, thing: Any) -> Response:
    """Return the response with the object's ETag."""
    response["ETag"] = etag(thing)
    return response
