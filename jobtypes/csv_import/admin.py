"""Import projects in the workshop, and the results of their files, which nobody edits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.workshop import ReadOnly, Removing
from jobtypes.csv_import.forms import ImportProjectForm
from jobtypes.csv_import.models import ImportedFile, ImportFileResult, ImportProject, RejectedRow

if TYPE_CHECKING:
    ProjectBase = admin.ModelAdmin[ImportProject]
    ResultBase = admin.ModelAdmin[ImportFileResult]
    RejectBase = admin.ModelAdmin[RejectedRow]
    FileBase = admin.ModelAdmin[ImportedFile]
else:
    ProjectBase = ResultBase = RejectBase = FileBase = admin.ModelAdmin

PARTS = (
    (gettext_lazy("Import project"), {"fields": [("name", "environment"), "description"]}),
    (gettext_lazy("Where"), {"fields": [("connection", "source")]}),
    (gettext_lazy("Files and tables"), {"fields": ["config"]}),
)
VIEWED = (("name", "version"), "environment", "description", ("connection", "source"), "config", "declared_in")


@admin.register(ImportProject)
class ImportProjectAdmin(Removing, ProjectBase):
    form = ImportProjectForm
    list_display = ("name", "environment", "connection", "source", "used_by", "version", "updated_by", "updated_at")
    search_fields = ("name", "description")
    search_help_text = "Name, description"

    @admin.display(description=gettext_lazy("Schedules"))
    def used_by(self, project: ImportProject) -> str:
        return project.used_by() or "–"

    def get_fieldsets(self, request: HttpRequest, obj: ImportProject | None = None) -> Any:
        return PARTS if self._may_edit(request, obj) else [(None, {"fields": VIEWED})]

    def get_readonly_fields(self, request: HttpRequest, obj: ImportProject | None = None) -> Any:
        return () if self._may_edit(request, obj) else ("version", "declared_in")

    def get_form(
        self, request: HttpRequest, obj: ImportProject | None = None, change: bool = False, **options: Any
    ) -> Any:
        edits = self._may_edit(request, obj)
        return ImportProjectForm if edits else super().get_form(request, obj, change, **options)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> ImportProject | None:
        """Return the project; locked when it is about to be saved, so that nobody else saves in between."""
        if request.method == "POST" and object_id.isdecimal() and connection.in_atomic_block:
            ImportProject.objects.select_for_update().filter(pk=object_id).first()
        return super().get_object(request, object_id, from_field)

    def save_model(self, request: HttpRequest, obj: ImportProject, form: Any, change: bool) -> None:
        obj.store(by=request.user.get_username())

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any) -> Any:
        obj = context.get("original")
        if self._may_edit(request, obj):
            context["title"], context["subtitle"] = (obj.name if obj else _("Add import project")), None
        return super().render_change_form(request, context, *args, **options)

    def _may_edit(self, request: HttpRequest, obj: ImportProject | None) -> bool:
        return self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)


@admin.register(ImportFileResult)
class ImportFileResultAdmin(ReadOnly, ResultBase):
    list_display = ("filename", "project", "table_name", "status", "inserted", "updated", "skipped", "rejected")
    list_filter = ("status", "environment")
    search_fields = ("filename", "project", "table_name")


@admin.register(RejectedRow)
class RejectedRowAdmin(ReadOnly, RejectBase):
    list_display = ("file", "line", "column", "reason")
    search_fields = ("file__filename", "reason")
    list_select_related = ("file",)
    show_full_result_count = False


@admin.register(ImportedFile)
class ImportedFileAdmin(ReadOnly, FileBase):
    list_display = ("filename", "project", "table_name", "size", "imported_at", "run_id")
    search_fields = ("filename", "table_name")
    list_select_related = ("project",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportedFile]:
        return ImportedFile.objects.visible_to(request.user)
