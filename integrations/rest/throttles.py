"""So many requests in a minute from one user, counted over all web processes.

The counter lies in the database. A process draws a few requests at a time from it, so that most requests cost no
statement; what it does not use up is lost at the end of the minute.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle

from integrations.counting import draw

SHARE = 60  # of a rate, one part is drawn at a time: 20 of 1,200, one of 60 or less
MOST = 10_000  # users of whom a process remembers what it drew

_lock = Lock()
_drawn: dict[str, tuple[int, int]] = {}  # key → when its period ends and what is left of it here


class SharedThrottle(UserRateThrottle):
    """At most `rate` of one user, in whichever process. A period begins with the first request after the last one."""

    ends = 0
    num_requests: int | None
    duration: int | None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Tell whether there is one more."""
        key = self.get_cache_key(request, view)
        if key is None or not self.num_requests or not self.duration:
            return True
        now = int(time.time() * 1000)
        self.ends, left = _drawn.get(key, (0, 0))
        if left > 0 and now < self.ends:
            return self._use(key, left)
        if left < 0 and now < self.ends:
            return False
        self.ends, left = self._draw(key, now, self.num_requests, self.duration * 1000)
        return self._use(key, left)

    def wait(self) -> float:
        """Return the seconds until the next period may begin."""
        return max(self.ends / 1000 - time.time(), 1.0)

    def _use(self, key: str, left: int) -> bool:
        """Take one of what is left, and note that there is no more where nothing is."""
        with _lock:
            if len(_drawn) > MOST:
                _drawn.clear()
            _drawn[key] = self.ends, left - 1 if left > 0 else -1
        return left > 0

    def _draw(self, key: str, now: int, rate: int, length: int) -> tuple[int, int]:
        """Draw a share from the counter; return when the period ends and what of the share lies within the rate."""
        share = max(rate // SHARE, 1)
        began, count = draw(key, now, share, length)
        return began + length, max(min(share, rate - (count - share)), 0)


def forget() -> None:
    """Forget what this process drew."""
    _drawn.clear()
