"""Tell how far the work is, from the thread that waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY_SECONDS = 2.0

Progress = Callable[[int, int | None, str], None]  # bytes done, bytes in all, what is done


class Meter:
    """Written by the thread that works, read and told by the one that waits."""

    def __init__(self, progress: Progress, cancelled: Callable[[], bool]) -> None:
        self.progress = progress
        self.cancelled = cancelled
        self.done = 0
        self.total: int | None = None
        self.text = ""
        self.told = time.monotonic()

    def say(self, text: str) -> None:
        """Name the step that begins."""
        self.text = text

    def look(self) -> bool:
        """Tell how far it is if that is due; return whether somebody asked to stop."""
        if (now := time.monotonic()) - self.told >= EVERY_SECONDS:
            self.told = now
            self.progress(self.done, self.total, self.text)
        return self.cancelled()
