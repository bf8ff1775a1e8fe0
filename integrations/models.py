"""Named ways to the outside world, and the answers kept for repeated requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models, transaction
from django.utils import timezone

from integrations import audit, secrets
from integrations.access import Access
from integrations.counting import RequestCount
from integrations.kinds import http, kind, nats, sftp, sql
from integrations.kinds.base import Refused, Report, Stored, Unusable
from integrations.logins import FailedLogins
from integrations.naming import has_control_characters
from integrations.outbox import Channel, Delivery
from integrations.queries import ConnectionQuerySet, KeptAnswerQuerySet
from integrations.tokens import ApiToken
from integrations.trail import AuditEntry, AuditHead, AuditLink

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from integrations.messaging import Server
    from integrations.sftp import Server as SftpServer

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


class Connection(models.Model):
    """A named way to another system. What must stay secret is encrypted and never read back.

    Write `address` as a person would, password and all, and `offer` other secrets; `store` takes the secrets out of
    sight. A secret given as `***` keeps its stored value, unless the address changed: then it must be written again.
    """

    class Kind(models.TextChoices):
        SQL = "sql", "SQL database"
        HTTP = "http", "HTTP service"
        NATS = "nats", "NATS server"
        SFTP = "sftp", "SFTP server"

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

    @property
    def parts(self) -> dict[str, Any]:
        """Return the address of kind sftp in parts: host, port, username, host_key, remote_path; none of others."""
        return sftp.shown(self.address) if self.kind == self.Kind.SFTP else {}

    def offer(self, values: dict[str, Any] | None) -> None:
        """Take secrets for the next `clean` or `store`; None changes none.

        Kind http: `{"headers": {name: value}}`, all of them. Kinds sql, nats and sftp: `{"password": text}`, or
        within the address; sftp also `{"private_key": text}`.
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

    def risks(self, *, seconds: float) -> tuple[str, ...]:
        """Return what its role may do beyond tables, a sentence each; nothing if the server does not tell in time."""
        if self.kind != Connection.Kind.SQL:
            return ()
        return sql.risks(*self.as_stored(), seconds=seconds)

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

    def sftp_server(self) -> SftpServer:
        """Return where files lie, and as whom to fetch them: keep it out of sight. Raises Unusable."""
        return sftp.server(self.address, self._opened())

    def scrub(self, text: str) -> str:
        """Return `text` with every secret of this connection replaced by `***`."""
        return secrets.scrub(text, kind(self.kind).secret_values(*self.as_stored()))

    def _opened(self) -> dict[str, Any]:
        try:
            return self.secrets
        except secrets.Undecryptable as closed:
            raise Unusable(str(closed)) from None


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
