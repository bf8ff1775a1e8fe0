"""Calendars in the workshop: the list, the form with what a change does, and the versions to go back to."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from integrations.access import environments_of
from integrations.workshop import Removing
from schedules.calendars import effects
from schedules.calendars.ahead import closed_ahead
from schedules.calendars.definition import WEEKDAYS, InvalidDefinition
from schedules.calendars.forms import CalendarForm
from schedules.models import Calendar

if TYPE_CHECKING:
    CalendarAdminBase = admin.ModelAdmin[Calendar]
else:
    CalendarAdminBase = admin.ModelAdmin

PARTS = (
    (gettext_lazy("Calendar"), {"fields": [("name", "timezone"), "description", "environment"]}),
    (gettext_lazy("Days"), {"fields": ["weekdays", ("closed_dates", "open_dates")]}),
    (gettext_lazy("Windows"), {"fields": ["windows"]}),
    (gettext_lazy("Import closed dates"), {"fields": [("ics", "years"), ("country", "subdivision")]}),
    (gettext_lazy("This change"), {"fields": ["reason"]}),
)
VIEWED = (("name", "version"), "description", "environment", "definition", ("created_by", "updated_by"))


@admin.register(Calendar)
class CalendarAdmin(Removing, CalendarAdminBase):
    form = CalendarForm
    list_display = (
        "name",
        "open_on",
        "zone",
        "dates",
        "windows",
        "used",
        "environment",
        "version",
        "updated_by",
        "updated_at",
    )
    search_fields = ("name", "description")
    search_help_text = "Name, description"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Calendar]:
        places = environments_of(request.user)
        mine = Q() if places is None else Q(schedules__environment__in=sorted(places))
        used = Count("schedules", filter=mine & ~Q(schedules__status="deleted"))
        return super().get_queryset(request).annotate(used=used)

    @admin.display(description=gettext_lazy("Open on"))
    def open_on(self, calendar: Calendar) -> str:
        days = calendar.definition.get("weekdays", WEEKDAYS)
        if tuple(days) == WEEKDAYS:
            return _("every day")
        return _("Mon to Fri") if tuple(days) == WEEKDAYS[:5] else ", ".join(day.capitalize() for day in days)

    @admin.display(description=gettext_lazy("Time zone"))
    def zone(self, calendar: Calendar) -> str:
        return str(calendar.definition.get("timezone", "UTC"))

    @admin.display(description=gettext_lazy("Closed dates"))
    def dates(self, calendar: Calendar) -> str:
        closed = calendar.definition.get("closed_dates", [])
        if not closed:
            return "–"
        return _("%(n)d, the last %(last)s") % {"n": len(closed), "last": closed[-1]["date"]}

    @admin.display(description=gettext_lazy("Windows"))
    def windows(self, calendar: Calendar) -> str:
        return ", ".join(window["name"] for window in calendar.definition.get("windows", [])) or "–"

    @admin.display(description=gettext_lazy("Schedules"), ordering="used")
    def used(self, calendar: Calendar) -> SafeString:
        address = reverse("admin:schedules_schedule_changelist")
        return format_html('<a href="{}?calendar__id__exact={}">{}</a>', address, calendar.pk, vars(calendar)["used"])

    def get_fieldsets(self, request: HttpRequest, obj: Calendar | None = None) -> Any:
        return PARTS if self._may_edit(request, obj) else [(None, {"fields": VIEWED})]

    def get_readonly_fields(self, request: HttpRequest, obj: Calendar | None = None) -> Any:
        return () if self._may_edit(request, obj) else ("version", "definition", "created_by", "updated_by")

    def get_form(
        self, request: HttpRequest, obj: Calendar | None = None, change: bool = False, **options: Any
    ) -> Any:
        return CalendarForm if self._may_edit(request, obj) else super().get_form(request, obj, change, **options)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Calendar | None:
        """Return the calendar; locked when it is about to be saved, so that nobody else saves in between."""
        if request.method == "POST" and object_id.isdecimal() and connection.in_atomic_block:
            Calendar.objects.select_for_update().filter(pk=object_id).first()
        return super().get_object(request, object_id, from_field)

    def save_model(self, request: HttpRequest, obj: Calendar, form: Any, change: bool) -> None:
        found = effects.of_change(Calendar.objects.get(pk=obj.pk), obj, timezone.now()) if change else None
        obj.store(by=request.user.get_username(), why=form.cleaned_data["reason"])
        if found is not None and found.schedules:
            messages.info(request, found.sentence())

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any) -> Any:
        obj = context.get("original")
        if self._may_edit(request, obj):
            names = ["admin:schedules_calendar_preview"] if obj is None else ["admin:schedules_calendar_preview_one"]
            context["preview_address"] = reverse(names[0], args=[] if obj is None else [obj.pk])
            context["versions"] = [] if obj is None else obj.versions.all()[:20]
            # `obj` holds what was typed, refused or not; what is ahead is that of the stored calendar.
            stored = None if obj is None else Calendar.objects.get(pk=obj.pk)
            context["ahead"] = [] if stored is None else closed_ahead(stored.closures, timezone.now())
            context["title"], context["subtitle"] = (obj.name if obj else _("Add calendar")), None
        return super().render_change_form(request, context, *args, **options)

    def get_urls(self) -> Any:
        wrap, name = self.admin_site.admin_view, "schedules_calendar"
        return [
            path("preview/", wrap(require_POST(self.preview_view)), name=f"{name}_preview"),
            path("<int:pk>/preview/", wrap(require_POST(self.preview_view)), name=f"{name}_preview_one"),
            path("<int:pk>/back/<int:number>/", wrap(require_POST(self.back_view)), name=f"{name}_back"),
            *super().get_urls(),
        ]

    def preview_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Answer what was typed so far with the part of the page that says what it does."""
        stored = None if pk is None else get_object_or_404(self.get_queryset(request), pk=pk)
        if not self._may_edit(request, stored):
            raise PermissionDenied
        draft = Calendar() if stored is None else copy.copy(stored)
        form = CalendarForm(request.POST, instance=draft)
        form.is_valid()
        wrong = [str(text) for name, texts in form.errors.items() if name in DEFINING for text in texts]
        told: dict[str, Any] = {"error": " ".join(wrong)}
        if not wrong:
            try:
                now = timezone.now()
                told["ahead"] = closed_ahead(draft.draft(), now)
                told["sentence"] = effects.of_change(stored, draft, now).sentence() if stored else ""
            except InvalidDefinition as refused:
                told["error"] = str(refused)
        return render(request, "admin/schedules/calendar/preview.html", told)

    def back_view(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        """Store an earlier version again."""
        calendar = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_change_permission(request, calendar):
            raise PermissionDenied
        get_object_or_404(calendar.versions, number=number)
        calendar.roll_back(number, by=request.user.get_username())
        said = _("%(name)s says again what version %(number)d said; that is version %(now)d.")
        messages.success(request, said % {"name": calendar.name, "number": number, "now": calendar.version})
        return HttpResponseRedirect(reverse("admin:schedules_calendar_change", args=[pk]))

    def _may_edit(self, request: HttpRequest, obj: Calendar | None) -> bool:
        return self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)


DEFINING = {"timezone", "weekdays", "closed_dates", "open_dates", "windows", "country", "subdivision", "years"}
