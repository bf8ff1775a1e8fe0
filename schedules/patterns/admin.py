"""Templates in the workshop: the list, the form, and what came from each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.workshop import Removing
from schedules.models import Template
from schedules.patterns import instances
from schedules.patterns.editor import TEXTS, TemplateForm

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Template]
else:
    ModelAdmin = admin.ModelAdmin

PARTS = (
    (gettext_lazy("Template"), {"fields": [("name", "environment"), "description"]}),
    (gettext_lazy("What it does"), {"fields": ["job_type", "params", "tags"]}),
    (gettext_lazy("When"), {"fields": [("schedule_type", "timezone"), TEXTS[:2]]}),
    (gettext_lazy("Anything else"), {"fields": ["rest", "reason"]}),
)
VIEWED = (("name", "version"), "environment", "description", "definition", "parameters", ("created_by", "updated_by"))
LISTED = 20


@admin.register(Template)
class TemplateAdmin(Removing, ModelAdmin):
    form = TemplateForm
    list_display = ("name", "asks_for", "made", "environment", "version", "updated_by", "updated_at")
    search_fields = ("name", "description")
    search_help_text = "Name, description"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Template]:
        return Template.objects.counted(request.user).order_by("name")

    @admin.display(description=gettext_lazy("Asks for"))
    def asks_for(self, template: Template) -> str:
        return ", ".join(one["name"] for one in template.parameters) or "–"

    @admin.display(description=gettext_lazy("Schedules"), ordering="instance_count")
    def made(self, template: Template) -> SafeString:
        address = reverse("template_instances", args=[template.pk])
        return format_html('<a href="{}">{}</a>', address, vars(template)["instance_count"])

    def get_fieldsets(self, request: HttpRequest, obj: Template | None = None) -> Any:
        return PARTS if self._may_edit(request, obj) else [(None, {"fields": VIEWED})]

    def get_readonly_fields(self, request: HttpRequest, obj: Template | None = None) -> Any:
        return () if self._may_edit(request, obj) else ("version", "created_by", "updated_by")

    def get_form(
        self, request: HttpRequest, obj: Template | None = None, change: bool = False, **options: Any
    ) -> Any:
        return TemplateForm if self._may_edit(request, obj) else super().get_form(request, obj, change, **options)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Template | None:
        """Return the template; locked when it is about to be saved, so that nobody else saves in between."""
        if request.method == "POST" and object_id.isdecimal() and connection.in_atomic_block:
            Template.objects.select_for_update().filter(pk=object_id).first()
        return super().get_object(request, object_id, from_field)

    def save_model(self, request: HttpRequest, obj: Template, form: Any, change: bool) -> None:
        obj.store(by=request.user.get_username(), why=form.cleaned_data["reason"])

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any) -> Any:
        obj = context.get("original")
        if self._may_edit(request, obj):
            context["editable"] = True
            context["title"], context["subtitle"] = (obj.name if obj else _("Add template")), None
        if obj is not None:
            context["versions"] = obj.versions.all()[:LISTED]
            context["instances"] = instances.of_template(obj, request.user).order_by("name", "pk")[:LISTED]
        return super().render_change_form(request, context, *args, **options)

    def has_delete_permission(self, request: HttpRequest, obj: Template | None = None) -> bool:
        """One that schedules came from stays; deleting many at once would pass that by."""
        free = obj is not None and not obj.held_by()
        return free and self.has_change_permission(request, obj) and super().has_delete_permission(request, obj)

    def _may_edit(self, request: HttpRequest, obj: Template | None) -> bool:
        return self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)
