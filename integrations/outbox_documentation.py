"""What the OpenAPI document says of channels and deliveries beyond what the code tells."""

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
    inline_serializer,
)
from rest_framework import serializers

from integrations.outbox_serializers import ChannelSerializer, DeliverySerializer
from integrations.rest.documentation import KEY, READ_ERRORS, WRITE_ERRORS

BODIES: dict[str, dict[str, object]] = {
    "ops-mail": {"kind": "email", "recipients": ["ops@example.com"], "subject": "{alert_name}: {status}"},
    "night-watch": {"kind": "slack", "webhook_url": "${SLACK_WEBHOOK_URL}", "channel": "#ops"},
    "pager": {
        "kind": "webhook",
        "url": "https://pager.example.com/events",
        "headers": {"Authorization": "Bearer ${PAGER_TOKEN}"},
    },
}
EXAMPLES = [OpenApiExample(name, {"name": name, **body}, request_only=True) for name, body in BODIES.items()]
GONE = OpenApiResponse(description="Done.")
TESTED = inline_serializer("ChannelTested", {"ok": serializers.BooleanField(), "sentence": serializers.CharField()})

describe_channels = extend_schema_view(
    list=extend_schema(summary="List channels", responses={200: ChannelSerializer(many=True), **READ_ERRORS}),
    create=extend_schema(
        summary="Create a channel",
        description="A webhook's signing secret is made here unless it is given; this answer alone shows it.",
        parameters=[KEY],
        responses={201: ChannelSerializer, **WRITE_ERRORS},
        examples=EXAMPLES,
    ),
    retrieve=extend_schema(summary="Read a channel", responses={200: ChannelSerializer, **READ_ERRORS}),
    update=extend_schema(
        summary="Change a channel",
        description="Only what is sent changes. Another destination needs its secrets again.",
        request=ChannelSerializer(partial=True),
        parameters=[KEY],
        responses={200: ChannelSerializer, **WRITE_ERRORS},
    ),
    partial_update=extend_schema(
        summary="Change parts of a channel",
        description="Only what is sent changes. Another destination needs its secrets again.",
        parameters=[KEY],
        responses={200: ChannelSerializer, **WRITE_ERRORS},
    ),
    destroy=extend_schema(
        summary="Delete a channel",
        description="What still waits to be sent through it is kept as not sent.",
        parameters=[KEY],
        responses={204: GONE, **WRITE_ERRORS},
    ),
    test=extend_schema(
        summary="Try a channel",
        description="Sends a test message at once. `ok` tells whether it was taken; a sentence tells why not.",
        parameters=[KEY],
        request=None,
        responses={200: TESTED, **WRITE_ERRORS},
    ),
    rotate=extend_schema(
        summary="Make a new signing secret",
        description="Of a webhook. The answer alone shows it; messages are signed with it from now on.",
        parameters=[KEY],
        request=None,
        responses={200: ChannelSerializer, **WRITE_ERRORS},
    ),
)
describe_deliveries = extend_schema_view(
    list=extend_schema(summary="List deliveries", responses={200: DeliverySerializer(many=True), **READ_ERRORS}),
    retrieve=extend_schema(summary="Read a delivery", responses={200: DeliverySerializer, **READ_ERRORS}),
    replay=extend_schema(
        summary="Send a delivery again",
        description="Under the same webhook-id, from the first attempt on.",
        parameters=[KEY],
        request=None,
        responses={200: DeliverySerializer, **WRITE_ERRORS},
    ),
)
