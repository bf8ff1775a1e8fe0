"""Channels and deliveries over HTTP."""

from __future__ import annotations

import time
from typing import Any

from django.db import transaction
from django.utils import timezone
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations import audit
from integrations.access import refuse_unless_changeable
from integrations.channels import Envelope, Message, NotDelivered
from integrations.filters import ChannelFilter, DeliveryFilter
from integrations.kinds.base import Unusable
from integrations.models import Channel, Delivery
from integrations.outbox import new_webhook_id
from integrations.outbox_documentation import describe_channels, describe_deliveries
from integrations.outbox_serializers import ChannelSerializer, DeliverySerializer
from integrations.queries import DeliveryQuerySet
from integrations.rest.collection import Collection
from integrations.rest.filters import StrictFilterBackend
from integrations.rest.idempotency import IdempotentWrites
from integrations.rest.problems import Conflict


@describe_channels
class ChannelViewSet(Collection):
    """Named ways to tell people and programs something."""

    queryset = Channel.objects.all()
    serializer_class = ChannelSerializer
    filterset_class = ChannelFilter
    orderings = {"id": "id", "name": "name"}
    usual_ordering = "name"
    rights = {"test": "integrations.change_channel", "rotate": "integrations.change_channel"}

    def create(self, request: Request) -> Response:
        response = super().create(request)
        response["Cache-Control"] = "no-store"  # it may show a secret
        return response

    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        channel = self.get_object()
        refuse_unless_changeable(channel, request.user)
        audit.record("test", channel)
        try:
            receipt = channel.send(trial(channel, by=request.user.get_username()), envelope())
        except (NotDelivered, Unusable) as failed:
            return Response({"ok": False, "sentence": channel.scrub(str(failed))})
        return Response({"ok": True, "sentence": channel.scrub(receipt.said) or "It was taken."})

    @action(detail=True, methods=["post"], url_path="rotate-secret")
    @transaction.atomic
    def rotate(self, request: Request, pk: str) -> Response:
        channel = self.locked(pk)
        channel.rotate(by=request.user.get_username())
        return Response(self.get_serializer(channel).data, headers={"Cache-Control": "no-store"})

    def kept_data(self, data: Any) -> Any:
        """Keep the answer without a secret that was made just now: a repeated request does not show it again."""
        return {**data, "signing_secret": "***"} if data and "signing_secret" in data else data


@describe_deliveries
class DeliveryViewSet(IdempotentWrites, GenericViewSet[Delivery]):
    """What was told, to whom, and how it went. Newest first."""

    queryset = Delivery.objects.all()
    serializer_class = DeliverySerializer
    filter_backends = [StrictFilterBackend]
    filterset_class = DeliveryFilter
    lookup_value_regex = "[0-9]{1,18}"
    rights = {"replay": "integrations.replay_delivery"}

    def get_queryset(self) -> DeliveryQuerySet:
        """Return the deliveries that exist for the caller."""
        return Delivery.objects.visible_to(self.request.user)

    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str) -> Response:
        delivery = self.get_object()
        if not delivery.replay(by=request.user.get_username()):
            raise Conflict(f"Delivery {delivery.pk} has not ended: it is {delivery.get_status_display().lower()}.")
        return Response(self.get_serializer(delivery).data)


def trial(channel: Channel, *, by: str) -> Message:
    """Return the message by which a channel is tried out."""
    text = f"{by} tries the channel {channel.name}. Nothing is wrong."
    now = timezone.now().isoformat(timespec="seconds")
    body = {"event": "test", "channel": channel.name, "description": text, "timestamp": now}
    return Message(event="test", title=channel.name, status="TEST", text=text, is_bad=False, body=body)


def envelope() -> Envelope:
    """Return a fresh envelope for a message that is sent at once and not kept."""
    return Envelope(new_webhook_id(), int(time.time()))
