"""The line beyond which a crash ends nothing else. Pure."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def contained(note: Callable[[Exception], object], *, let: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Hand a crash of what is done within to `note` and go on behind it; what `let` names is raised as ever.

    For work that is not ours, or that must not end what stands beside it. Whoever uses it says which, and keeps what
    `note` was given.
    """
    try:
        yield
    except let:
        raise
    except Exception as crash:  # the one place for it outside the runner and the sender; each caller has its reason
        note(crash)
