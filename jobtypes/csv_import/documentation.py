"""What the OpenAPI document says of import projects beyond what the code tells."""

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view

from integrations.rest.documentation import CHANGE_ERRORS, IF_MATCH, KEY, READ_ERRORS, WRITE_ERRORS
from jobtypes.csv_import import serializers

SHOWN = serializers.ImportProjectSerializer
ID = OpenApiParameter("id", str, OpenApiParameter.PATH, description="Its name, or its number.")
RUN = OpenApiParameter("run_id", int, OpenApiParameter.PATH, description="A run's number.")
HARBOUR = {
    "name": "harbour-erp",
    "connection": "warehouse",
    "source": "erp-sftp",
    "config": {
        "defaults": {
            "file_pattern": "Hx*.csv",
            "primary_key": "REC_ID",
            "delimiter": "|",
            "encoding": "cp1252",
            "skiprows": 1,
        },
        "table_naming": {"strip_prefix": "Hx", "lowercase": True},
        "tables": [
            {
                "file_pattern": "berths_*.csv",
                "target_table": "berths",
                "primary_key": ["port", "berth_no"],
                "column_mapping": {"Liegeplatz Nr.": "berth_no", "Hafen": "port"},
            }
        ],
    },
}

describe = extend_schema_view(
    list=extend_schema(summary="List import projects", responses={200: SHOWN(many=True), **READ_ERRORS}),
    create=extend_schema(
        summary="Create an import project",
        parameters=[KEY],
        responses={201: SHOWN, **WRITE_ERRORS},
        examples=[OpenApiExample("Files of a harbour", HARBOUR, request_only=True)],
    ),
    retrieve=extend_schema(summary="Read an import project", parameters=[ID], responses={200: SHOWN, **READ_ERRORS}),
    update=extend_schema(
        summary="Change an import project",
        description="Like PATCH: only what is sent changes; `config` is replaced as a whole.",
        request=serializers.ImportProjectSerializer(partial=True),
        parameters=[ID, KEY, IF_MATCH],
        responses={200: SHOWN, **CHANGE_ERRORS},
    ),
    partial_update=extend_schema(
        summary="Change parts of an import project",
        description="Only what is sent changes. A key of `config` that is sent beside it changes alone.",
        parameters=[ID, KEY, IF_MATCH],
        responses={200: SHOWN, **CHANGE_ERRORS},
        examples=[OpenApiExample("Let 1% be wrong", {"reject_limit": "1%"}, request_only=True)],
    ),
    destroy=extend_schema(
        summary="Delete an import project",
        description="Refused with 409 while schedules name it; the answer names them. Results of its runs stay.",
        parameters=[ID, KEY, IF_MATCH],
        responses={204: OpenApiResponse(description="Deleted."), **CHANGE_ERRORS},
    ),
    test=extend_schema(
        summary="Look which files an import would take",
        description="Asks the database for a sign of life and lists the files with their tables. Reads none of them.",
        parameters=[ID, KEY],
        request=serializers.TryImportSerializer,
        responses={200: serializers.LookedImportSerializer, **WRITE_ERRORS},
    ),
    dry_run=extend_schema(
        summary="Try an import",
        description="Loads everything within 60 s and rolls it back; files stay. Longer: `runschedule --dry-run`.",
        parameters=[ID, KEY],
        request=serializers.TryImportSerializer,
        responses={200: serializers.TriedImportSerializer, **WRITE_ERRORS},
        examples=[OpenApiExample("One file", {"local_files": ["in/a.csv"]}, request_only=True)],
    ),
)
describe_start = extend_schema(
    summary="Import the files of a project now",
    description="Asks for a run and returns its id. Without `local_files` the project finds its files itself.",
    parameters=[ID, KEY],
    request=serializers.StartImportSerializer,
    responses={202: serializers.StartedSerializer, **WRITE_ERRORS},
    examples=[OpenApiExample("Two files", {"local_files": ["in/a.csv", "in/b.csv"]}, request_only=True)],
)
describe_files = extend_schema_view(
    list=extend_schema(
        summary="List the files of an import",
        parameters=[RUN],
        responses={200: serializers.FileResultSerializer(many=True), **READ_ERRORS},
    )
)
describe_rejects = extend_schema_view(
    list=extend_schema(
        summary="List the rows that an import left out",
        description="At most 1,000 of each file are kept; the count of a file is exact.",
        parameters=[RUN],
        responses={200: serializers.RejectedRowSerializer(many=True), **READ_ERRORS},
    )
)
