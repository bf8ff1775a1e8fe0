"""What the OpenAPI document says of every endpoint: problems, and the headers that writes take."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers


class ProblemSerializer(serializers.Serializer[Any]):
    """What went wrong, as RFC 9457 problem JSON (`application/problem+json`)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="A sentence for people.")
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Field → sentences; inner fields with dots.",
    )


def _problem(description: str) -> OpenApiResponse:
    return OpenApiResponse(ProblemSerializer, description=description)


def _under_problem_type(responses: dict[int, OpenApiResponse]) -> dict[tuple[int, str], OpenApiResponse]:
    return {(status, "application/problem+json"): response for status, response in responses.items()}


READ = {
    400: _problem("A parameter or the body is refused."),
    401: _problem("No token, or none that is valid; or no session."),
    403: _problem("The right is missing."),
    404: _problem("There is nothing here."),
    406: _problem("Only JSON is spoken."),
    429: _problem("Too many requests; wait as long as Retry-After says."),
}
WRITE = READ | {
    409: _problem("The name is taken, or the state does not allow it."),
    413: _problem("The body is larger than 1 MiB."),
    415: _problem("The body is not JSON."),
    422: _problem("The Idempotency-Key belongs to another request."),
}
READ_ERRORS: Any = _under_problem_type(READ)
WRITE_ERRORS: Any = _under_problem_type(WRITE)
CHANGE_ERRORS: Any = _under_problem_type(WRITE | {412: _problem("It has changed since the version in If-Match.")})

KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]*$"},
    OpenApiParameter.HEADER,
    description="Repeated within a day with the same request, the first answer is given again.",
)
IF_MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description="The ETag of the version to change."
)
