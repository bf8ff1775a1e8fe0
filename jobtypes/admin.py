"""Alerts and their incidents in the workshop: read, never written; silencing is on the alert's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from integrations.workshop import ReadOnly
from jobtypes.compliance import admin as compliance  # noqa: F401 - it registers its models
from jobtypes.csv_import import admin as csv_import  # noqa: F401 - it registers its models
from jobtypes.models import AlertIncident, AlertState

if TYPE_CHECKING:
    StateBase = admin.ModelAdmin[AlertState]
    IncidentBase = admin.ModelAdmin[AlertIncident]
else:
    StateBase = IncidentBase = admin.ModelAdmin


@admin.register(AlertState)
class AlertStateAdmin(ReadOnly, StateBase):
    list_display = ("name", "environment", "standing", "last_status", "last_executed_at", "silenced_until")
    list_filter = ("standing", "last_status", "environment")
    search_fields = ("name", "description")
    exclude = ("key", "is_deleted")
    readonly_fields = ("page",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return AlertState.objects.watched().visible_to(request.user)

    @admin.display(description=gettext_lazy("Page"))
    def page(self, alert: AlertState) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("alert", args=[alert.schedule_id]), alert.name)


@admin.register(AlertIncident)
class AlertIncidentAdmin(ReadOnly, IncidentBase):
    list_display = ("state", "kind", "opened_at", "closed_at", "close_reason", "first_notified_at", "reminders")
    list_filter = ("kind", "close_reason")
    search_fields = ("state__name",)
    list_select_related = ("state",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return AlertIncident.objects.visible_to(request.user)
