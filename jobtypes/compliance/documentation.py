"""What the OpenAPI document says of systems, evidence, catalogs and waivers beyond what the code tells."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view

from integrations.rest.documentation import CHANGE_ERRORS, IF_MATCH, KEY, READ_ERRORS, WRITE_ERRORS
from jobtypes.compliance import serializers

HARBOUR = {"name": "harbour", "environment": "edge", "description": "The quay's control system."}
PLAN = {
    "system": "harbour",
    "evidence_type": "terraform-plan",
    "path": "s3://evidence/harbour/plan.json",
    "sha256": "9c38c495f02d32612b6ae2fdaece4533563b9018cd07949c308ce2fe64a9de63",
    "collected_at": "2026-11-27T06:00:00+02:00",
    "expires_at": "2027-01-01T00:00:00Z",
}
ACCEPTED = {
    "control_id": "AC-2",
    "systems": ["harbour"],
    "reason": "Accounts are kept on paper until the move.",
    "compensating_controls": ["Two people at every sign-in."],
    "approved_by": "M. Ozols",
    "approved_on": "2026-11-01",
    "expires": "2027-06-30",
}
FAMILY = {"family": "AC", "required_all": ["audit-log"], "required_any": ["iam-policy", "rbac-config"]}


def _described(shown: Any, words: dict[str, str], examples: list[OpenApiExample], *, tagged: bool) -> dict[str, Any]:
    """Return what is said of list, create, read, change and delete; `words` has a sentence for each."""
    headers, errors = ([KEY, IF_MATCH], CHANGE_ERRORS) if tagged else ([KEY], WRITE_ERRORS)
    changed: dict[str, Any] = {
        "request": shown(partial=True),
        "parameters": headers,
        "responses": {200: shown, **errors},
    }
    return {
        "list": extend_schema(summary=words["list"], responses={200: shown(many=True), **READ_ERRORS}),
        "create": extend_schema(
            summary=words["create"], parameters=[KEY], responses={201: shown, **WRITE_ERRORS}, examples=examples
        ),
        "retrieve": extend_schema(summary=words["retrieve"], responses={200: shown, **READ_ERRORS}),
        "update": extend_schema(
            summary=words["update"], description="Like PATCH: only what is sent changes.", **changed
        ),
        "partial_update": extend_schema(
            summary=words["partial_update"], description="Only what is sent changes.", **changed
        ),
        "destroy": extend_schema(
            summary=words["destroy"],
            description=words["gone"],
            parameters=headers,
            responses={204: OpenApiResponse(description="Done."), **errors},
        ),
    }


describe_systems = extend_schema_view(
    **_described(
        serializers.SystemSerializer,
        {
            "list": "List systems",
            "create": "Create a system",
            "retrieve": "Read a system",
            "update": "Change a system",
            "partial_update": "Change parts of a system",
            "destroy": "Delete a system",
            "gone": "Refused with 409 where evidence, results or waivers name it: they are kept for the auditor.",
        },
        [OpenApiExample("A system at the edge", HARBOUR, request_only=True)],
        tagged=True,
    )
)
describe_evidence = extend_schema_view(
    **_described(
        serializers.EvidenceSerializer,
        {
            "list": "List evidence",
            "create": "Add evidence",
            "retrieve": "Read a piece of evidence",
            "update": "Change a piece of evidence",
            "partial_update": "Change parts of a piece of evidence",
            "destroy": "Delete a piece of evidence",
            "gone": "It counts no more; its versions and its log stay.",
        },
        [OpenApiExample("A plan that expires", PLAN, request_only=True)],
        tagged=True,
    ),
    versions=extend_schema(
        summary="List the versions of a piece of evidence",
        description="The newest 100, newest first, with what their sources said.",
        responses={200: serializers.EvidenceVersionsSerializer, **READ_ERRORS},
        filters=False,
    ),
    accesses=extend_schema(
        summary="List who did what with a piece of evidence",
        description="The newest 100, newest first. For administrators.",
        responses={200: serializers.EvidenceAccessesSerializer, **READ_ERRORS},
        filters=False,
    ),
)
describe_catalogs = extend_schema_view(
    list=extend_schema(
        summary="List catalogs", responses={200: serializers.CatalogSerializer(many=True), **READ_ERRORS}
    ),
    retrieve=extend_schema(summary="Read a catalog", responses={200: serializers.CatalogSerializer, **READ_ERRORS}),
    destroy=extend_schema(
        summary="Delete a catalog",
        description="With its controls. Refused with 409 where there are results by it.",
        parameters=[KEY],
        responses={204: OpenApiResponse(description="Done."), **WRITE_ERRORS},
    ),
)
describe_controls = extend_schema_view(
    list=extend_schema(
        summary="List the controls of a catalog",
        parameters=[OpenApiParameter("catalog_id", OpenApiTypes.INT64, OpenApiParameter.PATH)],
        responses={200: serializers.ControlSerializer(many=True), **READ_ERRORS},
    )
)
describe_requirements = extend_schema_view(
    **_described(
        serializers.ControlRequirementSerializer,
        {
            "list": "List own requirements",
            "create": "Require something of a control or a family",
            "retrieve": "Read an own requirement",
            "update": "Change an own requirement",
            "partial_update": "Change parts of an own requirement",
            "destroy": "Remove an own requirement",
            "gone": "What Carillon knows of the control holds again.",
        },
        [OpenApiExample("A family", FAMILY, request_only=True)],
        tagged=False,
    )
)
describe_waivers = extend_schema_view(
    **_described(
        serializers.WaiverSerializer,
        {
            "list": "List waivers",
            "create": "Waive a control",
            "retrieve": "Read a waiver",
            "update": "Change a waiver",
            "partial_update": "Change parts of a waiver",
            "destroy": "Delete a waiver",
            "gone": "The trail keeps what it said.",
        },
        [OpenApiExample("Of one system", ACCEPTED, request_only=True)],
        tagged=True,
    )
)
