"""What a process writes into its log, caught while a test goes on."""

import io
import logging
from contextlib import contextmanager

from scheduler_site import logs


@contextmanager
def logged(style, level):
    """Log in one style (json or text) from a level on into what this gives; afterwards as before."""
    root = logging.getLogger()
    handlers, before = root.handlers[:], root.level
    logs.configure({"format": style, "level": level})
    lines = io.StringIO()
    root.handlers[0].setStream(lines)
    yield lines
    root.handlers[:] = handlers
    root.setLevel(before)
