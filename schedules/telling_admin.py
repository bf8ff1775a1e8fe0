"""Rules for what is told to whom, in the workshop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from integrations.limited import ByVisitor
from integrations.models import Channel
from integrations.workshop import Removing
from schedules.fields import TagsField
from schedules.models import Schedule
from schedules.telling import NoticeRule

if TYPE_CHECKING:
    RuleAdminBase = admin.ModelAdmin[NoticeRule]
    RuleFormBase = forms.ModelForm[NoticeRule]
else:
    RuleAdminBase, RuleFormBase = admin.ModelAdmin, forms.ModelForm


class NoticeRuleForm(ByVisitor, RuleFormBase):
    """A rule; the model's gate refuses what could tell nobody."""

    channels = TagsField(help_text=_("Names of channels, parted by commas."))

    class Meta:
        model = NoticeRule
        fields = ("schedule", "environment", "event", "threshold", "channels")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        seen = Channel.objects.all() if self.visitor is None else Channel.objects.visible_to(self.visitor)
        names = ", ".join(seen.values_list("name", flat=True)[:20])
        self.fields["channels"].help_text = _("Names, parted by commas. There are: %s") % (names or _("none yet"))


@admin.register(NoticeRule)
class NoticeRuleAdmin(Removing, RuleAdminBase):
    form = NoticeRuleForm
    list_display = ("event", "whose", "environment", "threshold", "tells")
    list_filter = ("event", "environment")
    list_select_related = ("schedule",)
    search_fields = ("schedule__name",)
    raw_id_fields = ("schedule",)

    @admin.display(description=_("Of"), ordering="schedule__name")
    def whose(self, rule: NoticeRule) -> str:
        return str(rule.schedule) if rule.schedule else str(_("all that say nothing of their own"))

    @admin.display(description=_("Tells"))
    def tells(self, rule: NoticeRule) -> str:
        return ", ".join(rule.channels)

    def save_model(self, request: HttpRequest, obj: NoticeRule, form: Any, change: bool) -> None:
        obj.store(by=request.user.get_username())

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "schedule":
            options["queryset"] = Schedule.objects.existing().visible_to(request.user)
        return super().formfield_for_foreignkey(db_field, request, **options)
