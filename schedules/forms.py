"""The editor's form: a schedule's own fields, and beside them real fields for the parameters of its job type.

Rules live in `Schedule.clean()`; a form only reads what was typed and puts each refusal at the field it belongs to.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.access import environments_of
from integrations.limited import ByVisitor, OffersToVisitor
from jobtypes import registry
from jobtypes.forms import field_of, form_fields, typed_params
from schedules import rules
from schedules.clock import zone_names
from schedules.dependencies import resolve
from schedules.fields import CONSEQUENCES, Cards, MomentField, TagsField, Zones, local_text
from schedules.models import Calendar, Schedule
from schedules.parents_field import ParentsField

MOMENTS = ("scheduled_at", "anchor_at", "start_at", "end_at")


if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Schedule]
else:
    ModelForm = forms.ModelForm


class TimingForm(ModelForm):
    """When a schedule fires: enough for the preview. Only the fields of the chosen kind of timing count."""

    timezone = forms.ChoiceField(
        label=_("Time zone"), widget=Zones, choices=lambda: [(name, name) for name in sorted(zone_names())]
    )
    scheduled_at = MomentField(required=False, label=_("When"), help_text=_("In the schedule's time zone."))
    anchor_at = MomentField(
        required=False, label=_("Counted from"), help_text=_("Empty: from the moment it is created.")
    )
    start_at = MomentField(required=False, label=_("Start"), help_text=_("Nothing fires before this."))
    end_at = MomentField(required=False, label=_("End"), help_text=_("Nothing fires after this."))

    class Meta:
        model = Schedule
        fields: tuple[str, ...] = (
            "environment",
            "name",
            "schedule_type",
            "cron_expression",
            "interval_seconds",
            "scheduled_at",
            "anchor_at",
            "timezone",
            "start_at",
            "end_at",
            "calendar",
            "calendar_rule",
        )
        widgets = {
            "schedule_type": Cards(CONSEQUENCES["schedule_type"]),
            "calendar_rule": Cards(CONSEQUENCES["calendar_rule"]),
            "cron_expression": forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        }
        labels = {
            "schedule_type": _("Timing"),
            "cron_expression": _("Cron"),
            "interval_seconds": _("Seconds between fires"),
        }
        help_texts = {"interval_seconds": _("300 is five minutes, 3600 an hour, 86400 a day.")}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial.setdefault("timezone", self.instance.timezone)
        for name in MOMENTS:
            self.initial[name] = local_text(getattr(self.instance, name), self.instance.timezone)
        kinds = cast(forms.ChoiceField, self.fields["schedule_type"])
        if self.instance.pk and self.instance.schedule_type != Schedule.Kind.IMMEDIATE:
            kinds.choices = [choice for choice in Schedule.Kind.choices if choice[0] != Schedule.Kind.IMMEDIATE]
        else:
            kinds.choices = Schedule.Kind.choices
        self.fields["calendar_rule"].required = False
        cast("forms.ModelChoiceField[Calendar]", self.fields["calendar"]).empty_label = _("None: every day is open")

    def clean(self) -> dict[str, Any]:
        super().clean()
        self._attach_zone()
        self.cleaned_data["calendar_rule"] = self.cleaned_data.get("calendar_rule") or Schedule.Rule.SKIP
        kind = self.cleaned_data.get("schedule_type", "")
        for name, empty in rules.EMPTY.items():
            if name not in rules.TIMING_FIELDS.get(kind, ()):
                self.cleaned_data[name] = empty
                self.errors.pop(name, None)
        if kind == Schedule.Kind.IMMEDIATE:
            self.cleaned_data["scheduled_at"] = self.instance.scheduled_at or timezone.now()
        return self.cleaned_data

    def _attach_zone(self) -> None:
        """Read moments without an offset in the schedule's zone; one that was not touched stays what it was."""
        zone = self.cleaned_data.get("timezone")
        for name in MOMENTS:
            moment = self.cleaned_data.get(name)
            if zone is None or moment is None:
                continue
            if zone == self.instance.timezone and name not in self.changed_data:
                self.cleaned_data[name] = getattr(self.instance, name)
            elif moment.tzinfo is None:
                aware = moment.replace(tzinfo=ZoneInfo(zone))
                if aware.astimezone(UTC).astimezone(aware.tzinfo).replace(tzinfo=None) != moment:
                    self.add_error(name, _("The clocks skip this moment in %s; choose one after it.") % zone)
                self.cleaned_data[name] = aware.astimezone(UTC)


