"""Limits of tags in the workshop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from integrations.workshop import Removing
from schedules.limits import TagLimit
from schedules.models import Schedule

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[TagLimit]
else:
    ModelAdmin = admin.ModelAdmin


@admin.register(TagLimit)
class TagLimitAdmin(Removing, ModelAdmin):
    list_display = ("tag", "max_running", "running", "note", "updated_by", "updated_at")
    search_fields = ("tag", "note")
    fields = ("tag", "max_running", "note")

    @admin.display(description=_("Running now"))
    def running(self, limit: TagLimit) -> int:
        """Return how many runs go on that the limit counts."""
        return Schedule.objects.running_tagged(limit.tag)

    def save_model(self, request: HttpRequest, obj: TagLimit, form: Any, change: bool) -> None:
        obj.store(by=request.user.get_username())
