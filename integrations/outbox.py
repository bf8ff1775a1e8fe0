"""Who is told, and what is to be told: channels, and the deliveries that wait in the outbox.

A delivery is written in the transaction of what it reports and sent afterwards, so that neither a crash nor an
unreachable receiver loses it. It is sent at least once, each time with the same `webhook_id`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from integrations import audit, secrets
from integrations.channels import Envelope, Message, Receipt, base, kind, webhook
from integrations.kinds.base import Refused, Unusable
from integrations.naming import has_control_characters
from integrations.queries import ChannelQuerySet, DeliveryQuerySet

JSONObject = dict[str, Any]
LONGEST_LOG = 50  # entries
LONGEST_SAYING = 300  # characters of an answer in the log


def new_webhook_id() -> str:
    """Return what names a delivery to its receiver, for ever."""
    return f"msg_{uuid.uuid4().hex}"


class Channel(models.Model):
    """A named way to tell people and programs something. What must stay secret is encrypted and never read back.

    `offer` what a person wrote, as the kind's Settings name it, then `store`. A secret given as `***` keeps its
    stored value, unless the destination changed: then it must be written again.
    """

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        SLACK = "slack", "Slack"
        WEBHOOK = "webhook", "Webhook"
        APPRISE = "apprise", "Apprise"

    name = models.CharField(max_length=255, unique=True, help_text="Schedules refer to it by this name.")
    kind = models.CharField(max_length=16, choices=Kind)
    description = models.TextField(max_length=1000, validators=[MaxLengthValidator(1000)], blank=True, default="")
    environment = models.CharField(
        max_length=50,
        blank=True,
        default="",
        help_text="Only schedules of this environment may use it; all if empty.",
    )
    enabled = models.BooleanField(default=True, help_text="Off: nothing is sent; what falls due is discarded.")
    shown = models.JSONField(default=dict, editable=False)
    encrypted = models.TextField(editable=False, default="", blank=True)
    schedule_id = models.BigIntegerField(
        null=True, blank=True, editable=False, db_index=True, help_text="The schedule that defines it, if one does."
    )
    created_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    updated_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    _offered: Mapping[str, Any] | None = None
    revealed: Mapping[str, str] = {}  # what was made here just now, to be shown once

    def __str__(self) -> str:
        return self.name

    @property
    def secrets(self) -> dict[str, Any]:
        """Return the secret settings, decrypted; raises secrets.Undecryptable when no key fits."""
        return secrets.decrypt(self.encrypted) if self.encrypted else {}

    @property
    def masked(self) -> dict[str, Any]:
        """Return all settings as they may be shown, each secret as `***`."""
        return {**self.shown, **base.masked(self._readable())}

    def offer(self, values: Mapping[str, Any] | None) -> None:
        """Take the kind's settings, all of them, for the next `clean` or `store`; None changes none."""
        self._offered = values

    def clean(self) -> None:
        """Refuse what cannot be a channel; raises ValidationError, by setting where one is wrong."""
        if has_control_characters(self.name):
            raise ValidationError({"name": ["Control characters are not allowed."]})
        offered = self._offered
        if offered is None:
            if self._state.adding:
                offered = {}
            else:
                return
        before = Channel.objects.filter(pk=self.pk, kind=self.kind).first() if self.pk else None
        stored = (before.shown, before._readable()) if before else None
        try:
            settings = base.read(kind(self.kind), offered, stored)
        except Refused as refused:
            where = "kind" if refused.field == "kind" else NON_FIELD_ERRORS
            raise ValidationError({where: [ValidationError(str(refused), code=refused.field)]}) from None
        self.revealed = settings.missing()
        self.shown, hidden = settings.model_copy(update=self.revealed).split()
        self.encrypted = secrets.encrypt(hidden) if hidden else ""

    def store(self, *, by: str) -> None:
        """Check and save a new or edited channel; raises ValidationError by field."""
        with transaction.atomic():
            new = self._state.adding
            if new:
                self.created_by = self.created_by or by
            before = {} if new else Channel.objects.get(pk=self.pk).recorded()
            self.updated_by = by
            self.full_clean()
            self.save()
            audit.record("create" if new else "update", self, by=by, before=before, after=self.recorded())
        self._offered = None

    def remove(self, *, by: str) -> None:
        """Delete it; its deliveries stay."""
        with transaction.atomic():
            audit.record("delete", self, by=by, before=self.recorded())
            self.delete()

    def recorded(self) -> dict[str, Any]:
        """Return what the audit trail tells of it."""
        return {
            **{name: getattr(self, name) for name in ("name", "kind", "description", "environment", "enabled")},
            **self.shown,
            **{name: audit.Hidden(value) for name, value in self._readable().items()},
        }

    def rotate(self, *, by: str) -> None:
        """Make a new signing secret, or whatever is made here; `revealed` shows it, this once."""
        made = kind(self.kind).Settings.made_here
        self.offer({name: value for name, value in self.masked.items() if name not in made})
        self.store(by=by)

    def send(self, message: Message, envelope: Envelope) -> Receipt:
        """Tell `message` once, now. Raises channels.NotDelivered, and Unusable where something is missing here."""
        try:
            values = {**self.shown, **self.secrets}
        except secrets.Undecryptable as closed:
            raise Unusable(str(closed)) from None
        own = kind(self.kind)
        return own.send(own.Settings(**values), message, envelope)

    def scrub(self, text: str) -> str:
        """Return `text` with every secret of this channel replaced by `***`, also as references expand now."""
        found = [one for text in base.texts(self._readable()) for one in (text, _expanded(text)) if one]
        return secrets.scrub(text, found)

    def _readable(self) -> dict[str, Any]:
        """Return the secrets, none if no key fits, so that they can be written again."""
        try:
            return self.secrets
        except secrets.Undecryptable:
            return {}


