"""What a new schedule has where nothing else is said: the settings as they are when it is made."""

from django.conf import settings


def environment() -> str:
    """Return where a schedule belongs that names no environment."""
    value: str = settings.DEFAULT_ENVIRONMENT
    return value


def timezone() -> str:
    """Return the zone of a schedule that names none."""
    value: str = settings.SCHEDULER_TIMEZONE
    return value


def grace() -> int:
    """Return up to how many seconds after its time a fire is on time."""
    value: int = settings.SCHEDULER_MISFIRE_GRACE_TIME
    return value


def instances() -> int:
    """Return how many runs of a schedule may go side by side."""
    value: int = settings.SCHEDULER_MAX_INSTANCES
    return value


def retry_delay() -> int:
    """Return how many seconds pass before the first retry."""
    value: int = settings.DEFAULT_RETRY_DELAY
    return value
