"""What the OpenAPI document says of connections and tokens beyond what the code tells."""

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_view

from integrations import serializers
from integrations.rest.documentation import KEY, READ_ERRORS, WRITE_ERRORS

SHOWN = serializers.ConnectionSerializer
SAVED = serializers.SavedConnectionSerializer
WAREHOUSE = {
    "name": "warehouse",
    "kind": "sql",
    "address": "postgresql://reader:secret@db.example.com/shop",
}
SERVICE = {
    "name": "reports",
    "kind": "http",
    "address": "https://reports.example.com/",
    "headers": {"Authorization": "Bearer ${REPORTS_TOKEN}"},
}
FILES = {
    "name": "erp-sftp",
    "kind": "sftp",
    "host": "files.example.com",
    "port": 22,
    "username": "erp",
    "password": "${ERP_PASSWORD}",
    "host_key": "SHA256:uNiVztksCsDhcc0u9e8BrrJXVu33DQbzUuGVEFeIMg0",
    "remote_path": "/out",
}
GONE = OpenApiResponse(description="Done.")

describe_connections = extend_schema_view(
    list=extend_schema(summary="List connections", responses={200: SHOWN(many=True), **READ_ERRORS}),
    create=extend_schema(
        summary="Create a connection",
        description="`kind` may also be `postgresql`: it is stored as `sql`, and its address must be of PostgreSQL.",
        parameters=[KEY],
        responses={201: SAVED, **WRITE_ERRORS},
        examples=[
            OpenApiExample("A database", WAREHOUSE, request_only=True),
            OpenApiExample("An HTTP service", SERVICE, request_only=True),
            OpenApiExample("A server of files", FILES, request_only=True),
        ],
    ),
    retrieve=extend_schema(summary="Read a connection", responses={200: SHOWN, **READ_ERRORS}),
    update=extend_schema(
        summary="Change a connection",
        description="Only what is sent changes. Another address needs its secrets again.",
        request=serializers.ConnectionSerializer(partial=True),
        parameters=[KEY],
        responses={200: SAVED, **WRITE_ERRORS},
    ),
    partial_update=extend_schema(
        summary="Change parts of a connection",
        description="Only what is sent changes. Another address needs its secrets again.",
        parameters=[KEY],
        responses={200: SAVED, **WRITE_ERRORS},
    ),
    destroy=extend_schema(
        summary="Delete a connection",
        description="Schedules that name it fail with that reason from then on.",
        parameters=[KEY],
        responses={204: GONE, **WRITE_ERRORS},
    ),
    test=extend_schema(
        summary="Try a connection",
        description="Reaches the other system once. `ok` tells whether it answered; a sentence tells why not. Of "
        "kind sftp, `host_key` is the fingerprint that the server shows; nothing secret is sent before a person "
        "has confirmed it.",
        request=None,
        responses={200: serializers.TestedSerializer, **WRITE_ERRORS},
    ),
)
describe_tokens = extend_schema_view(
    list=extend_schema(summary="List tokens", responses={200: serializers.TokenSerializer(many=True), **READ_ERRORS}),
    create=extend_schema(
        summary="Issue a token",
        description="For oneself. The answer is the only place where the token is ever shown.",
        parameters=[KEY],
        responses={201: serializers.IssuedSerializer, **WRITE_ERRORS},
        examples=[
            OpenApiExample(
                "Three months", {"name": "deploys", "expires_at": "2027-03-01T00:00:00Z"}, request_only=True
            )
        ],
    ),
    retrieve=extend_schema(summary="Read a token", responses={200: serializers.TokenSerializer, **READ_ERRORS}),
    destroy=extend_schema(summary="Revoke a token", parameters=[KEY], responses={204: GONE, **WRITE_ERRORS}),
)
