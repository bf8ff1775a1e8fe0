"""Schedules in the workshop: the list with its acts, the editor, and the live preview beside it."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import flatten, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, render
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from integrations.limited import by_visitor
from jobtypes import registry
from jobtypes.forms import form_fields
from schedules import limits_admin, telling_admin  # noqa: F401 - register limits of tags and rules for what is told
from schedules.acts import Acts
from schedules.ahead import Shown, shown
from schedules.badges import badge
from schedules.calendars import admin as calendars_admin  # noqa: F401 - register calendars
from schedules.fieldsets import fieldsets
from schedules.forms import PreviewForm, schedule_form
from schedules.models import Schedule
from schedules.narrowing import ByCalendar, ByEnvironment, ByJobType, ByNextRun, ByStatus
from schedules.pages import viewer_zone
from schedules.patterns import admin as patterns_admin  # noqa: F401 - register templates
from schedules.timing import TimingError, sentence

VIEWED = (
    ("name", "environment"),
    ("job_type", "status"),
    "params",
    "description",
    "tags",
    "schedule_type",
    ("cron_expression", "interval_seconds", "scheduled_at"),
    ("timezone", "next_run_at"),
    ("start_at", "end_at", "max_runs"),
    ("calendar", "calendar_rule"),
    ("overlap_policy", "max_instances"),
    ("misfire_policy", "misfire_grace_seconds", "catchup_limit"),
    ("max_retries", "retry_delay_seconds", "retry_backoff"),
    ("timeout_seconds", "priority", "queue", "jitter_seconds"),
    ("created_by", "updated_by", "version"),
)


@admin.register(Schedule)
class ScheduleAdmin(Acts):
    list_display = ("name", "work", "state", "fires", "timezone", "next_run", "environment", "version")
    list_filter = (
        ByEnvironment,
        ByStatus,
        ByJobType,
        "schedule_type",
        ("calendar", ByCalendar),
        "created_by",
        ByNextRun,
    )
    search_fields = ("name", "description", "tags")
    search_help_text = "Name, description, tag"
    list_per_page = 50
    list_select_related = ("calendar",)

    @admin.display(description="Job type", ordering="job_type")
    def work(self, schedule: Schedule) -> str:
        kinds = registry.job_types()
        return kinds[schedule.job_type].label if schedule.job_type in kinds else schedule.job_type

    @admin.display(description="Status", ordering="status")
    def state(self, schedule: Schedule) -> SafeString:
        return badge(schedule.status, schedule.get_status_display())

    @admin.display(description="Timing")
    def fires(self, schedule: Schedule) -> SafeString:
        try:
            said = sentence(schedule.timing)
        except TimingError as refused:
            said = str(refused)
        return format_html('<span title="{}">{}</span>', schedule.cron_expression, said)

    @admin.display(description="Next run", ordering="next_run_at")
    def next_run(self, schedule: Schedule) -> SafeString | str:
        if schedule.next_run_at is None or (ahead := schedule.upcoming_at) is None:
            return "–"
        utc = ahead.astimezone(UTC)
        own = utc.astimezone(ZoneInfo(schedule.timezone))
        written = own.strftime("%Y-%m-%d %H:%M" + (":%S" if own.second else ""))
        return format_html(
            '<time class="mono" datetime="{}" title="{}">{}</time>', utc.isoformat(), own.isoformat(), written
        )

    # The form

    def get_fieldsets(self, request: HttpRequest, obj: Schedule | None = None) -> Any:
        if not self._may_edit(request, obj):
            return [(None, {"fields": VIEWED})]
        return fieldsets(form_fields(registry.job_type(self._kind(request, obj)).Config, {}))

    def get_form(
        self, request: HttpRequest, obj: Schedule | None = None, change: bool = False, **options: Any
    ) -> Any:
        if not self._may_edit(request, obj):
            return super().get_form(request, obj, change, **options)
        return schedule_form(self._kind(request, obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Schedule | None = None) -> Any:
        return () if self._may_edit(request, obj) else flatten(VIEWED)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Schedule | None:
        """Return the schedule; locked when it is about to be saved, so that nobody else saves in between."""
        if request.method == "POST" and object_id.isdecimal() and connection.in_atomic_block:
            Schedule.objects.select_for_update(no_key=True).filter(pk=object_id).first()
        return super().get_object(request, object_id, from_field)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        kind = registry.job_type(self._kind(request, None))
        retries = settings.DEFAULT_MAX_RETRIES if kind.max_retries is None else kind.max_retries
        return {"timeout_seconds": kind.timeout_seconds, "max_retries": retries}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        asked = request.POST.get("job_type", request.GET.get("job_type", "" if object_id is None else None))
        if asked is not None and asked not in registry.job_types():
            return self._choose_job_type(request, object_id)
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except (IntegrityError, ValidationError):
            # Somebody else was quicker, after the form was checked: check it again and show what stands now.
            return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any) -> Any:
        form, obj = context["adminform"].form, context.get("original")
        context["offered"] = [] if obj is None else self.offered(request, obj)
        if self._may_edit(request, obj):
            kind = registry.job_type(form.kind)
            context.update(
                kind=kind,
                preview_address=self._preview_address(obj),
                state=self.state(obj) if obj else "",
                shown=self._shown(request, form.data if form.is_bound else None, obj),
            )
            context["title"] = obj.name if obj else _("Add schedule: %s") % kind.label
            context["subtitle"] = None
        return super().render_change_form(request, context, *args, **options)

    def _preview_address(self, obj: Schedule | None) -> str:
        if obj is None:
            return reverse("admin:schedules_schedule_preview")
        return reverse("admin:schedules_schedule_preview_one", args=[obj.pk])

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        obj.store(by=request.user.get_username(), depends_on=form.cleaned_data.get("depends_on"))

    def _kind(self, request: HttpRequest, obj: Schedule | None) -> str:
        asked = request.POST.get("job_type") or request.GET.get("job_type")
        return asked if asked in registry.job_types() else obj.job_type if obj else ""

    def _may_edit(self, request: HttpRequest, obj: Schedule | None) -> bool:
        return self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        """A deleted schedule, and one whose job type is not installed, can be looked at only."""
        known = obj is None or (not obj.is_deleted and self._kind(request, obj) in registry.job_types())
        return known and super().has_change_permission(request, obj)

    def _choose_job_type(self, request: HttpRequest, object_id: str | None) -> HttpResponseBase:
        obj = None if object_id is None else self.get_object(request, unquote(object_id))
        if object_id is not None and obj is None:
            raise Http404
        if not self._may_edit(request, obj):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "kinds": registry.job_types().values(),
            "title": _("What shall it do?"),
            "query": "job_type",
        }
        return TemplateResponse(request, "admin/kinds.html", context)

    # The preview

    def get_urls(self) -> Any:
        wrap = self.admin_site.admin_view
        return [
            path("preview/", wrap(require_POST(self.preview_view)), name="schedules_schedule_preview"),
            path("<int:pk>/preview/", wrap(require_POST(self.preview_view)), name="schedules_schedule_preview_one"),
            *super().get_urls(),
        ]

    def preview_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Answer what was typed so far with the part of the page that says when it fires."""
        obj = None if pk is None else get_object_or_404(self.get_queryset(request), pk=pk)
        if not self._may_edit(request, obj):
            raise PermissionDenied
        return render(
            request, "admin/schedules/schedule/preview.html", {"shown": self._shown(request, request.POST, obj)}
        )

    def _shown(self, request: HttpRequest, typed: QueryDict | None, obj: Schedule | None) -> Shown:
        now, viewer = timezone.now(), viewer_zone(request)
        stored = None if obj is None else Schedule.objects.get(pk=obj.pk)
        if typed is None:
            return shown(stored or Schedule(), now, viewer)
        before = None if stored is None else stored.timing
        form = by_visitor(PreviewForm, request.user)(
            typed, instance=stored or Schedule(job_type=self._kind(request, obj))
        )
        form.is_valid()
        answer = shown(form.instance, now, viewer, before)
        if form.errors and not answer.error:
            return Shown(error=" ".join(str(text) for texts in form.errors.values() for text in texts))
        return answer
