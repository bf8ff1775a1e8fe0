"""Slow down who guesses passwords: by account and by address, in the database, so that all web processes count alike.

Nobody is locked out for ever: the longest wait is a quarter of an hour, and an hour without a failure forgets them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from django.db import models, transaction
from django.db.models import Max

FORGIVEN = {"account": 5, "address": 50}  # failures before the first wait; many people may share an address
FIRST_WAIT = 5.0  # seconds; doubled with each further failure
LONGEST_WAIT = 900.0
MEMORY = timedelta(hours=1)


class FailedLogins(models.Model):
    """How often logging in to one account, or from one address, has failed of late."""

    key = models.CharField(max_length=80, unique=True)
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()
    blocked_until = models.DateTimeField()

    class Meta:
        verbose_name_plural = "failed logins"
        indexes = [models.Index(fields=["last_at"], name="failed_logins_age")]

    def __str__(self) -> str:
        return f"{self.key}: {self.failures}"


def seconds_to_wait(account: str, address: str, now: datetime) -> float:
    """Return how long nobody may try to log in to this account, or from this address; 0 if they may now."""
    rows = FailedLogins.objects.filter(key__in=keys(account, address), last_at__gt=now - MEMORY)
    until = rows.aggregate(until=Max("blocked_until"))["until"]
    return max((until - now).total_seconds(), 0.0) if until else 0.0


def note_failure(account: str, address: str, now: datetime) -> None:
    """Count a failure; the account need not exist, so that nobody learns which ones do."""
    FailedLogins.objects.filter(last_at__lt=now - MEMORY).delete()
    for key in keys(account, address):
        with transaction.atomic():
            row, _ = FailedLogins.objects.select_for_update().get_or_create(
                key=key, defaults={"last_at": now, "blocked_until": now}
            )
            row.failures += 1
            row.last_at = now
            row.blocked_until = now + timedelta(seconds=wait_after(row.failures, forgiven(key)))
            row.save()


def forget(account: str) -> None:
    """Forget the failures of an account, since its owner is there; those of the address stay."""
    FailedLogins.objects.filter(key=keys(account, "")[0]).delete()


def wait_after(failures: int, free: int) -> float:
    """Return the seconds to wait after so many failures, the first `free` of which are forgiven."""
    over = failures - free
    return 0.0 if over <= 0 else min(FIRST_WAIT * 2 ** min(over - 1, 20), LONGEST_WAIT)


def forgiven(key: str) -> int:
    """Return how many failures of a key are forgiven."""
    return FORGIVEN[key.partition(":")[0]]


def keys(account: str, address: str) -> list[str]:
    """Return the keys under which failures are counted; names are kept as digests, people mistype passwords there."""
    digest = sha256(account.strip().casefold().encode(errors="replace")).hexdigest()[:40]
    return [f"account:{digest}", *([f"address:{address[:64]}"] if address else [])]
