"""The tokens by which programs come in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe as random_text
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone

from integrations import audit, scopes
from integrations.naming import has_control_characters
from integrations.queries import ApiTokenQuerySet

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PREFIX = 12  # characters of a token that are kept and shown


class ApiToken(models.Model):
    """A program's key to the API: shown once, kept as a digest."""

    trail_kind = "token"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, help_text="What it is for.")
    prefix = models.CharField(max_length=12, db_index=True, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    scopes = models.JSONField(
        default=list, blank=True, help_text="What it may be used for, within its user's rights; all of them if empty."
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Refused from then on; never if empty.")
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @classmethod
    def issue(
        cls, *, user: User, name: str, expires_at: datetime | None = None, only: Iterable[str] = ()
    ) -> tuple[ApiToken, str]:
        """Store a new token of `user` and return it with its text, which cannot be read again.

        `only` names the scopes that it is for, none for all that the user may. The text carries 240 random bits.
        Raises ValidationError by field.
        """
        text = f"car_{random_text(30)}"
        token = cls(user=user, name=name, prefix=text[:PREFIX], digest=digest_of(text), expires_at=expires_at)
        token.scopes = list(dict.fromkeys(only))
        token.full_clean()
        if expires_at is not None and expires_at <= timezone.now():
            raise ValidationError({"expires_at": ["This moment has passed; choose one ahead."]})
        with transaction.atomic():
            token.save()
            audit.record("create", token, by=user.get_username(), after=token.recorded())
        return token, text

    def clean(self) -> None:
        """Refuse scopes that there are not, and control characters; raises ValidationError by field."""
        if has_control_characters(self.name):
            raise ValidationError({"name": ["Control characters are not allowed."]})
        if sentence := scopes.refusal(self.scopes):
            raise ValidationError({"scopes": [sentence]})

    def allows(self, right: str) -> bool:
        """Tell whether it may be used for a right of its user, such as "schedules.pause_schedule"."""
        return scopes.allow(self.scopes, right)

    def revoke(self, *, by: str) -> None:
        """Refuse it from now on; revoking twice changes nothing."""
        with transaction.atomic():
            done = ApiToken.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now())
            self.refresh_from_db(fields=["revoked_at"])
            if done:
                audit.record("revoke", self, by=by, after={"revoked_at": self.revoked_at})

    def recorded(self) -> dict[str, Any]:
        """Return what the audit trail tells of it."""
        return {"user": str(self.user), "name": self.name, "scopes": self.scopes, "expires_at": self.expires_at}

    def matches(self, text: str) -> bool:
        """Tell, in constant time, whether `text` is this token."""
        return compare_digest(self.digest, digest_of(text))

    def touch(self) -> None:
        """Note that it was used, at most once a minute."""
        now = timezone.now()
        if self.last_used_at is None or self.last_used_at < now - timedelta(minutes=1):
            ApiToken.objects.filter(pk=self.pk).update(last_used_at=now)


def digest_of(text: str) -> str:
    """Return the SHA-256 of a token: it is random enough to need no salt."""
    return sha256(text.encode()).hexdigest()
