"""Channels and deliveries as JSON. A channel's settings lie flat beside its name; secrets never come out again."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as Refused
from rest_framework import serializers

from integrations.channels import KINDS
from integrations.models import Channel, Delivery
from integrations.rest.fields import Placed

OWN = ["id", "name", "kind", "description", "environment", "enabled"]
KEPT = ["id", "schedule_id", "created_by", "updated_by", "created_at", "updated_at"]
SETTINGS = sorted({name for kind in KINDS.values() for name in kind.Settings.model_fields})
TEXT: Any = {"required": False, "write_only": True, "trim_whitespace": False}


class ChannelSerializer(Placed, serializers.ModelSerializer[Channel]):
    """A named way to tell people and programs something. `***` in place of a secret keeps the stored one."""

    aliases = {"webhook": "webhook_url", "is_active": "enabled"}
    kept_by_us = frozenset(KEPT)

    name = serializers.CharField(max_length=255, trim_whitespace=False)
    recipients = serializers.ListField(
        child=serializers.CharField(max_length=320),
        max_length=50,
        required=False,
        write_only=True,
        help_text="Of kind email: addresses.",
    )
    subject = serializers.CharField(
        max_length=500,
        allow_blank=True,
        help_text="Of kind email; knows {alert_name}, {status}, {actual_value}, {threshold}.",
        **TEXT,
    )
    webhook_url = serializers.CharField(
        max_length=2000,
        help_text="Of kind slack, secret: https://hooks.slack.com/… or a host of OUTBOUND_ALLOWLIST.",
        **TEXT,
    )
    channel = serializers.CharField(max_length=100, allow_blank=True, help_text="Of kind slack.", **TEXT)
    username = serializers.CharField(max_length=100, allow_blank=True, help_text="Of kind slack.", **TEXT)
    url = serializers.CharField(max_length=2000, help_text="Of kind webhook; `${NAME}` is read when used.", **TEXT)
    method = serializers.ChoiceField(
        choices=["POST", "GET", "PUT", "PATCH"], required=False, write_only=True, help_text="Of kind webhook; POST."
    )
    headers = serializers.DictField(
        child=serializers.CharField(max_length=8000, trim_whitespace=False),
        required=False,
        write_only=True,
        help_text="Of kind webhook, secret.",
    )
    signing_secret = serializers.CharField(
        max_length=200, help_text="Of kind webhook: whsec_…; made here if it is not given, and shown once.", **TEXT
    )
    address = serializers.CharField(max_length=2000, help_text="Of kind apprise, secret.", **TEXT)

    class Meta:
        model = Channel
        fields = [*OWN, *SETTINGS, *KEPT[1:]]
        read_only_fields = KEPT
        validators: list[Any] = []

    def to_representation(self, channel: Channel) -> dict[str, Any]:
        """Return the channel with the settings of its kind, each secret as `***`; one made just now as it is."""
        return {**super().to_representation(channel), **channel.masked, **channel.revealed}

    def create(self, values: dict[str, Any]) -> Channel:
        """Store a new channel; raises Django's ValidationError."""
        return self._store(Channel(), values, {})

    def update(self, channel: Channel, values: dict[str, Any]) -> Channel:
        """Store what changed; raises Django's ValidationError."""
        same = values.get("kind", channel.kind) == channel.kind
        return self._store(channel, values, channel.masked if same else {})

    def _store(self, channel: Channel, values: dict[str, Any], before: dict[str, Any]) -> Channel:
        sent = {name: values.pop(name) for name in SETTINGS if name in values}
        for name, value in values.items():
            setattr(channel, name, value)
        channel.offer({**before, **sent})
        try:
            channel.store(by=self.context["request"].user.get_username())
        except Refused as refused:
            raise by_setting(refused) from None
        return channel


class AttemptSerializer(serializers.Serializer[Any]):
    """An attempt at a delivery that came to an end, or the request to make them anew."""

    attempt = serializers.IntegerField(help_text="A number that is missing was not finished: the process died.")
    at = serializers.DateTimeField()
    outcome = serializers.ChoiceField(
        choices=["delivered", "failed", "pending", "discarded", "replayed"],
        help_text="`pending`: it failed and is made again; `failed`: it was the last.",
    )
    said = serializers.CharField(help_text="The receiver's answer, or why there was none; of `replayed`, by whom.")
    answer_status = serializers.IntegerField(allow_null=True)


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """One message to one channel or address, and how sending it went."""

    channel = serializers.CharField(source="channel_name", read_only=True)
    log = AttemptSerializer(many=True, read_only=True)

    class Meta:
        model = Delivery
        fields = [
            *["id", "channel", "url", "event", "message", "webhook_id", "schedule_id", "run_id", "environment"],
            *["correlation_id", "status", "attempts", "next_attempt_at", "answer_status", "answer", "log"],
            *["created_at", "finished_at"],
        ]
        read_only_fields = fields


def by_setting(refused: Refused) -> Refused:
    """Return the refusal with a setting's error under the setting's name; the model has no such field."""
    if not hasattr(refused, "error_dict"):
        return refused
    found: dict[str, list[Refused]] = {}
    for field, errors in refused.error_dict.items():
        for error in errors:
            setting = field == NON_FIELD_ERRORS and error.code in SETTINGS
            found.setdefault(str(error.code) if setting else field, []).append(error)
    return Refused(found)
