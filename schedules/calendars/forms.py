"""The workshop's form for a calendar: weekdays to tick, dates and windows one in a line, days to import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from schedules.calendars import countries, ical, text
from schedules.calendars.countries import UnknownHolidays
from schedules.calendars.definition import DAY_NAMES, WEEKDAYS, InvalidDefinition, NamedDate
from schedules.calendars.ical import UnreadableFile
from schedules.calendars.text import UnreadableLines
from schedules.clock import zone_names
from schedules.fields import Zones
from schedules.models import Calendar

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Calendar]
else:
    ModelForm = forms.ModelForm

DAYS = list(zip(WEEKDAYS, (_(name) for name in DAY_NAMES), strict=True))
LINES = {"class": "mono", "spellcheck": "false"}
LARGEST_FILE = 1_000_000  # bytes


class LinesField(forms.CharField):
    """Lines that `read` makes into parts of a definition."""

    def __init__(self, read: Callable[[str], Any], *, rows: int, example: str, **options: Any) -> None:
        self.read = read
        widget = forms.Textarea(attrs={**LINES, "rows": rows, "placeholder": example})
        super().__init__(required=False, max_length=500_000, widget=widget, **options)

    def clean(self, value: Any) -> Any:
        try:
            return self.read(super().clean(value))
        except UnreadableLines as refused:
            raise forms.ValidationError(refused.sentences) from None


class CalendarForm(ModelForm):
    """A calendar; what is imported is added to its closed dates."""

    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    timezone = forms.ChoiceField(
        label=_("Time zone"),
        widget=Zones,
        choices=lambda: [(name, name) for name in sorted(zone_names())],
        help_text=_("Its days and clock times are of this zone."),
    )
    weekdays = forms.MultipleChoiceField(
        label=_("Open on"), choices=DAYS, required=False, widget=forms.CheckboxSelectMultiple
    )
    closed_dates = LinesField(
        text.read_dates,
        label=_("Closed dates"),
        rows=10,
        example="2026-12-25 Christmas Day",
        help_text=_("One in a line: the date, then its name."),
    )
    open_dates = LinesField(
        text.read_dates,
        label=_("Open all the same"),
        rows=3,
        example="2026-12-19 Working Saturday",
        help_text=_("Dates that are open though their weekday or date is closed."),
    )
    windows = LinesField(
        text.read_windows,
        label=_("Maintenance windows"),
        rows=4,
        example="sat 22:00-02:00 | Patch night | stop",
        help_text=_(
            "One in a line: when | name | stop. Every week, such as sat sun 22:00-02:00 | Patch night; or once, "
            "such as 2026-12-24 18:00 to 2026-12-27 06:00 | Move. With stop, what runs is then asked to stop."
        ),
    )
    reason = forms.CharField(
        label=_("Why"), required=False, max_length=500, help_text=_("Kept with this version, for those who ask.")
    )
    ics = forms.FileField(
        label=_("iCalendar file"), required=False, help_text=_("Its all-day events, repeated ones too, are closed.")
    )
    country = forms.CharField(
        label=_("Country"), required=False, max_length=20, help_text=_("Such as LV: its public holidays are closed.")
    )
    subdivision = forms.CharField(
        label=_("Part of it"), required=False, max_length=40, help_text=_("Such as BY in DE.")
    )
    years = forms.CharField(label=_("Years"), required=False, max_length=9, help_text=_("Such as 2026-2028."))

    class Meta:
        model = Calendar
        fields = ("name", "description", "environment")
        widgets = {"description": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        said, year = self.instance.read, timezone.now().year
        shown = {
            "seen_version": self.instance.version,
            "timezone": said.timezone,
            "weekdays": list(said.weekdays),
            "closed_dates": text.dates_text(said.closed_dates),
            "open_dates": text.dates_text(said.open_dates),
            "windows": text.windows_text(said.windows),
            "years": f"{year}-{year + 2}",
        }
        self.initial = {**shown, **self.initial}

    def clean(self) -> dict[str, Any]:
        super().clean()
        names = ("timezone", "weekdays", "closed_dates", "open_dates", "windows")
        self.instance.define({name: self.cleaned_data[name] for name in names if name in self.cleaned_data})
        if not self.errors:
            self._import("ics", self._from_file)
            self._import("country", self._from_country)
        if self.instance.pk and self.cleaned_data.get("seen_version") != self.instance.version:
            self._report_conflict()
        return self.cleaned_data

    def _import(self, name: str, read: Callable[[Any, range], Sequence[NamedDate]]) -> None:
        """Close what one of the sources names, if it was filled in."""
        if not self.cleaned_data.get(name):
            return
        try:
            self.instance.close(read(self.cleaned_data[name], countries.years(self.cleaned_data["years"])))
        except UnknownHolidays as refused:
            self.add_error(refused.field if refused.field in self.fields else name, str(refused))
        except (UnreadableFile, UnreadableLines) as refused:
            self.add_error(name, str(refused))
        except InvalidDefinition:
            return  # the model's own check says it at its field

    def _from_file(self, file: Any, years: range) -> Sequence[NamedDate]:
        content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise UnreadableFile(f"The file is larger than {LARGEST_FILE:,} bytes.")
        try:
            told = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UnreadableFile("It is no iCalendar file: it is not written in UTF-8.") from None
        return ical.dates(told, since=date(years[0], 1, 1), until=date(years[-1], 12, 31))

    def _from_country(self, country: str, years: range) -> Sequence[NamedDate]:
        return countries.dates(country, self.cleaned_data["subdivision"], years)

    def _report_conflict(self) -> None:
        """Refuse to overwrite what somebody else saved meanwhile; saving once more, having read this, is allowed."""
        self.add_error(
            None,
            _(
                "This calendar was changed while you edited it: it is at version %d now. Nothing was saved. To put "
                "yours in its place, save again."
            )
            % self.instance.version,
        )
        self.data = cast(QueryDict, self.data).copy()
        self.data["seen_version"] = str(self.instance.version)
