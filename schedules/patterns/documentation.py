"""What the OpenAPI document says of templates beyond what the code tells."""

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_view

from integrations.rest.documentation import CHANGE_ERRORS, IF_MATCH, KEY, READ_ERRORS, WRITE_ERRORS
from schedules.patterns import serializers
from schedules.serializers import ScheduleSerializer

SHOWN = serializers.TemplateSerializer
CLOSING = {
    "name": "close a shop's books",
    "definition": {
        "job_type": "http_request",
        "params": {"url": "https://books.example.com/{{ shop }}/close", "json": {"keep_days": "{{ keep_days }}"}},
        "cron_expression": "15 {{ hour }} * * *",
        "timezone": "Europe/Riga",
        "tags": ["books"],
    },
    "parameters": [
        {"name": "shop", "required": True, "pattern": "[a-z-]+", "max": 40},
        {"name": "hour", "type": "integer", "default": 2, "min": 0, "max": 23},
        {"name": "keep_days", "type": "integer", "default": 90, "min": 1},
    ],
}
GONE = OpenApiResponse(description="Deleted, with its versions.")

describe = extend_schema_view(
    list=extend_schema(summary="List templates", responses={200: SHOWN(many=True), **READ_ERRORS}),
    create=extend_schema(
        summary="Create a template",
        description="Every `{{ name }}` in its definition must be one of its parameters.",
        parameters=[KEY],
        responses={201: SHOWN, **WRITE_ERRORS},
        examples=[OpenApiExample("The books of one shop", CLOSING, request_only=True)],
    ),
    retrieve=extend_schema(summary="Read a template", responses={200: SHOWN, **READ_ERRORS}),
    update=extend_schema(
        summary="Change a template",
        description="Like PATCH: only what is sent changes. A new version; no schedule changes by it.",
        request=SHOWN(partial=True),
        parameters=[KEY, IF_MATCH],
        responses={200: SHOWN, **CHANGE_ERRORS},
    ),
    partial_update=extend_schema(
        summary="Change parts of a template",
        description="Only what is sent changes. A new version; no schedule changes by it.",
        parameters=[KEY, IF_MATCH],
        responses={200: SHOWN, **CHANGE_ERRORS},
    ),
    destroy=extend_schema(
        summary="Delete a template",
        description="Refused with 409 while a schedule that came from it exists.",
        parameters=[KEY, IF_MATCH],
        responses={204: GONE, **CHANGE_ERRORS},
    ),
    versions=extend_schema(
        summary="List the versions of a template",
        description="The newest 100, newest first.",
        responses={200: serializers.TemplateVersionsSerializer, **READ_ERRORS},
        filters=False,
    ),
    instantiate=extend_schema(
        summary="Make a schedule from a template",
        description="The same checks as for any schedule. With `dry_run` nothing is stored.",
        parameters=[KEY],
        request=serializers.InstantiateSerializer,
        responses={200: serializers.RehearsedSerializer, 201: ScheduleSerializer, **WRITE_ERRORS},
        examples=[
            OpenApiExample("One shop", {"name": "close riga", "parameters": {"shop": "riga"}}, request_only=True)
        ],
    ),
    instances=extend_schema(
        summary="List the schedules made from a template",
        description="Each with the version that it remembers, and what was edited by hand since.",
        responses={200: serializers.InstanceSerializer(many=True), **READ_ERRORS},
        filters=False,
    ),
)
describe_preview_upgrade = extend_schema(
    summary="Preview the newest version on older instances",
    description="What it would change of each, fire times included; 100 at most. Stores nothing.",
    responses={200: serializers.PlansSerializer, **READ_ERRORS},
    filters=False,
)
describe_upgrade = extend_schema(
    summary="Bring instances to the newest version",
    description="Each by itself. What was edited by hand since stays, unless `overwrite` is true.",
    parameters=[KEY],
    request=serializers.UpgradeSerializer,
    responses={200: serializers.UpgradedSerializer, **WRITE_ERRORS},
    examples=[OpenApiExample("Two of them", {"schedule_ids": [7, 8], "overwrite": False}, request_only=True)],
)
