"""Say what is wrong as RFC 9457 problem JSON, and take no body that could become a 500 further in."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import IO, Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db import IntegrityError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.parsers import BaseParser
from rest_framework.response import Response

from integrations.rest import strict_json

CONTENT_TYPE = "application/problem+json"
NAME_CONSTRAINTS = (  # as PostgreSQL and SQLite name them in their errors
    "one_name_per_environment",
    "schedules_schedule.environment, schedules_schedule.name",
    "integrations_connection_name",
    "schedules_taglimit_tag",
    "schedules_taglimit.tag",
    "integrations_connection.name",
    "integrations_channel_name",
    "integrations_channel.name",
    "schedules_template_name",
    "schedules_template.name",
    "jobtypes_importproject_name",
    "jobtypes_importproject.name",
    "jobtypes_system_name",
    "jobtypes_system.name",
    "one_row_per_evidence",
    "jobtypes_evidence.system_id, jobtypes_evidence.evidence_type",
    "one_requirement_of_a_control",
    "jobtypes_controlrequirement.control_id, jobtypes_controlrequirement.family",
)
TAKEN = "This name is taken; choose another."
Errors = dict[str, list[str]]


class Conflict(exceptions.APIException):
    """What is asked for does not go together with how things stand."""

    status_code = 409
    default_detail = "This conflicts with the present state."


class Outdated(exceptions.APIException):
    """The object has changed since the caller read it."""

    status_code = 412
    default_detail = "It has changed since you read it. Read it again, then repeat the change."


class TooLarge(exceptions.APIException):
    """The body is larger than any request needs."""

    status_code = 413
    default_detail = f"The body may have at most {strict_json.MOST_BYTES} bytes."


class StrictJSONParser(BaseParser):
    """Read a JSON body of at most 1 MiB; everything that a database cannot store is a 400."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the value; raises ParseError or TooLarge."""
        raw = stream.read(strict_json.MOST_BYTES + 1)
        if len(raw) > strict_json.MOST_BYTES:
            raise TooLarge
        if not raw.strip():
            return {}
        try:
            return strict_json.loads(raw)
        except strict_json.NotJSON as refused:
            raise exceptions.ParseError(str(refused)) from None


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the answer to `error`, or None for one that nobody foresaw."""
    known = _known(error)
    if known is None:
        return None
    errors = errors_of(known.detail) if isinstance(known, exceptions.ValidationError) else {}
    general = errors.pop("", [])
    detail = " ".join(general) or _about_fields(errors) if errors or general else str(known.detail)
    response = problem(known.status_code, detail, errors=errors)
    if header := getattr(known, "auth_header", None):
        response["WWW-Authenticate"] = header
    wait = getattr(known, "wait", None)
    if wait is not None:
        response["Retry-After"] = str(math.ceil(wait))
    return response


def problem(status: int, detail: str, *, errors: Errors | None = None) -> Response:
    """Return problem JSON: type, title, status, detail and, where fields are wrong, errors."""
    return Response(problem_body(status, detail, errors=errors), status=status, content_type=CONTENT_TYPE)


def problem_body(status: int, detail: str, *, errors: Errors | None = None) -> dict[str, Any]:
    """Return the members of a problem."""
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return {**body, "detail": detail, **({"errors": errors} if errors else {})}


def errors_of(detail: Any, name: str = "") -> Errors:
    """Return nested error details flat: {field: [sentence]}, inner fields with dots, "" for all of them."""
    if isinstance(detail, dict):
        found: Errors = {}
        for key, inner in detail.items():
            own = "" if key in {"non_field_errors", NON_FIELD_ERRORS} else str(key)
            for where, sentences in errors_of(inner, ".".join(part for part in (name, own) if part)).items():
                found.setdefault(where, []).extend(sentences)
        return found
    if isinstance(detail, list):
        if all(not isinstance(item, dict | list) for item in detail):
            return {name: [str(item) for item in detail]} if detail else {}
        return errors_of({str(position): item for position, item in enumerate(detail) if item}, name)
    return {name: [str(detail)]}


def _known(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, exceptions.APIException):
        return error
    if isinstance(error, Http404):
        return exceptions.NotFound("There is nothing here under this id." if error.args else "Not found.")
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied(str(error) or None)
    if isinstance(error, ValidationError):
        return _refusal(error)
    if isinstance(error, IntegrityError) and any(name in str(error) for name in NAME_CONSTRAINTS):
        return Conflict(TAKEN)
    return None


def _refusal(error: ValidationError) -> exceptions.APIException:
    """Return 409 for a conflict and a taken name, 429 for a used up quota, else 400 with the model's fields."""
    single = (
        [error] if not hasattr(error, "error_dict") else [one for many in error.error_dict.values() for one in many]
    )
    flat = [inner for one in single for inner in one.error_list]
    if flat and all(one.code == "quota" for one in flat):
        return exceptions.Throttled(wait=3600, detail=" ".join(error.messages))
    if flat and all(one.code == "conflict" for one in flat):
        return Conflict(" ".join(error.messages))
    if flat and all(one.code in {"unique", "unique_together"} or _is_name_constraint(one) for one in flat):
        return Conflict(TAKEN)
    return exceptions.ValidationError(error.message_dict if hasattr(error, "error_dict") else error.messages)


def _is_name_constraint(error: ValidationError) -> bool:
    return error.code == "taken"


def _about_fields(errors: Errors) -> str:
    first = next(iter(errors))
    rest = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
    return f"Not accepted: {first}{rest}. See errors."
