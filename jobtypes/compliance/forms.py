"""Forms of the workshop for what validations go by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from integrations.access import COMMON, environments_of
from integrations.limited import ByVisitor
from jobtypes.compliance.models import ControlRequirement, System, Waiver
from jobtypes.forms import LinesField

if TYPE_CHECKING:
    RequirementBase = forms.ModelForm[ControlRequirement]
    WaiverBase = forms.ModelForm[Waiver]
else:
    RequirementBase = WaiverBase = forms.ModelForm

LINES = forms.Textarea(attrs={"rows": 4})


class RequirementForm(RequirementBase):
    """What a control or a family requires, one type a line."""

    required_all = LinesField(required=False, widget=LINES, help_text=_("All of these types; one a line."))
    required_any = LinesField(required=False, widget=LINES, help_text=_("At least one of these; one a line."))

    class Meta:
        model = ControlRequirement
        fields = ["control_id", "family", "required_all", "required_any", "remediation"]


class WaiverForm(ByVisitor, WaiverBase):
    """Why a control need not pass for a while."""

    for_systems = forms.ModelMultipleChoiceField(
        System.objects.all(), required=False, label=_("Systems"), help_text=_("None: for all systems.")
    )
    compensating_controls = LinesField(required=False, widget=LINES, help_text=_("What is done instead; one a line."))

    class Meta:
        model = Waiver
        fields = ["control_id", "reason", "compensating_controls", "approved_by", "approved_on", "expires", "notes"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            self.initial["for_systems"] = list(self.instance.systems.all())

    def clean(self) -> Any:
        """Refuse a waiver for all systems from who is limited to some."""
        cleaned = super().clean()
        limited = self.visitor is not None and environments_of(self.visitor) is not None
        if limited and not self.cleaned_data.get("for_systems") and "for_systems" not in self.errors:
            self.add_error("for_systems", f"Choose systems of yours. {COMMON}")
        return cleaned
