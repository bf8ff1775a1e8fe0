"""Whom a schedule tells how its runs went: channels, a callback, and rules for what is told to whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q

from integrations import audit, http, secrets
from integrations.access import OfEnvironments
from integrations.addresses import Forbidden
from integrations.channels import webhook
from integrations.models import Channel

MOST_CHANNELS = 20
LATE_SECONDS = 60


class Telling(models.Model):
    """What a schedule itself says of whom to tell."""

    channels = models.JSONField(
        default=list,
        blank=True,
        help_text="Names of channels, told when a run fails for good, when runs succeed again, and what was missed.",
    )
    callback_url = models.CharField(
        max_length=2000, blank=True, default="", help_text="Every run that ends is posted here, signed."
    )
    callback_encrypted = models.TextField(editable=False, blank=True, default="")

    revealed: Mapping[str, str] = {}  # a secret made just now, to be shown once

    class Meta:
        abstract = True

    def check_telling(self, errors: dict[str, list[str]]) -> None:
        """Refuse channels that do not exist and an address that may not be called, under the field's name."""
        if sentence := channels_refusal(self.channels, getattr(self, "environment", "")):
            errors.setdefault("channels", []).append(sentence)
        if self.callback_url:
            try:
                http.check_url(self.callback_url)
            except Forbidden as refused:
                errors.setdefault("callback_url", []).append(str(refused))

    def make_callback_secret(self, *, anew: bool = False) -> None:
        """Make the secret that signs callbacks, where there is none yet or with `anew`; `revealed` then has it."""
        if not self.callback_url:
            self.callback_encrypted = ""
        elif anew or not self.callback_encrypted:
            secret = webhook.new_secret()
            self.callback_encrypted = secrets.encrypt({"signing_secret": secret})
            self.revealed = {"callback_secret": secret}

    def rotate_callback_secret(self, *, by: str) -> None:
        """Make a new secret for callbacks; `revealed` has it, this once."""
        with transaction.atomic():
            before = {"callback_secret": audit.Hidden(self.callback_encrypted)}
            self.make_callback_secret(anew=True)
            self.save(update_fields=["callback_encrypted"])
            after = {"callback_secret": audit.Hidden(self.callback_encrypted)}
            audit.record("rotate", self, by=by, before=before, after=after)


