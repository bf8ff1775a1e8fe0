"""Every address under /api/v1/, and JSON instead of pages where one of them goes wrong."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseNotFound,
    HttpResponseServerError,
)
from django.template.loader import render_to_string
from django.urls import URLPattern, URLResolver, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular import renderers
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import APIException, AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import ViewSetMixin

from integrations.api import ConnectionViewSet, TokenViewSet
from integrations.audit_api import AuditViewSet
from integrations.outbox_api import ChannelViewSet, DeliveryViewSet
from integrations.rest.problems import CONTENT_TYPE, problem_body
from jobruns.api import RunViewSet, StatsViewSet
from jobruns.backfill_api import BackfillViewSet
from jobruns.explain_api import ExplainViewSet
from jobruns.imports_api import ImportViewSet, RunFilesViewSet, RunRejectsViewSet
from jobruns.reports_api import ReportViewSet
from jobruns.simulation_api import Simulation
from jobtypes.api import JobTypeViewSet
from jobtypes.compliance.api import (
    CatalogViewSet,
    ControlRequirementViewSet,
    ControlViewSet,
    EvidenceViewSet,
    SystemViewSet,
    WaiverViewSet,
)
from jobtypes.compliance.results_api import FindingViewSet, ResultViewSet
from jobtypes.csv_import.api import ImportProjectViewSet
from jobtypes.sql_alert.api import AlertViewSet
from schedules.api import ScheduleViewSet
from schedules.bulk_api import BulkViewSet
from schedules.calendars.api import CalendarViewSet
from schedules.limits_api import TagLimitViewSet
from schedules.patterns.api import TemplateViewSet
from schedules.telling_api import CallbackSecretViewSet, NoticeRuleViewSet
from schedules.versions_api import ScheduleVersionViewSet


class Schema(SpectacularAPIView):
    """The OpenAPI document, the same for everybody, as JSON unless YAML is asked for."""

    renderer_classes = [
        renderers.OpenApiJsonRenderer2,
        renderers.OpenApiJsonRenderer,
        renderers.OpenApiYamlRenderer,
        renderers.OpenApiYamlRenderer2,
    ]

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        suffix = getattr(request.accepted_renderer, "format", "json")
        named = {"Content-Disposition": f'inline; filename="carillon.{suffix}"'}
        return Response(_document(), headers=named)


class Documentation(SpectacularSwaggerSplitView):
    """The document as a page to read and try; a stranger is led to the login."""

    url_name = "schema"
    template_name = "api/docs.html"

    def handle_exception(self, error: Exception) -> Any:
        """Lead strangers to the login and back; tell of any other refusal without the page, which asks who looks."""
        if isinstance(error, Http404):
            return _problem(404, "The document is shown as a page, or read at /api/v1/schema.")
        if isinstance(error, NotAuthenticated | AuthenticationFailed):
            return redirect_to_login(self.request.get_full_path())
        if isinstance(error, APIException):
            return _problem(error.status_code, str(error.detail))
        return super().handle_exception(error)


ROW = "(?P<pk>[0-9]{1,18})"
SCHEDULE = "(?P<schedule_id>[0-9]{1,18})"
RUN = "(?P<run_id>[0-9]{1,18})"


def other(pattern: str, view: type[ViewSetMixin], **methods: str) -> URLPattern:
    """Return an address beside those of the router, `methods` naming the view's action for each."""
    actions: Any = methods
    return re_path(f"^{pattern}$", view.as_view(actions))


router = SimpleRouter(trailing_slash=False)
router.register("schedules", ScheduleViewSet)
router.register("runs", RunViewSet, basename="run")
router.register("executions", RunViewSet, basename="execution")
router.register("connections", ConnectionViewSet)
router.register("channels", ChannelViewSet)
router.register("deliveries", DeliveryViewSet)
router.register("notice-rules", NoticeRuleViewSet)
router.register("tag-limits", TagLimitViewSet)
router.register("calendars", CalendarViewSet)
router.register("templates", TemplateViewSet)
router.register("alerts", AlertViewSet)
router.register("validation-results", ResultViewSet)
router.register("findings", FindingViewSet)
router.register("import-projects", ImportProjectViewSet)
router.register("systems", SystemViewSet)
router.register("evidence", EvidenceViewSet)
router.register("catalogs", CatalogViewSet)
router.register("control-requirements", ControlRequirementViewSet)
router.register("waivers", WaiverViewSet)
router.register("tokens", TokenViewSet)
router.register("audit", AuditViewSet)