def _expanded(text: str) -> str:
    try:
        return base.expand(text)
    except Unusable:
        return ""


class Delivery(models.Model):
    """One message to one channel, or to one address: what it says, and how sending it went."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waits"
        SENDING = "sending", "Being sent"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Given up"
        DISCARDED = "discarded", "Not sent"

    channel = models.ForeignKey(Channel, null=True, blank=True, on_delete=models.SET_NULL, related_name="deliveries")
    channel_name = models.CharField(
        max_length=255, blank=True, default="", help_text="Empty: it goes to the address."
    )
    url = models.CharField(max_length=2000, blank=True, default="", help_text="Of a callback.")
    encrypted = models.TextField(editable=False, default="", blank=True)
    event = models.CharField(max_length=64)
    message = models.JSONField(default=dict)
    webhook_id = models.CharField(max_length=64, unique=True, default=new_webhook_id)
    dedupe_key = models.CharField(
        max_length=400, unique=True, null=True, blank=True, help_text="At most one delivery is written for each."
    )
    topic = models.CharField(
        max_length=64, blank=True, default="", help_text="What it belongs to, by which its sender looks it up."
    )
    told_in = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="A digest of several."
    )
    schedule_id = models.BigIntegerField(null=True, blank=True)
    run_id = models.BigIntegerField(null=True, blank=True)
    environment = models.CharField(max_length=50, blank=True, default="")
    correlation_id = models.CharField(max_length=64, blank=True, default="")
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    answer_status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.TextField(blank=True, default="", help_text="What the receiver said, or why it was not reached.")
    log = models.JSONField(default=list, help_text="The attempts that came to an end, the oldest first.")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        permissions = [("replay_delivery", "Can send a delivery again")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["pending", "sending", "delivered", "failed", "discarded"]),
                name="delivery_status_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="sending") | Q(lease_expires_at__isnull=False), name="sending_has_lease"
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at", "id"], condition=Q(status="pending"), name="delivery_due"),
            models.Index(fields=["lease_expires_at"], condition=Q(status="sending"), name="delivery_leases"),
            models.Index(fields=["schedule_id", "-id"], name="delivery_of_schedule"),
            models.Index(fields=["run_id"], condition=Q(run_id__isnull=False), name="delivery_of_run"),
            models.Index(fields=["topic"], condition=~Q(topic=""), name="delivery_of_topic"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.channel_name or self.url}"

    @classmethod
    def of(cls, message: Message, channel: Channel | None = None, *, key: str = "", **columns: Any) -> Delivery:
        """Return a delivery of `message`, not saved yet. With a `key` no receiver gets a second one."""
        receiver = columns.get("channel_name") or (channel.name if channel else "")
        return Delivery(
            channel=channel,
            event=message.event,
            message=message.as_json(),
            dedupe_key=f"{key}:{receiver or columns.get('url', '')}"[:400] if key else None,
            **{"channel_name": receiver, **columns},
        )

    @property
    def was_taken(self) -> bool:
        """Tell whether the receiver has it, by itself or in a digest of several."""
        return self.status == "delivered" or (self.told_in is not None and self.told_in.status == "delivered")

    @property
    def is_under_way(self) -> bool:
        """Tell whether it may still arrive."""
        told = self.told_in or self
        return told.status in {"pending", "sending"}

    def replay(self, *, by: str = "", now: datetime | None = None) -> bool:
        """Send it again from the first attempt on, under the same `webhook_id`; False while it waits or is sent."""
        moment = now or timezone.now()
        with transaction.atomic():
            found = Delivery.objects.select_for_update(of=("self",)).get(pk=self.pk)
            if can := found.status in {"delivered", "failed", "discarded"}:
                before, found.log = {"status": found.status}, found.with_entry(moment, "replayed", by)
                found.status, found.attempts, found.next_attempt_at, found.finished_at = "pending", 0, moment, None
                found.save(update_fields=["status", "attempts", "next_attempt_at", "finished_at", "log"])
                audit.record("replay", found, by=by, before=before, after={"status": found.status})
            self.refresh_from_db()
        return can

    def with_entry(self, at: datetime, outcome: str, said: str, answer_status: int | None = None) -> list[JSONObject]:
        """Return the log with one entry more: what came of the attempt that is being made, and what was said.

        `outcome` is delivered, failed (given up), pending (tried again later), discarded, or replayed, when somebody
        (`said`) had it sent again. The newest LONGEST_LOG are kept.
        """
        entry = {"attempt": self.attempts, "at": at.isoformat(), "outcome": outcome, "said": said[:LONGEST_SAYING]}
        return [*self.log, {**entry, "answer_status": answer_status}][-LONGEST_LOG:]

    def send(self, at: int) -> Receipt:
        """Send it once, now (`at` in Unix seconds). Raises channels.NotDelivered and Unusable."""
        envelope = Envelope(self.webhook_id, at)
        if self.channel is not None:
            return self.channel.send(Message.of_json(self.message), envelope)
        try:
            opened = secrets.decrypt(self.encrypted) if self.encrypted else {}
        except secrets.Undecryptable as closed:
            raise Unusable(str(closed)) from None
        return webhook.post(self.url, self.message["body"], envelope, signing_secret=opened.get("signing_secret", ""))
