"""What validations go by in the workshop: systems, waivers and requirements to edit, the rest to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from integrations.workshop import ReadOnly, Removing
from jobtypes.compliance.forms import RequirementForm, WaiverForm
from jobtypes.compliance.models import (
    Catalog,
    Control,
    ControlRequirement,
    Evidence,
    EvidenceAccess,
    Finding,
    Manifest,
    ManifestEntry,
    System,
    ValidationResult,
    Waiver,
)

if TYPE_CHECKING:
    SystemBase = admin.ModelAdmin[System]
    EvidenceBase = admin.ModelAdmin[Evidence]
    AccessBase = admin.ModelAdmin[EvidenceAccess]
    CatalogBase = admin.ModelAdmin[Catalog]
    ControlBase = admin.ModelAdmin[Control]
    RequirementBase = admin.ModelAdmin[ControlRequirement]
    WaiverBase = admin.ModelAdmin[Waiver]
    ManifestBase = admin.ModelAdmin[Manifest]
    EntryBase = admin.ModelAdmin[ManifestEntry]
    ResultBase = admin.ModelAdmin[ValidationResult]
    FindingBase = admin.ModelAdmin[Finding]
else:
    SystemBase = EvidenceBase = AccessBase = CatalogBase = ControlBase = admin.ModelAdmin
    RequirementBase = WaiverBase = ManifestBase = EntryBase = admin.ModelAdmin
    ResultBase = FindingBase = admin.ModelAdmin


@admin.register(System)
class SystemAdmin(Removing, SystemBase):
    list_display = ("name", "environment", "description", "version", "updated_by", "updated_at")
    list_filter = ("environment",)
    search_fields = ("name", "description")
    fields = ("name", "environment", "description", "attributes")

    def save_model(self, request: HttpRequest, obj: System, form: Any, change: bool) -> None:
        obj.store(by=request.user.get_username())


@admin.register(Evidence)
class EvidenceAdmin(ReadOnly, EvidenceBase):
    list_display = ("evidence_type", "system", "key", "collected_at", "expires_at", "version", "deleted_at")
    list_filter = ("evidence_type", "system__environment")
    search_fields = ("evidence_type", "key", "path", "sha256", "system__name")
    list_select_related = ("system",)


@admin.register(EvidenceAccess)
class EvidenceAccessAdmin(ReadOnly, AccessBase):
    list_display = ("at", "who", "action", "evidence", "address")
    list_filter = ("action",)
    search_fields = ("who", "evidence__evidence_type", "evidence__system__name")
    list_select_related = ("evidence__system",)
    show_full_result_count = False


@admin.register(Catalog)
class CatalogAdmin(ReadOnly, CatalogBase):
    list_display = ("key", "title", "version", "reading", "base", "enhancements", "withdrawn", "loaded_at")
    search_fields = ("key", "title")

    def get_queryset(self, request: HttpRequest) -> Any:
        return Catalog.objects.counted()

    @admin.display(description=_("Base controls"))
    def base(self, catalog: Any) -> int:
        return int(catalog.base)

    @admin.display(description=_("Enhancements"))
    def enhancements(self, catalog: Any) -> int:
        return int(catalog.enhancements)

    @admin.display(description=_("Withdrawn"))
    def withdrawn(self, catalog: Any) -> int:
        return int(catalog.withdrawn)


@admin.register(Control)
class ControlAdmin(ReadOnly, ControlBase):
    list_display = ("control_id", "label", "title", "catalog", "family", "depth", "withdrawn", "dropped_at")
    list_filter = ("catalog", "withdrawn")
    search_fields = ("control_id", "title")
    list_select_related = ("catalog",)


@admin.register(ControlRequirement)
class ControlRequirementAdmin(Removing, RequirementBase):
    form = RequirementForm
    list_display = ("__str__", "required_all", "required_any", "updated_by", "updated_at")
    search_fields = ("control_id", "family")

    def save_model(self, request: HttpRequest, obj: ControlRequirement, form: Any, change: bool) -> None:
        obj.store(by=request.user.get_username())


@admin.register(Waiver)
class WaiverAdmin(Removing, WaiverBase):
    form = WaiverForm
    list_display = ("control_id", "expires", "named", "reason", "approved_by", "updated_at")
    search_fields = ("control_id", "reason", "systems__name")
    fields = (
        *("control_id", "for_systems", "reason", "compensating_controls"),
        *("approved_by", "approved_on", "expires", "notes"),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("systems")

    def get_fields(self, request: HttpRequest, obj: Waiver | None = None) -> Any:
        """Return the fields; who only looks sees the systems as the list has them."""
        edits = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        return self.fields if edits else ["named" if one == "for_systems" else one for one in self.fields or ()]

    def get_readonly_fields(self, request: HttpRequest, obj: Waiver | None = None) -> Any:
        return ("named",)

    @admin.display(description=_("Systems"))
    def named(self, waiver: Waiver) -> str:
        return ", ".join(sorted(one.name for one in waiver.systems.all())) or "all"

    def save_model(self, request: HttpRequest, obj: Waiver, form: Any, change: bool) -> None:
        obj.store(by=request.user.get_username(), systems=form.cleaned_data["for_systems"])


@admin.register(Manifest)
class ManifestAdmin(ReadOnly, ManifestBase):
    list_display = ("__str__", "environment", "version", "overall_hash", "loaded_at")
    list_filter = ("environment",)


@admin.register(ManifestEntry)
class ManifestEntryAdmin(ReadOnly, EntryBase):
    list_display = ("key", "manifest", "filename", "sha256", "size")
    search_fields = ("key", "filename", "sha256")
    list_select_related = ("manifest",)


@admin.register(ValidationResult)
class ValidationResultAdmin(ReadOnly, ResultBase):
    list_display = ("run_id", "system", "control", "status", "waived", "validated_at")
    list_filter = ("status", "waived", "system__environment")
    search_fields = ("system__name", "control__control_id")
    list_select_related = ("system", "control")
    show_full_result_count = False


@admin.register(Finding)
class FindingAdmin(ReadOnly, FindingBase):
    list_display = ("title", "system", "control", "severity", "status", "found_at", "closed_at")
    list_filter = ("status", "severity", "system__environment")
    search_fields = ("title", "system__name", "control__control_id")
    list_select_related = ("system", "control")
