"""Reports of runs over HTTP, for the kinds of work that have some: as JSON, or as a page to keep and print."""

from __future__ import annotations

import json
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations.access import environments_of
from integrations.rest.documentation import WRITE_ERRORS
from integrations.rest.problems import Conflict
from jobruns import reports
from jobruns.models import JobRun

PARAMETERS = ("kind", "format")


class PageRenderer(BaseRenderer):
    """Send what was rendered already, and problems as the JSON that they are."""

    media_type, format, charset = "text/html", "html", "utf-8"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> str:
        """Return the text of the answer."""
        return data if isinstance(data, str) else json.dumps(data)


class ReportViewSet(GenericViewSet[JobRun]):
    """What a run found, told for one kind of reader."""

    queryset = JobRun.objects.all()
    renderer_classes = [JSONRenderer, PageRenderer]

    @extend_schema(
        summary="Read a report of a run",
        description="Of a validation: engineer (what does not pass and how to mend it), auditor (every control with "
        "its evidence) or readiness (rates). Also under `/runs`. 409 where the run's job type has no reports.",
        parameters=[
            OpenApiParameter("pk", {"type": "integer", "minimum": 1}, OpenApiParameter.PATH),
            OpenApiParameter("kind", OpenApiTypes.STR, description="The first of its kinds if it is left out."),
            OpenApiParameter("format", OpenApiTypes.STR, enum=["json", "html"], default="json"),
        ],
        responses={(200, "application/json"): OpenApiTypes.OBJECT, (200, "text/html"): str, **WRITE_ERRORS},
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        if wrong := [name for name in request.query_params if name not in PARAMETERS]:
            raise ValidationError({name: ["There is no such parameter. Known: kind, format."] for name in wrong})
        run = get_object_or_404(JobRun.objects.visible_to(request.user), pk=pk)
        kind = request.query_params.get("kind", "")
        data, template = _report(run, kind, environments_of(request.user))
        if isinstance(getattr(request, "accepted_renderer", None), PageRenderer):
            return Response(render_to_string(template, {"report": data}))
        return Response(data)


def _report(run: JobRun, kind: str, places: frozenset[str] | None) -> tuple[dict[str, Any], str]:
    """Return a report and its template; raises Http404, Conflict and ValidationError."""
    known = reports.kinds(run)
    if not known:
        raise Conflict(f"A run of job type {run.job_type} has no reports.")
    if kind and kind not in known:
        raise ValidationError({"kind": [f"There is no such report. Known: {', '.join(known)}."]})
    found = reports.report(run, kind or known[0], places)
    if found is None:
        raise Http404("Nothing of this run lies in an environment of yours.")
    return found