addresses: list[URLPattern | URLResolver] = [
    *[other(f"{word}/stats", StatsViewSet, get="list") for word in ("runs", "executions")],
    *[other(f"{word}/stats/{SCHEDULE}", StatsViewSet, get="retrieve") for word in ("runs", "executions")],
    *[other(f"{word}/{ROW}/report", ReportViewSet, get="retrieve") for word in ("runs", "executions")],
    *[
        other(f"schedules/{SCHEDULE}/{word}", RunViewSet, get="of_schedule")
        for word in ("runs", "executions", "history")
    ],
    other(f"schedules/{SCHEDULE}/backfill", BackfillViewSet, post="create"),
    other(f"schedules/{SCHEDULE}/backfill/cancel", BackfillViewSet, post="cancel"),
    other(f"schedules/{SCHEDULE}/explain", ExplainViewSet, get="retrieve"),
    other(f"schedules/{SCHEDULE}/versions", ScheduleVersionViewSet, get="list"),
    other(f"schedules/{SCHEDULE}/versions/(?P<number>[0-9]{{1,10}})", ScheduleVersionViewSet, get="retrieve"),
    other(f"schedules/{SCHEDULE}/rollback", ScheduleVersionViewSet, post="roll_back"),
    other("schedules/bulk/create", BulkViewSet, post="create"),
    other("schedules/bulk/operation", BulkViewSet, post="operate"),
    other(f"schedules/{ROW}/callback-secret", CallbackSecretViewSet, post="rotate"),
    other(f"schedules/{ROW}/disable", ScheduleViewSet, post="pause"),
    other(f"schedules/{ROW}/enable", ScheduleViewSet, post="resume"),
    other(f"schedules/{ROW}/run", ScheduleViewSet, post="trigger"),
    *[other(f"{word}/{RUN}/files", RunFilesViewSet, get="list") for word in ("runs", "executions")],
    *[other(f"{word}/{RUN}/rejects", RunRejectsViewSet, get="list") for word in ("runs", "executions")],
    other("import-projects/(?P<pk>[^/]{1,255})/import", ImportViewSet, post="start"),
    other(f"templates/{ROW}/upgrade", TemplateViewSet, get="preview_upgrade", post="upgrade"),
    other("catalogs/(?P<catalog_id>[0-9]{1,18})/controls", ControlViewSet, get="list"),
    path("simulation", Simulation.as_view()),
    path("job-types", JobTypeViewSet.as_view({"get": "list"})),
    path("job-types/<str:name>", JobTypeViewSet.as_view({"get": "retrieve"})),
    *router.urls,
    path("schema", Schema.as_view(), name="schema"),
    path("docs", require_safe(Documentation.as_view()), name="docs"),
    re_path("", csrf_exempt(lambda request: not_found(request, None))),
]


@cache
def _document() -> Any:
    """Return the document; it takes a third of a second, so each process makes it once."""
    return SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django itself refused (400)."""
    if not _is_api(request):
        return HttpResponseBadRequest(render_to_string("400.html"))
    return _problem(400, "The request is refused as it stands.")


def not_found(request: HttpRequest, exception: Exception | None) -> HttpResponse:
    """Answer an address that leads nowhere (404)."""
    if not _is_api(request):
        return HttpResponseNotFound(render_to_string("404.html", request=request))
    return _problem(404, "There is no such address. They end without a slash; see /api/v1/docs.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what nobody foresaw (500); the log has it under the same correlation id."""
    if not _is_api(request):
        return HttpResponseServerError(render_to_string("500.html"))
    return _problem(500, f"Something went wrong here. It is logged under {request.correlation_id}.")  # type: ignore[attr-defined]


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _problem(status: int, detail: str) -> HttpResponse:
    return HttpResponse(json.dumps(problem_body(status, detail)), status=status, content_type=CONTENT_TYPE)