class PreviewForm(TimingForm):
    """As much as the preview needs: the timing, checked alone, whatever else is still to be typed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["name"].required = self.fields["environment"].required = False

    def _post_clean(self) -> None:
        """Fill the schedule in and check its timing alone."""
        for name in self.cleaned_data.keys() & set(self._meta.fields or ()):
            setattr(self.instance, name, self.cleaned_data[name])
        found: rules.Errors = {}
        if not self.errors:
            rules.check_timing(self.instance, found)
        for name, sentences in found.items():
            self.add_error(name if name in self.fields else None, sentences)


class ScheduleForm(ByVisitor, TimingForm):
    """The whole schedule; `kind`, a job type's name, is set by `schedule_form`."""

    kind = ""
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    job_type = forms.CharField(widget=forms.HiddenInput)
    tags = TagsField(required=False, help_text=_("Up to 20 words, parted by commas."))
    depends_on = ParentsField()
    channels = TagsField(
        required=False,
        help_text=_(
            "Names, parted by commas: told when a run fails for good, of recoveries, and of what was missed."
        ),
    )

    class Meta(TimingForm.Meta):
        fields = (
            *TimingForm.Meta.fields,
            "description",
            "tags",
            "overlap_policy",
            "max_instances",
            "misfire_policy",
            "misfire_grace_seconds",
            "catchup_limit",
            "max_retries",
            "retry_delay_seconds",
            "retry_backoff",
            "timeout_seconds",
            "priority",
            "queue",
            "channels",
            "callback_url",
            "jitter_seconds",
            "max_runs",
        )
        widgets = {
            **TimingForm.Meta.widgets,
            "description": forms.Textarea(attrs={"rows": 2}),
            "overlap_policy": Cards(CONSEQUENCES["overlap_policy"]),
            "misfire_policy": Cards(CONSEQUENCES["misfire_policy"]),
        }
        labels = {
            **TimingForm.Meta.labels,
            "max_instances": _("At most at once"),
            "misfire_grace_seconds": _("On time within, seconds"),
            "catchup_limit": _("At most to catch up"),
            "timeout_seconds": _("Timeout, seconds"),
            "retry_delay_seconds": _("Seconds before a retry"),
            "max_retries": _("Retries"),
            "jitter_seconds": _("Spread, seconds"),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.visitor is not None:
            self.instance.owner = self.visitor
            places = environments_of(self.visitor)
            if places and not self.instance.pk and self.instance.environment not in places:
                self.initial["environment"] = self.instance.environment = min(places)
        if self.instance._state.adding and not self.instance.cron_expression:
            self.initial.setdefault("cron_expression", registry.job_type(self.kind).cron_expression)
        self.initial.update(job_type=self.kind, seen_version=self.instance.version)
        self.stored_params = self.instance.params if self.instance.job_type == self.kind else {}
        for name, field in form_fields(registry.job_type(self.kind).Config, self.stored_params).items():
            self.fields[name] = field
            if isinstance(field, OffersToVisitor) and self.visitor is not None:
                field.offer_to(self.visitor)
        self.initial["depends_on"] = cast(ParentsField, self.fields["depends_on"]).show(self.instance)

    def clean(self) -> dict[str, Any]:
        super().clean()
        self.cleaned_data["job_type"] = self.kind
        config = registry.job_type(self.kind).Config
        self.instance.job_type = self.kind
        self.instance.params = typed_params(config, self.cleaned_data, self.stored_params)
        namesakes = Schedule.objects.existing().exclude(pk=self.instance.pk)
        name, environment = self.cleaned_data.get("name"), self.cleaned_data.get("environment")
        if name and namesakes.filter(name=name, environment=environment).exists():
            self.add_error("name", _("%s has a schedule of this name already; choose another.") % environment)
        if self.instance.pk and self.cleaned_data.get("seen_version") != self.instance.version:
            self._report_conflict()
        return self.cleaned_data

    def _post_clean(self) -> None:
        """Check what it waits for once its environment is known."""
        super()._post_clean()  # type: ignore[misc]  # django-stubs leaves it out
        if (wanted := self.cleaned_data.get("depends_on")) is not None:
            try:
                resolve(self.instance, wanted)
            except ValidationError as refused:
                self.add_error(None, refused)

    def add_error(self, field: str | None, error: Any) -> None:
        """Put each refusal at the field where it was typed: a parameter's at its own."""
        if not (isinstance(error, ValidationError) and hasattr(error, "error_dict")):
            super().add_error(field, error)
            return
        for name, refusals in error.error_dict.items():
            for refusal in refusals:
                where = self._where(name, refusal)
                text = refusal if where != field_of_params(refusal) else refusal.messages[0].partition(": ")[2]
                super().add_error(where, text)

    def _where(self, name: str, refusal: ValidationError) -> str | None:
        if name == "params" and (typed_at := field_of_params(refusal)) in self.fields:
            return typed_at
        return name if name in self.fields else None

    def _report_conflict(self) -> None:
        """Refuse to overwrite what somebody else saved meanwhile; saving once more, having read this, is allowed."""
        self.add_error(
            None,
            _(
                "This schedule was changed while you edited it: it is at version %(now)d now. Nothing was saved and "
                "what you typed is still here. Compare it with the schedule as it is; to put yours in its place, "
                "save again."
            )
            % {"now": self.instance.version},
        )
        self.data = {**cast(QueryDict, self.data).dict(), "seen_version": str(self.instance.version)}


def schedule_form(kind: str) -> type[ScheduleForm]:
    """Return the form for schedules of one job type; raises InvalidParams if there is none of that name."""
    registry.job_type(kind)
    return type("ScheduleForm", (ScheduleForm,), {"kind": kind})


def field_of_params(refusal: ValidationError) -> str:
    """Return the form field of a refusal such as "headers.0.name: This field is required."."""
    return field_of(refusal.messages[0].partition(": ")[0])
