"""What the frame around every page shows."""

from typing import Any

from django.http import HttpRequest


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the heartbeat and the environment for the rail."""
    return {}