def channels_refusal(names: Any, environment: str) -> str:
    """Return why these are no channels for schedules of that environment, or of any if empty; empty if they are."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return "Channels are a list of names."
    if len(names) > MOST_CHANNELS:
        return f"At most {MOST_CHANNELS} channels; these are {len(names)}."
    if not names:
        return ""
    usable = Channel.objects.within([environment] if environment else None)
    known = set(usable.filter(name__in=names).values_list("name", flat=True))
    if missing := [name for name in names if name not in known]:
        place = f" that serves {environment}" if environment else ""
        return f"There is no channel {', '.join(repr(name) for name in missing)}{place}."
    return ""


class NoticeRuleQuerySet(OfEnvironments, models.QuerySet["NoticeRule"]):
    environment_paths = ("environment", "schedule__environment")
    has_common = True

    def about(self, schedules: Mapping[int, str]) -> dict[int, list[NoticeRule]]:
        """Return the rules that hold for schedules, given as id → environment: their own, and the defaults."""
        defaults = Q(schedule=None, environment__in={"", *schedules.values()})
        rules = list(self.filter(Q(schedule__in=schedules) | defaults).order_by("pk")) if schedules else []
        return {
            pk: [one for one in rules if one.schedule_id == pk or (one.is_default and one.environment in {"", place})]
            for pk, place in schedules.items()
        }


class NoticeRule(models.Model):
    """What is told to which channels: of one schedule, or by default of all that say nothing of their own."""

    trail_kind = "notice-rule"

    class Event(models.TextChoices):
        FAILURE = "failure", "A run failed for good"
        RECOVERY = "recovery", "A run succeeded after failures"
        REPEATED = "repeated", "So many attempts failed in a row"
        LATE = "late", "A run started late"
        MISSED = "missed", "An instant was missed"
        SUCCESS = "success", "A run succeeded"
        DAILY = "daily", "What happened in a day, each day"
        WEEKLY = "weekly", "What happened in a week, each Monday"

    schedule = models.ForeignKey(
        "schedules.Schedule",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="notice_rules",
        help_text="Empty: a default for schedules that name no channel and have no rule of their own.",
    )
    environment = models.CharField(
        max_length=50, blank=True, default="", help_text="Of a default: where it holds; everywhere if empty."
    )
    event = models.CharField(max_length=16, choices=Event)
    threshold = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(86_400)],
        help_text="Failures in a row, or seconds after which a start is late (60). For no other event.",
    )
    channels = models.JSONField(default=list, help_text="Names of channels.")
    told_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="The end of the last digest.")

    objects = NoticeRuleQuerySet.as_manager()

    class Meta:
        ordering = ["schedule__name", "event", "pk"]

    def __str__(self) -> str:
        return f"{self.get_event_display()} → {', '.join(self.channels)}"

    @property
    def is_default(self) -> bool:
        """Tell whether it holds for all schedules that say nothing of their own."""
        return self.schedule_id is None

    def clean(self) -> None:
        """Refuse what could tell nobody; raises ValidationError by field."""
        errors: dict[str, list[str]] = {}
        if not self.channels:
            errors["channels"] = ["Name at least one channel."]
        elif sentence := channels_refusal(self.channels, self._place()):
            errors["channels"] = [sentence]
        if self.event == self.Event.REPEATED and not self.threshold:
            errors["threshold"] = ["Say after how many failures in a row."]
        elif self.threshold and self.event not in {self.Event.REPEATED, self.Event.LATE}:
            errors["threshold"] = ["This event has none; leave it out."]
        if self.event in {self.Event.DAILY, self.Event.WEEKLY} and not self.is_default:
            errors["schedule"] = ["A digest tells of all schedules of an environment; leave the schedule out."]
        if self.schedule_id is not None and self.environment:
            errors["environment"] = ["The schedule has its own; leave it out."]
        if errors:
            raise ValidationError(errors)

    def store(self, *, by: str) -> None:
        """Check and save it; raises ValidationError by field."""
        with transaction.atomic():
            new = self._state.adding
            before = {} if new else NoticeRule.objects.get(pk=self.pk).recorded()
            self.full_clean()
            self.save()
            audit.record("create" if new else "update", self, by=by, before=before, after=self.recorded())

    def remove(self, *, by: str) -> None:
        """Delete it."""
        with transaction.atomic():
            audit.record("delete", self, by=by, before=self.recorded())
            self.delete()

    def recorded(self) -> dict[str, Any]:
        """Return what the audit trail tells of it."""
        names = ("schedule_id", "environment", "event", "threshold", "channels")
        return {name: getattr(self, name) for name in names}

    def _place(self) -> str:
        return self.environment if self.schedule is None else self.schedule.environment


def subscribers(channels: Iterable[str], rules: Iterable[NoticeRule]) -> dict[tuple[str, int], set[str]]:
    """Return who is told what of a schedule: (event, threshold) → names of channels.

    A schedule that names channels or has rules of its own is told of by these alone, any other by the defaults.
    """
    rules = list(rules)
    named = set(channels)
    found: dict[tuple[str, int], set[str]] = {}
    if named:
        found = {(event, 0): set(named) for event in ("failure", "recovery", "missed")}
    own = [rule for rule in rules if not rule.is_default]
    for rule in own if own or named else rules:
        threshold = rule.threshold or (LATE_SECONDS if rule.event == NoticeRule.Event.LATE else 0)
        found.setdefault((rule.event, threshold), set()).update(rule.channels)
    return found
