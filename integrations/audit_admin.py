"""The audit trail in the workshop: read, never written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from integrations.trail import AuditEntry
from integrations.trail_words import differences
from integrations.workshop import ReadOnly

if TYPE_CHECKING:
    EntryAdminBase = admin.ModelAdmin[AuditEntry]
else:
    EntryAdminBase = admin.ModelAdmin


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly, EntryAdminBase):
    list_display = ("moment", "actor", "act", "kind", "name", "environment", "source", "reason")
    list_filter = ("source",)
    search_fields = ("name", "actor", "reason")
    search_help_text = "Name, actor, reason"
    ordering = ("-id",)
    sortable_by = ()
    show_full_result_count = False
    fields = (
        ("moment", "actor", "source"),
        ("act", "kind", "name"),
        ("object_id", "environment"),
        ("reason", "on_behalf_of"),
        "what_changed",
        ("correlation_id", "bulk_id"),
    )
    readonly_fields = ("moment", "what_changed")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """Return what this user may see."""
        return AuditEntry.objects.visible_to(request.user)

    @admin.display(description=gettext_lazy("When (UTC)"))
    def moment(self, entry: AuditEntry) -> str:
        return f"{entry.at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description=gettext_lazy("What changed"))
    def what_changed(self, entry: AuditEntry) -> SafeString | str:
        rows: list[tuple[Any, ...]] = [
            (one.name, one.before or "", one.after or "") for one in differences(entry.before, entry.after)
        ]
        lines = format_html_join("\n", "{}: {} → {}", rows)
        return format_html("<pre>{}</pre>", lines) if rows else "–"
