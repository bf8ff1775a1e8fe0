"""Named ways to the outside world, and the tokens by which programs come in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe as random_text
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models, transaction
from django.utils import timezone

from integrations import audit, scopes, secrets
from integrations.access import Access
from integrations.counting import RequestCount
from integrations.kinds import http, kind, nats, sql
from integrations.kinds.base import Refused, Report, Stored, Unusable
from integrations.logins import FailedLogins
from integrations.naming import has_control_characters
from integrations.outbox import Channel, Delivery
from integrations.queries import ApiTokenQuerySet, ConnectionQuerySet, KeptAnswerQuerySet
from integrations.trail import AuditEntry, AuditHead, AuditLink

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from sqlalchemy.engine import URL

    from integrations.messaging import Server

__all__ = [
    "Access",
    "ApiToken",
    "AuditEntry",
    "AuditHead",
    "AuditLink",
    "Channel",
    "Connection",
    "Delivery",
    "FailedLogins",
    "KeptAnswer",
    "RequestCount",
]

PREFIX = 12  # characters of a token that are kept and shown


class Connection(models.Model):
    """A named way to another system. What must stay secret is encrypted and never read back.

    Write `address` as a person would, password and all, and `offer` other secrets; `store` takes the secrets out of
    sight. A secret given as `***` keeps its stored value, unless the address changed: then it must be written again.
    """

    class Kind(models.TextChoices):
        SQL = "sql", "SQL database (read only)"
        HTTP = "http", "HTTP service"
        NATS = "nats", "NATS server"

    name = models.CharField(max_length=255, unique=True, help_text="Jobs refer to it by this name.")
    kind = models.CharField(max_length=16, choices=Kind)
    description = models.TextField(max_length=1000, validators=[MaxLengthValidator(1000)], blank=True, default="")
    address = models.CharField(
        max_length=2000, help_text="Where it leads, without any secret: shown on pages and in the API."
    )
    environment = models.CharField(
        max_length=50,
        blank=True,
        default="",
        help_text="Only schedules of this environment may use it; all if empty.",
    )
    encrypted = models.TextField(editable=False, default="", blank=True)
    created_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    updated_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    _offered: dict[str, Any] | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def secrets(self) -> dict[str, Any]:
        """Return the secret part, decrypted; raises secrets.Undecryptable when no key fits."""
        return secrets.decrypt(self.encrypted) if self.encrypted else {}

    @secrets.setter
    def secrets(self, values: dict[str, Any]) -> None:
        self.encrypted = secrets.encrypt(values) if values else ""

    @property
    def masked(self) -> dict[str, Any]:
        """Return the secrets as they may be shown, each as `***`: for kind http `{"headers": {name: "***"}}`."""
        return kind(self.kind).masked(self.secrets)

    def offer(self, values: dict[str, Any] | None) -> None:
        """Take secrets for the next `clean` or `store`; None changes none.

        Kind http: `{"headers": {name: value}}`, all of them. Kinds sql and nats: `{"password": text}`, or within the
        address.
        """
        self._offered = values

    def clean(self) -> None:
        """Refuse what cannot be a connection, and move the secrets out of the address; raises ValidationError."""
        if has_control_characters(self.name):
            raise ValidationError({"name": ["Control characters are not allowed."]})
        before = Connection.objects.filter(pk=self.pk).first() if self.pk else None
        stored = before.as_stored() if before and before.kind == self.kind else None
        try:
            accepted = kind(self.kind).accept(self.address, self._offered, stored)
        except Refused as refused:
            where = refused.field if refused.field in {"kind", "address"} else NON_FIELD_ERRORS
            raise ValidationError({where: [ValidationError(str(refused), code=refused.field)]}) from None
        self.address, values = accepted
        self._offered = values if values or self._offered is not None else None
        if stored is None or stored.secrets != values:
            self.secrets = values

    def as_stored(self) -> Stored:
        """Return address and secrets; without the secrets if no key fits, so that they can be written again."""
        try:
            return Stored(self.address, self.secrets)
        except secrets.Undecryptable:
            return Stored(self.address, {})

    def store(self, *, by: str) -> None:
        """Check and save a new or edited connection; raises ValidationError by field."""
        with transaction.atomic():
            new = self._state.adding
            if new:
                self.created_by = self.created_by or by
            before = {} if new else Connection.objects.get(pk=self.pk).recorded()
            self.updated_by = by
            self.full_clean()
            self.save()
            audit.record("create" if new else "update", self, by=by, before=before, after=self.recorded())
        self._offered = None

    def remove(self, *, by: str) -> None:
        """Delete it; what refers to it by name says so when it runs next."""
        with transaction.atomic():
            audit.record("delete", self, by=by, before=self.recorded())
            self.delete()

    def recorded(self) -> dict[str, Any]:
        """Return what the audit trail tells of it."""
        hidden = self.as_stored().secrets
        headers = {name: audit.Hidden(value) for name, value in hidden.get("headers", {}).items()}
        return {
            **{name: getattr(self, name) for name in ("name", "kind", "description", "environment", "address")},
            **({"headers": headers} if headers else {}),
            **{name: audit.Hidden(value) for name, value in hidden.items() if name != "headers"},
        }

    def test(self) -> Report:
        """Reach the other system once, and return a sentence and warnings. Raises kinds.base.Unusable."""
        return kind(self.kind).try_out(self.address, self._opened())

    def sql_url(self) -> URL:
        """Return the address of a database, password included: keep it out of sight. Raises Unusable."""
        return sql.url(self.address, self._opened())

    def http_address(self) -> str:
        """Return the base address of an HTTP service. Raises Unusable."""
        return http.base_address(self.address)

    def http_headers(self) -> dict[str, str]:
        """Return the secret headers to send. Raises Unusable."""
        return http.secret_headers(self._opened())

    def nats_server(self) -> Server:
        """Return where to send messages, and as whom: keep it out of sight. Raises Unusable."""
        return nats.server(self.address, self._opened())

    def scrub(self, text: str) -> str:
        """Return `text` with every secret of this connection replaced by `***`."""
        return secrets.scrub(text, kind(self.kind).secret_values(*self.as_stored()))

    def _opened(self) -> dict[str, Any]:
        try:
            return self.secrets
        except secrets.Undecryptable as closed:
            raise Unusable(str(closed)) from None


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


class KeptAnswer(models.Model):
    """The answer to a write that carried an Idempotency-Key, to be given again when the request is repeated."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64, help_text="Method, address and body of the first request.")
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = KeptAnswerQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="one_answer_per_key")]
        indexes = [models.Index(fields=["created_at"], name="kept_answer_age")]

    def __str__(self) -> str:
        return self.key


def digest_of(text: str) -> str:
    """Return the SHA-256 of a token: it is random enough to need no salt."""
    return sha256(text.encode()).hexdigest()
