"""How long starts are put off and retries wait: spread out, and always the same for one key; pure."""

import hashlib
from datetime import timedelta


def retry_delay(base_seconds: float, backoff: str, *, attempt: int, key: str) -> timedelta:
    """Return how long to wait after the failed `attempt` (from 1): doubled each time if exponential, at most an
    hour, ± 10 % that depend on `key` only."""
    seconds = min(base_seconds * (2 ** (attempt - 1) if backoff == "exponential" else 1), 3600)
    return timedelta(seconds=seconds * (0.9 + 0.2 * spread(f"{key}:{attempt}")))


def spread(key: str) -> float:
    """Return a number in [0, 1) that looks random and is always the same for one key."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=6).digest()) / 2**48
